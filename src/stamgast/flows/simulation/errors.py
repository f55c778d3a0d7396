"""Refusals of simulations."""

from stamgast.kit.errors import Kind, StamgastError


class UnknownSimulation(StamgastError):
    """There is no simulation of this name, or it was so long ago that it was removed."""

    code = "unknown_simulation"
    kind = Kind.NOT_FOUND


class HistoryGone(StamgastError):
    """The copy of the history that a simulation began with is there no more."""

    code = "history_gone"
    kind = Kind.CONFLICT


class InvalidSimulation(StamgastError):
    """What is asked of a simulation makes no sense."""

    code = "invalid_simulation"
