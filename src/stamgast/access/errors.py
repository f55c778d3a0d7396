"""What access refuses."""

from stamgast.kit.errors import Kind, StamgastError


class UnknownScope(StamgastError):
    """No scope has this name."""

    code = "unknown_scope"


class KeyNotFound(StamgastError):
    """No API key in force answers to this id or hint, or more than one does."""

    code = "key_not_found"
    kind = Kind.NOT_FOUND


class InvalidLimit(StamgastError):
    """The limit of a key is not a number of requests a minute that can be kept."""

    code = "invalid_limit"


class RateLimited(StamgastError):
    """The key asks faster than its limit. ``details["retry_after_seconds"]`` says how long to wait."""

    code = "rate_limited"
    kind = Kind.THROTTLED


class IdempotencyKeyReused(StamgastError):
    """The Idempotency-Key was sent with another request before."""

    code = "idempotency_key_reused"


class InvalidIdempotencyKey(StamgastError):
    """The Idempotency-Key is empty or too long."""

    code = "invalid_idempotency_key"


class InvalidStaff(StamgastError):
    """The e-mail address, the name or the password of a person cannot be used."""

    code = "invalid_staff"


class StaffExists(StamgastError):
    """Somebody has this e-mail address already."""

    code = "staff_exists"
    kind = Kind.CONFLICT


class StaffNotFound(StamgastError):
    """There is no such person."""

    code = "staff_not_found"
    kind = Kind.NOT_FOUND


class LastOwner(StamgastError):
    """Without this owner nobody could add or change people."""

    code = "last_owner"
    kind = Kind.CONFLICT


class LinkExpired(StamgastError):
    """The link was used, replaced by a newer one, or is older than two days."""

    code = "link_expired"
    kind = Kind.NOT_FOUND


class SecondFactorRefused(StamgastError):
    """The code is not the one of this moment, was used before, or is no recovery code that is left."""

    code = "second_factor_refused"
    kind = Kind.FORBIDDEN


class SignInRefused(StamgastError):
    """The address and the password do not belong together. Says nothing about which of them is wrong."""

    code = "sign_in_refused"
    kind = Kind.FORBIDDEN


class SignInThrottled(StamgastError):
    """Too many attempts. ``details["retry_after_seconds"]`` says how long to wait."""

    code = "sign_in_throttled"
    kind = Kind.THROTTLED


class ViewNotFound(StamgastError):
    """There is no such view, or it is somebody else's own."""

    code = "view_not_found"
    kind = Kind.NOT_FOUND


class ViewExists(StamgastError):
    """The name is taken: by a view of one's own, or by a shared one where it should be shared."""

    code = "view_exists"
    kind = Kind.CONFLICT


class InvalidView(StamgastError):
    """The name of a view cannot be used, or there are too many views already."""

    code = "invalid_view"


class ViewIsShared(StamgastError):
    """A view of all is changed by those who may share views."""

    code = "view_is_shared"
    kind = Kind.FORBIDDEN
