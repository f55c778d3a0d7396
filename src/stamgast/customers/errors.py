"""What customers refuse."""

from stamgast.kit.errors import Kind, StamgastError


class CustomerNotFound(StamgastError):
    """No customer has this id or identifier."""

    code = "customer_not_found"
    kind = Kind.NOT_FOUND
