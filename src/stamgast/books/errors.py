"""What the books refuse."""

from stamgast.kit.errors import Kind, StamgastError


class InvalidValuation(StamgastError):
    """A price, a share or a day of a valuation cannot be."""

    code = "invalid_valuation"


class CheckpointUnreadable(StamgastError):
    """The file is not a checkpoint."""

    code = "checkpoint_unreadable"


class CheckpointKeyLost(StamgastError):
    """The key that signs checkpoints was sealed with a secret that is no longer named."""

    code = "checkpoint_key_lost"
    kind = Kind.CONFLICT


class AuditRunning(StamgastError):
    """Another process audits at this moment."""

    code = "audit_running"
    kind = Kind.CONFLICT
