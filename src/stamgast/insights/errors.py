"""What a measure refuses."""

from stamgast.kit.errors import Kind, StamgastError


class InvalidPeriod(StamgastError):
    """A period ends before it begins, or two periods are not one after the other."""

    code = "invalid_period"


class MeasureNotFound(StamgastError):
    """No measure has this name."""

    code = "measure_not_found"
    kind = Kind.NOT_FOUND


class UnknownZone(StamgastError):
    """The name is not a time zone of the IANA database."""

    code = "unknown_zone"


class NaiveMoment(StamgastError):
    """Moments without a zone cannot be put on a day of the shop."""

    code = "naive_moment"
