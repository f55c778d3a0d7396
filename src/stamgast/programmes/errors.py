"""Refusals of programmes."""

from stamgast.kit.errors import Kind, StamgastError


class ProgrammeError(StamgastError):
    """What every refusal of this room is."""

    code = "programme_error"


class InvalidProgramme(ProgrammeError):
    """The document is not a programme. ``details["problems"]`` lists line, path and sentence of each problem."""

    code = "invalid_programme"


class UnsoundProgramme(ProgrammeError):
    """The linter found what cannot be meant. ``details["problems"]`` lists line, path and sentence of each error."""

    code = "unsound_programme"


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


class UnknownVersion(ProgrammeError):
    """The programme has no version of that number."""

    code = "unknown_version"
    kind = Kind.NOT_FOUND


class VersionInForce(ProgrammeError):
    """The version holds already, so that it cannot be withdrawn."""

    code = "version_in_force"
    kind = Kind.CONFLICT


class AlreadyWithdrawn(ProgrammeError):
    """The version was withdrawn before."""

    code = "already_withdrawn"
    kind = Kind.CONFLICT


class UnknownDraft(ProgrammeError):
    """There is no such draft, or it was thrown away."""

    code = "unknown_draft"
    kind = Kind.NOT_FOUND


class DraftChanged(ProgrammeError):
    """Someone else changed the draft since it was read."""

    code = "draft_changed"
    kind = Kind.CONFLICT


class DraftClosed(ProgrammeError):
    """The draft is not in a state in which this can be done with it."""

    code = "draft_closed"
    kind = Kind.CONFLICT


class SecondPersonNeeded(ProgrammeError):
    """The shop asks that a version is published by somebody who wrote none of it."""

    code = "second_person_needed"
    kind = Kind.FORBIDDEN


class InvalidActivities(ProgrammeError):
    """Activities that were given to replay lack a column, or hold what none can hold."""

    code = "invalid_activities"
