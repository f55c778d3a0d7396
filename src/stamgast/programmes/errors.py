"""Refusals of programmes."""

from stamgast.kit.errors import Kind, StamgastError


class ProgrammeError(StamgastError):
    """What every refusal of this room is."""

    code = "programme_error"


class InvalidProgramme(ProgrammeError):
    """The document is not a programme. ``details["problems"]`` lists line, path and sentence of each problem."""

    code = "invalid_programme"


class UnknownProgramme(ProgrammeError):
    """No programme of that name was published."""

    code = "unknown_programme"
    kind = Kind.NOT_FOUND


class OtherProgramme(ProgrammeError):
    """The document names another programme than the one by which this installation decides."""

    code = "other_programme"
    kind = Kind.CONFLICT


class PublishedMeanwhile(ProgrammeError):
    """Someone else published a version of the same programme at the same time."""

    code = "published_meanwhile"
    kind = Kind.CONFLICT


class UnorderedActivities(ProgrammeError):
    """Activities came unsorted, twice, or before the last one that their customer's state has seen."""

    code = "unordered_activities"
    kind = Kind.CONFLICT
