"""What the lake refuses."""

from stamgast.kit.errors import Kind, StamgastError


class LakeBusy(StamgastError):
    """Another process is exporting to the folder."""

    code = "lake_busy"
    kind = Kind.CONFLICT


class LakeOfAnotherServer(StamgastError):
    """The folder was exported from another PostgreSQL, whose transaction numbers mean nothing here."""

    code = "lake_of_another_server"
    kind = Kind.CONFLICT


class LakeUnreadable(StamgastError):
    """The folder's manifest or a file that it names cannot be read."""

    code = "lake_unreadable"
    kind = Kind.UNAVAILABLE


class LakeNotThere(StamgastError):
    """Nothing was exported yet."""

    code = "lake_not_there"
    kind = Kind.NOT_FOUND
