"""What identifiers are worth and which of them belong together. Pure: no clock, no database.

Holds how an identifier is written down (``normalise_identifier``), which one an activity hangs on (``anchor``), and who
is one customer given the evidence (``cluster``). How that is stored and kept up to date is in ``operations``.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from uuid import UUID

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from stamgast.kit.ids import derive_id

USER_ID = "user_id"
EMAIL = "email"
PHONE = "phone"
ANONYMOUS_ID = "anonymous_id"

PRIORITY = {USER_ID: 0, EMAIL: 2, PHONE: 3, ANONYMOUS_ID: 4}
"""Lower is stronger. A kind that is not named is an external id, such as ``card_number``: ``EXTERNAL_PRIORITY``."""
EXTERNAL_PRIORITY = 1

LONGEST_VALUE = 500
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9_.\-]{0,63}")
_ONLY_ZEROS = re.compile(r"[0\-\s]*")
_BLOCKED_VALUES = frozenset(
    {"", "-1", "null", "(null)", "nil", "none", "undefined", "nan", "n/a", "unknown", "anonymous", "guest"}
    | {"true", "false", "[object object]", "{}", "[]"}
)
_BLOCKED_MAILBOXES = frozenset(
    ("noreply", "no-reply", "no_reply", "no.reply", "donotreply", "do-not-reply", "do_not_reply", "mailer-daemon", "nobody")
)


def normalise_identifier(kind: str, value: object, *, region: str | None) -> str | None:
    """The one way of writing this value, or None when it points at nobody: junk, a placeholder, or not of its kind.

    ``region`` is the country whose telephone numbers may come without a country code, such as ``NL``; None asks for one.

    >>> normalise_identifier("email", " Anna@Example.ORG", region=None)
    'anna@example.org'
    >>> normalise_identifier("phone", "06 12 34 56 78", region="NL")
    '+31612345678'
    >>> normalise_identifier("user_id", 900, region=None)
    '900'
    >>> normalise_identifier("user_id", "undefined", region=None) is None
    True
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if value.bit_length() <= 128 else ""
    return _normalise(kind, value, region) if isinstance(value, str) else None


@lru_cache(maxsize=1 << 16)
def _normalise(kind: str, value: str, region: str | None) -> str | None:
    trimmed = unicodedata.normalize("NFC", value.strip())
    if not _KIND.fullmatch(kind) or len(trimmed) > LONGEST_VALUE or not trimmed.isprintable():
        return None
    if trimmed.lower() in _BLOCKED_VALUES or _ONLY_ZEROS.fullmatch(trimmed):
        return None
    if kind == EMAIL:
        return _normalise_email(trimmed)
    if kind == PHONE:
        return _normalise_phone(trimmed, region)
    return trimmed


def _normalise_email(value: str) -> str | None:
    # lower(), not casefold(): folding would make one person of straße@… and strasse@…
    try:
        checked = validate_email(value.lower(), check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return None
    mailbox = checked.local_part.split("+", 1)[0]
    return None if mailbox in _BLOCKED_MAILBOXES else checked.normalized


def _normalise_phone(value: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return None
    # An extension belongs to a switchboard: without it a whole office would be one customer.
    if number.extension or not phonenumbers.is_valid_number(number):
        return None
    digits = str(number.national_number)
    if len(set(digits[1:])) == 1:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def identifier_text(kind: str, value: str) -> str:
    """``user_id:900``: how an identifier is stored with an activity and written in an address."""
    return f"{kind}:{value}"


def split_identifier(text: str) -> tuple[str, str]:
    """Kind and value of ``kind:value``; the value may hold colons itself."""
    kind, _, value = text.partition(":")
    return kind, value


def identifier_id(kind: str, value: str) -> UUID:
    """The id of a normalised identifier, derived, so that it needs no look-up."""
    return derive_id("identifier", kind, value)


def priority_of(kind: str) -> int:
    """How strongly a kind of identifier points at one person; lower is stronger."""
    return PRIORITY.get(kind, EXTERNAL_PRIORITY)


def anchor(identifiers: Iterable[str]) -> str:
    """The ``kind:value`` of the highest priority; the first given among equals. Raises ValueError when there are none.

    >>> anchor(["anonymous_id:x", "email:a@example.org", "card_number:12"])
    'card_number:12'
    """
    return min(identifiers, key=lambda text: priority_of(text.partition(":")[0]))
