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
