"""What erasure refuses."""

from stamgast.kit.errors import Kind, StamgastError


class ErasureNotFound(StamgastError):
    """There is no receipt with this id."""

    code = "erasure_not_found"
    kind = Kind.NOT_FOUND


class AlreadyErased(StamgastError):
    """The customer was erased before."""

    code = "already_erased"
    kind = Kind.CONFLICT


class CustomerErased(StamgastError):
    """The customer was erased, so nothing is done for them and nothing written about them any more."""

    code = "customer_erased"
    kind = Kind.CONFLICT


class ErasureKeyLost(StamgastError):
    """The key of the tombstones is locked with a secret that is not given."""

    code = "erasure_key_lost"
    kind = Kind.UNAVAILABLE


class AlreadyLifted(StamgastError):
    """The tombstones of this erasure were lifted before."""

    code = "already_lifted"
    kind = Kind.CONFLICT


class ErasureUnderWay(StamgastError):
    """Something of the person still waits to be decided, or is in the files for analysis."""

    code = "erasure_under_way"
    kind = Kind.CONFLICT
