"""What consent refuses."""

from stamgast.kit.errors import Kind, StamgastError


class InvalidConsent(StamgastError):
    """The purpose, channel, text or moment cannot be used."""

    code = "invalid_consent"
    kind = Kind.INVALID


class UnknownConsent(StamgastError):
    """The catalogue has no such purpose and channel, or no such version of its text."""

    code = "unknown_consent"
    kind = Kind.INVALID


class ConsentLinkInvalid(StamgastError):
    """The link was not made here, or what it asked for is gone."""

    code = "consent_link_invalid"
    kind = Kind.NOT_FOUND


class ConsentLinkUsed(StamgastError):
    """The link confirmed something before; it does so once."""

    code = "consent_link_used"
    kind = Kind.CONFLICT


class ConsentLinkExpired(StamgastError):
    """The link waited too long for its answer."""

    code = "consent_link_expired"
    kind = Kind.CONFLICT
