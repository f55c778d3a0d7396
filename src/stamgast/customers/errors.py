"""What customers refuse."""

from stamgast.kit.errors import Kind, StamgastError


class CustomerNotFound(StamgastError):
    """No customer has this id or identifier."""

    code = "customer_not_found"
    kind = Kind.NOT_FOUND


class IdentifierNotFound(StamgastError):
    """No such identifier has ever come in."""

    code = "identifier_not_found"
    kind = Kind.NOT_FOUND


class JudgementNotFound(StamgastError):
    """No judgement has this id."""

    code = "judgement_not_found"
    kind = Kind.NOT_FOUND


class JudgementWithdrawn(StamgastError):
    """The judgement was withdrawn before."""

    code = "judgement_withdrawn"
    kind = Kind.CONFLICT


class AlreadyOneCustomer(StamgastError):
    """The two that should be merged are one customer."""

    code = "already_one_customer"
    kind = Kind.CONFLICT


class SaidToBeDifferent(StamgastError):
    """Somebody said earlier that these are two people, and that has not been withdrawn."""

    code = "said_to_be_different"
    kind = Kind.CONFLICT


class NothingToSeparate(StamgastError):
    """The customer has one identifier, or not the one that should be separated."""

    code = "nothing_to_separate"
    kind = Kind.INVALID


class CustomerChanged(StamgastError):
    """The customers changed while somebody looked at them."""

    code = "customer_changed"
    kind = Kind.CONFLICT


class ReasonMissing(StamgastError):
    """Who changes who is one customer says why."""

    code = "reason_missing"
    kind = Kind.INVALID


class InvalidIdentityRules(StamgastError):
    """The rules of identity say something that cannot be."""

    code = "invalid_identity_rules"
    kind = Kind.INVALID


class HouseholdNotFound(StamgastError):
    """Nobody is or was in a household of this id."""

    code = "household_not_found"
    kind = Kind.NOT_FOUND


class InvalidHousehold(StamgastError):
    """The id of a household is empty, too long or cannot be printed."""

    code = "invalid_household"
    kind = Kind.INVALID


class NotInHousehold(StamgastError):
    """The customer lives in no household at this moment, or in another one."""

    code = "not_in_household"
    kind = Kind.CONFLICT
