"""What the books refuse."""

from stamgast.kit.errors import Kind, StamgastError


class InvalidValuation(StamgastError):
    """A price, a share or a day of a valuation cannot be."""

    code = "invalid_valuation"


class InvalidPartner(StamgastError):
    """The code, the name or the kind of a partner or charity cannot be used."""

    code = "invalid_partner"


class PartnerExists(StamgastError):
    """A partner or charity of that code is there already, by another name or of the other kind."""

    code = "partner_exists"
    kind = Kind.CONFLICT


class PartnerNotFound(StamgastError):
    """No partner, or no charity where one is asked for, has this code."""

    code = "partner_not_found"
    kind = Kind.NOT_FOUND


class PartnerClosed(StamgastError):
    """The partner or charity was closed, so nothing more is done with it."""

    code = "partner_closed"
    kind = Kind.CONFLICT


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
