"""What follows from the changes. Pure: no clock, no database.

The latest in event time holds, whatever came in first; what came in late overrides nothing that happened after it. Of two
at the same moment the withdrawal holds.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from stamgast.customers.consent.types import EVERY, Consent, ConsentChange, ConsentState

LINK_LASTS = timedelta(days=7)
"""How long a link that confirms may wait."""
LONGEST_TEXT = 5_000
LONGEST_REASON = 500
LANGUAGES = ("en", "nl")
CHANNELS = ("email", "sms", "whatsapp", "push", "telephone", "post")
"""The channels that pages offer; others may come in."""
CONSENT_GIVEN, CONSENT_WITHDRAWN, UNSUBSCRIBED = "Consent Given", "Consent Withdrawn", "Unsubscribed"
SPAM = "Email Marked as Spam"
KINDS = frozenset((CONSENT_GIVEN, CONSENT_WITHDRAWN, UNSUBSCRIBED, SPAM))
"""The kinds of activity that say something about consent."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_RANK = {ConsentState.REQUESTED: 0, ConsentState.GIVEN: 1, ConsentState.WITHDRAWN: 2}
_ALIASES = {"e-mail": "email", "mail": "email", "phone": "telephone", "text": "sms"}
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Said:
    """What one activity says about one purpose and channel."""

    purpose: str
    channel: str
    state: ConsentState
    language: str
    text_version: int | None
    text: str


def normalise_name(text: object) -> str | None:
    """A purpose or channel as it is stored, or None when it cannot be one.

    >>> normalise_name(" E-mail "), normalise_name("News Letter"), normalise_name("*"), normalise_name(3)
    ('email', 'news-letter', None, None)
    """
    if not isinstance(text, str):
        return None
    name = re.sub(r"\s+", "-", text.strip().lower())
    name = _ALIASES.get(name, name)
    return name if _NAME.fullmatch(name) else None


def read_activity(kind: str, properties: Mapping[str, object]) -> Said | None:
    """What an activity says, or None when it says nothing that can be used.

    Who withdraws without a purpose withdraws every purpose on that channel; who withdraws without either, everything. Giving
    needs both: nobody gave what was not named. Unsubscribing and complaining of spam, as the e-mail specification has them,
    are about e-mail unless they say otherwise.
    """
    given_purpose, given_channel = properties.get("purpose"), properties.get("channel")
    purpose, channel = normalise_name(given_purpose), normalise_name(given_channel)
    if kind == CONSENT_GIVEN:
        state = ConsentState.GIVEN
        if purpose is None or channel is None:
            return None
    else:
        state = ConsentState.WITHDRAWN
        if kind in (UNSUBSCRIBED, SPAM) and given_channel is None:
            channel = "email"
        # A name that cannot be read withdraws too much rather than nothing.
        purpose, channel = purpose or EVERY, channel or EVERY
    version, text, language = properties.get("text_version"), properties.get("text"), properties.get("language")
    return Said(
        purpose,
        channel,
        state,
        language[:20] if isinstance(language, str) else "",
        version if isinstance(version, int) and not isinstance(version, bool) and 0 < version < 2**31 else None,
        text[:LONGEST_TEXT] if isinstance(text, str) else "",
    )


def derive(changes: Collection[ConsentChange], *, at: datetime | None = None) -> list[Consent]:
    """What holds, at a moment or after everything, for each purpose and channel that a change names."""
    counted = [change for change in changes if at is None or change.occurred_at <= at]
    pairs = sorted({(change.purpose, change.channel) for change in counted})
    return [Consent(*pair, proof.state, proof) for pair in pairs if (proof := find_standing(counted, *pair)) is not None]


def find_standing(changes: Iterable[ConsentChange], purpose: str, channel: str) -> ConsentChange | None:
    """The change that decides over this purpose and channel. A request counts only where nothing was given since."""
    standing = request = None
    for change in _of_pair(changes, purpose, channel):
        if change.state is ConsentState.REQUESTED:
            request = change if request is None or _order(request) < _order(change) else request
        else:
            standing = change if standing is None or _order(standing) < _order(change) else standing
    if request is None or standing is None:
        return standing or request
    is_open = standing.state is ConsentState.WITHDRAWN and _order(standing) < _order(request)
    return request if is_open else standing


def allows(changes: Iterable[ConsentChange], purpose: str, channel: str, *, at: datetime) -> bool:
    """Whether who made these changes may be contacted at a moment: only who said yes, and did not take it back."""
    standing = find_standing((change for change in changes if change.occurred_at <= at), purpose, channel)
    return standing is not None and standing.state is ConsentState.GIVEN


def _of_pair(changes: Iterable[ConsentChange], purpose: str, channel: str) -> Iterator[ConsentChange]:
    for change in changes:
        if change.purpose in (purpose, EVERY) and change.channel in (channel, EVERY):
            yield change


def _order(change: ConsentChange) -> tuple[datetime, int, bytes]:
    return (change.occurred_at, _RANK[change.state], change.id.bytes)
