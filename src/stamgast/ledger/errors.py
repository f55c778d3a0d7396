"""What the ledger refuses."""

from stamgast.kit.errors import Kind, StamgastError


class LedgerError(StamgastError):
    """Something that the ledger refuses."""

    code = "ledger_error"


class InvalidWanted(LedgerError):
    """What is wanted cannot be held by a ledger: below zero, too large, or the same cause twice."""

    code = "invalid_wanted"


class MovementNotFound(LedgerError):
    """No movement has this id."""

    code = "movement_not_found"
    kind = Kind.NOT_FOUND


class InvalidStatementPeriod(LedgerError):
    """A statement's period ends before it begins, or lies outside the years that are kept."""

    code = "invalid_statement_period"


class InvalidSettlementPeriod(LedgerError):
    """The days of a settlement do not follow each other, are too many, or lie outside the years that are kept."""

    code = "invalid_settlement_period"


class InvalidAct(LedgerError):
    """What is asked cannot be done with any balance: no amount, no key, or a moment that has not come."""

    code = "invalid_act"


class ActKeyReused(LedgerError):
    """The key was used before for another act of this owner."""

    code = "act_key_reused"


class InsufficientBalance(LedgerError):
    """There is less available than was asked for."""

    code = "insufficient_balance"
    kind = Kind.CONFLICT


class CurrencyNotSpendable(LedgerError):
    """The programme does not have the currency, or does not let it be spent."""

    code = "currency_not_spendable"


class UnknownCurrency(LedgerError):
    """The programme in force has no such currency."""

    code = "unknown_currency"


class HoldNotFound(LedgerError):
    """The owner has no such hold."""

    code = "hold_not_found"
    kind = Kind.NOT_FOUND


class HoldEnded(LedgerError):
    """The hold was captured or released before, or its time is over."""

    code = "hold_ended"
    kind = Kind.CONFLICT


class AboveHeld(LedgerError):
    """More should be captured than was set aside."""

    code = "above_held"
    kind = Kind.CONFLICT


class SpendNotFound(LedgerError):
    """The owner has no such spend."""

    code = "spend_not_found"
    kind = Kind.NOT_FOUND


class AboveSpent(LedgerError):
    """More should be given back than the spend took, or than is left of it."""

    code = "above_spent"
    kind = Kind.CONFLICT


class InvalidLimit(LedgerError):
    """The limit of a currency above which a second person decides is no amount."""

    code = "invalid_adjustment_limit"


class ProposalNotFound(LedgerError):
    """No adjustment that was proposed has this id."""

    code = "adjustment_not_found"
    kind = Kind.NOT_FOUND


class ProposalDecided(LedgerError):
    """Somebody approved or refused the adjustment before."""

    code = "adjustment_decided"
    kind = Kind.CONFLICT


class AdjustmentRefused(LedgerError):
    """The second person who was needed refused the adjustment."""

    code = "adjustment_refused"
    kind = Kind.CONFLICT


class OwnProposal(LedgerError):
    """Who proposed an adjustment is not the second person that it needs."""

    code = "own_adjustment"
    kind = Kind.FORBIDDEN


class AdjustmentShort(InsufficientBalance):
    """There is less available than an adjustment that waits would take, so it waits on."""

    code = "adjustment_short"


REFUSALS: dict[str, type[LedgerError]] = {
    error.code: error
    for error in (ActKeyReused, InsufficientBalance, HoldNotFound, HoldEnded, AboveHeld, SpendNotFound, AboveSpent)
}
"""What an act can be refused for: its answer is kept with the code."""
