"""What a command says instead of a traceback, and the exit code that goes with it."""

from dataclasses import dataclass

from stamgast.kit.errors import Kind, StamgastError

EXIT_CODES = {Kind.INVALID: 2, Kind.NOT_FOUND: 3, Kind.CONFLICT: 4, Kind.FORBIDDEN: 5, Kind.THROTTLED: 6, Kind.UNAVAILABLE: 6}
NOT_MIGRATED = ("42P01", "42703", "3F000")  # undefined table, column, schema


@dataclass(frozen=True, slots=True)
class Refusal:
    """One sentence for a person and a code for a script."""

    code: str
    kind: str
    message: str
    exit_code: int


def refusal_of(error: Exception) -> Refusal | None:
    """None for what is a fault of the program: that keeps its traceback, so that it can be reported."""
    if isinstance(error, StamgastError):
        return Refusal(error.code, error.kind, error.message, EXIT_CODES[error.kind])
    if isinstance(error, OSError) and error.filename:
        return Refusal("file_unusable", Kind.INVALID, f"{error.filename} cannot be used: {error.strerror}.", 2)
    cause = error.__cause__ if type(error).__module__ == "django.db.utils" else error
    if cause is None or not type(cause).__module__.startswith("psycopg"):
        return None
    state = getattr(cause, "sqlstate", None)
    if state in NOT_MIGRATED:
        return Refusal("not_migrated", Kind.CONFLICT, "The database is not of this version. Run: stamgast migrate", 4)
    if state == "42501":
        return Refusal(
            "forbidden", Kind.FORBIDDEN, "The database refuses this to its role. `stamgast doctor` says what is missing.", 5
        )
    if state is None or state[:2] in ("08", "53", "57"):
        return Refusal("database_unavailable", Kind.UNAVAILABLE, "The database does not answer. `stamgast doctor` says why.", 6)
    return None
