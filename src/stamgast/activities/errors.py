"""What this room refuses."""

from stamgast.kit.errors import Kind, StamgastError


class SourceNotFound(StamgastError):
    """There is no source of that name."""

    code = "source_not_found"
    kind = Kind.NOT_FOUND


class SourceExists(StamgastError):
    """A source of that name is already there."""

    code = "source_exists"
    kind = Kind.CONFLICT


class SourceKeyNotFound(StamgastError):
    """There is no write key in force with that id."""

    code = "source_key_not_found"
    kind = Kind.NOT_FOUND


class InvalidSourceName(StamgastError):
    """A source's name is empty or too long."""

    code = "invalid_source_name"


class ActivityNotFound(StamgastError):
    """There is no activity with that id."""

    code = "activity_not_found"
    kind = Kind.NOT_FOUND


class RefusalNotFound(StamgastError):
    """There is no refusal with that id."""

    code = "refusal_not_found"
    kind = Kind.NOT_FOUND


class RefusalSettled(StamgastError):
    """The refusal was sent again or dismissed before."""

    code = "refusal_settled"
    kind = Kind.CONFLICT


class StillRefused(StamgastError):
    """The corrected message cannot be accepted either; the message of the error says why."""

    code = "still_refused"


class InvalidKind(StamgastError):
    """A kind's name or its JSON Schema cannot be used."""

    code = "invalid_kind"


class KindNotFound(StamgastError):
    """There is no kind of that name."""

    code = "kind_not_found"
    kind = Kind.NOT_FOUND


class ArchiveDamaged(StamgastError):
    """A file of the archive is gone, or is not what was written."""

    code = "archive_damaged"
    kind = Kind.UNAVAILABLE
