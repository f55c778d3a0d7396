"""What a backup or a restore refuses."""

from stamgast.kit.errors import Kind, StamgastError


class BackupFailed(StamgastError):
    """A part of making or putting back a backup did not run."""

    code = "backup_failed"
    kind = Kind.UNAVAILABLE


class BackupExists(StamgastError):
    """There is a file where the backup would be written."""

    code = "backup_exists"
    kind = Kind.CONFLICT


class BackupDamaged(StamgastError):
    """The file is not a backup, is not whole, or is not what was written."""

    code = "backup_damaged"


class BackupTooNew(StamgastError):
    """The backup was made by a newer version, whose tables this one does not know."""

    code = "backup_too_new"
    kind = Kind.CONFLICT


class HoldsData(StamgastError):
    """What would be replaced holds an installation, and was not named."""

    code = "holds_data"
    kind = Kind.CONFLICT
