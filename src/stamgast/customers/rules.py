"""What identifiers are worth and which of them belong together. Pure: no clock, no database.

Holds how an identifier is written down (``normalise_identifier``), which one an activity hangs on (``anchor``), and which
customer a cluster carries on (``assign``). Who is one customer is in ``clusters``; how that is kept up to date in
``operations``.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from stamgast.customers.erasure.types import ERASED
from stamgast.customers.types import Evidence, Identifier, Sighting
from stamgast.kit.ids import derive_id

USER_ID = "user_id"
EMAIL = "email"
PHONE = "phone"
ANONYMOUS_ID = "anonymous_id"
CARD_NUMBER = "card_number"

PRIORITY = {USER_ID: 0, EMAIL: 2, PHONE: 3, ANONYMOUS_ID: 4}
"""Lower is stronger. A kind that is not named is an external id, such as ``card_number``: ``EXTERNAL_PRIORITY``."""
EXTERNAL_PRIORITY = 1

SEARCHED_TRAITS = ("email", "firstName", "first_name", "lastName", "last_name", "name", "username")
"""The traits that a search for customers looks at, and that a list of them shows."""

LONGEST_VALUE = 500
LONGEST_TRAIT_NAME = 255
"""A trait with a longer name fits in no index: it stays with its activity and is none of the profile."""
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
    if kind == ERASED:  # what somebody who was erased hangs on is not for others to name
        return None
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


@lru_cache(maxsize=1 << 15)
def id_of(text: str) -> UUID:
    """The id of a normalised ``kind:value``."""
    return identifier_id(*split_identifier(text))


def priority_of(kind: str) -> int:
    """How strongly a kind of identifier points at one person; lower is stronger."""
    return PRIORITY.get(kind, EXTERNAL_PRIORITY)


def anchor(identifiers: Iterable[str]) -> str:
    """The ``kind:value`` of the highest priority; the first given among equals. Raises ValueError when there are none.

    >>> anchor(["anonymous_id:x", "email:a@example.org", "card_number:12"])
    'card_number:12'
    """
    return min(identifiers, key=lambda text: priority_of(text.partition(":")[0]))


def evidence_of(sighting: Sighting, ids: Mapping[str, UUID]) -> Iterator[Evidence]:
    """The pairs anchor–other that one activity shows, a star around its anchor.

    Of an alias only the previous id is explicit, in both its readings, ``user_id:P`` and ``anonymous_id:P``: the device
    that happened to send it proves no more than on any other activity. Of a re-issued card both numbers are explicit.
    """
    first, *others = sighting.identifiers
    previous: frozenset[str] = frozenset()
    if sighting.is_explicit:
        previous = frozenset(value for kind, value in map(split_identifier, others) if kind == USER_ID)
    for other in others:
        if other != first:
            is_card = sighting.is_reissue and split_identifier(other)[0] == CARD_NUMBER
            is_explicit = is_card or (bool(previous) and _names_one_of(other, previous))
            yield Evidence(ids[first], ids[other], sighting.occurred_at, sighting.activity_id, is_explicit)


def _names_one_of(identifier: str, values: frozenset[str]) -> bool:
    kind, value = split_identifier(identifier)
    return kind in (USER_ID, ANONYMOUS_ID) and value in values


def earliest(one: Evidence, other: Evidence) -> Evidence:
    """One piece of evidence out of two for the same pair: the earliest moment; explicit if either is."""
    first = min(one, other, key=lambda evidence: (evidence.first_at, evidence.activity_id))
    return first if first.is_explicit or not (one.is_explicit or other.is_explicit) else replace(first, is_explicit=True)


def strength(identifier: Identifier) -> tuple[bool, datetime, int, UUID]:
    """Sorts the identifiers of a customer, the one that it is best known by first."""
    return (identifier.kind != USER_ID, identifier.first_at, priority_of(identifier.kind), identifier.id)


def assign(clusters: Iterable[Sequence[Identifier]]) -> list[tuple[UUID | None, Sequence[Identifier]]]:
    """Which present customer each cluster carries on, strongest first; None where it needs a new one.

    A cluster carries on the customer of its strongest member. Where two want the same one, after a separation, the
    cluster with the strongest member keeps it and the other takes the next that it knows.
    """
    new: list[tuple[UUID | None, Sequence[Identifier]]] = []
    known = []
    for members in clusters:
        ordered = sorted(members, key=strength) if len(members) > 1 else members
        linked = [member for member in ordered if member.customer_id is not None]
        if linked:
            known.append((strength(linked[0]), ordered, linked))
        else:
            new.append((None, ordered))
    taken: set[UUID] = set()
    assigned: list[tuple[UUID | None, Sequence[Identifier]]] = []
    for _, ordered, linked in sorted(known, key=lambda item: item[0]):
        customer = next((member.customer_id for member in linked if member.customer_id not in taken), None)
        if customer is not None:
            taken.add(customer)
        assigned.append((customer, ordered))
    return assigned + new


def customer_id(root: Identifier, attempt: int) -> UUID:
    """The id of a new customer, derived from the identifier it is best known by; ``attempt`` 0 unless that id is in use."""
    parts = (identifier_text(root.kind, root.value),) + ((str(attempt),) if attempt else ())
    return derive_id("customer", *parts)


def storable(text: str) -> str:
    """Text that PostgreSQL can keep: no NUL, and no half of a surrogate pair, both of which JSON allows."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def storable_value(value: object) -> object:
    """A JSON value with every text in it made storable."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {storable(str(name)): storable_value(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [storable_value(one) for one in value]
    return value
