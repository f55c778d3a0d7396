"""What duplicates refuse."""

from stamgast.kit.errors import Kind, StamgastError


class ProposalNotFound(StamgastError):
    """No proposal has this id."""

    code = "proposal_not_found"
    kind = Kind.NOT_FOUND


class ProposalSettled(StamgastError):
    """Somebody decided it before, or the customers are no longer what they were when it was found."""

    code = "proposal_settled"
    kind = Kind.CONFLICT


class SearchRunning(StamgastError):
    """Another process searches for duplicates at this moment."""

    code = "search_running"
    kind = Kind.CONFLICT
