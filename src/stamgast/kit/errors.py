"""What every room's errors share: a stable code, a kind that the edges turn into a status, and a sentence for a person."""

from enum import StrEnum


class Kind(StrEnum):
    """What sort of refusal this is. One table at the edge turns a kind into an HTTP status and an exit code."""

    INVALID = "invalid"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    FORBIDDEN = "forbidden"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"


class StamgastError(Exception):
    """A refusal that a user may see. ``code`` is stable and documented; the message says what happened and what to do."""

    code = "error"
    kind = Kind.INVALID

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
