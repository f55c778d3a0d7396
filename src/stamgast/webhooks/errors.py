"""What this room refuses."""

from stamgast.kit.errors import Kind, StamgastError


class EndpointNotFound(StamgastError):
    """No webhook endpoint has this name or id."""

    code = "endpoint_not_found"
    kind = Kind.NOT_FOUND


class EndpointExists(StamgastError):
    """A webhook endpoint of that name is already there."""

    code = "endpoint_exists"
    kind = Kind.CONFLICT


class InvalidEndpoint(StamgastError):
    """The name, the address or the kinds of events of a webhook endpoint cannot be used."""

    code = "invalid_endpoint"


class EndpointSwitchedOff(StamgastError):
    """The endpoint is switched off, so nothing is sent to it."""

    code = "endpoint_switched_off"
    kind = Kind.CONFLICT


class DeliveryNotFound(StamgastError):
    """The log of the endpoint has no such delivery; lines are kept for 30 days."""

    code = "delivery_not_found"
    kind = Kind.NOT_FOUND
