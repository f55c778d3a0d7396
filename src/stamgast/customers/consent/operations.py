"""Writes of consent. Each inside the caller's transaction; every one of them adds a row and changes none."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, replace
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.types.json import Jsonb

from stamgast.customers.consent import tokens
from stamgast.customers.consent.errors import (
    ConsentLinkExpired,
    ConsentLinkInvalid,
    ConsentLinkUsed,
    InvalidConsent,
)
from stamgast.customers.consent.queries import COLUMNS, change_of, find_text, get_text
from stamgast.customers.consent.rules import (
    LANGUAGES,
    LINK_LASTS,
    LONGEST_REASON,
    LONGEST_TEXT,
    normalise_name,
    read_activity,
)
from stamgast.customers.consent.types import EVERY, ConsentChange, ConsentState, ConsentText, Told
from stamgast.customers.rules import storable
from stamgast.kit.database import Cursor
from stamgast.kit.ids import derive_id, new_id

CLOCKS_DIFFER = timedelta(minutes=5)
PERSON = "customer"


def set_consent(
    cursor: Cursor,
    *,
    anchor: UUID,
    purpose: str,
    channel: str,
    state: ConsentState,
    occurred_at: datetime,
    at: datetime,
    source: str,
    actor: str,
    reason: str = "",
    language: str = "",
    text_version: int | None = None,
    text: str = "",
) -> ConsentChange:
    """Adds a change for the customer of an identifier; the text shown is that of the catalogue unless another is given.

    Asking and giving need a text of the catalogue. Withdrawing needs none: nobody is kept from saying no.
    Raises UnknownConsent, InvalidConsent.
    """
    if occurred_at > at + CLOCKS_DIFFER:
        raise InvalidConsent(
            "The moment lies in the future. Say when it was given or withdrawn, or leave it out.", wrong="consent moment"
        )
    if state is ConsentState.WITHDRAWN:
        purpose, channel = _every_or_name(purpose), _every_or_name(channel)
    else:
        shown = get_text(cursor, purpose, channel, text_version)
        if language and language not in shown.texts:
            raise InvalidConsent(f"The text has no language {language[:20]!r}. It is there in: {', '.join(shown.texts)}.")
        language, text_version = language or next(iter(shown.texts)), shown.version
        text = text or shown.texts[language]
    change = ConsentChange(
        new_id(),
        anchor,
        purpose,
        channel,
        state,
        min(occurred_at, at),
        at,
        source,
        actor,
        storable(reason).strip()[:LONGEST_REASON],
        None,
        storable(language),
        text_version,
        storable(text)[:LONGEST_TEXT],
    )
    _insert(cursor, [change])
    return change


def confirm(cursor: Cursor, token: str, *, secrets: Sequence[str], at: datetime) -> ConsentChange:
    """A person says yes to what they were asked, once. Raises ConsentLinkInvalid, ConsentLinkExpired, ConsentLinkUsed."""
    request = find_request(cursor, token, secrets=secrets)
    if request is None:
        raise ConsentLinkInvalid("This link is not one of ours, or what it asked for is gone.")
    if at > request.recorded_at + LINK_LASTS:
        raise ConsentLinkExpired("This link waited too long. Ask for a new one where you got it.")
    given = replace(
        request,
        id=derive_id("consent", "confirmed", str(request.id)),
        state=ConsentState.GIVEN,
        occurred_at=at,
        recorded_at=at,
        source="confirmation",
        actor=PERSON,
        reason="",
    )
    if not _insert(cursor, [given]):
        raise ConsentLinkUsed("This link was used before, and works once. Nothing changed.")
    return given


def find_request(cursor: Cursor, token: str, *, secrets: Sequence[str]) -> ConsentChange | None:
    """What a link asks to confirm."""
    request_id = tokens.read_request(token, secrets)
    if request_id is None:
        return None
    row = cursor.execute(
        f"SELECT {COLUMNS} FROM customers_consentchange AS change WHERE id = %s AND state = %s "
        "AND NOT EXISTS (SELECT FROM customers_erasure AS erasure WHERE erasure.anchor_id = change.anchor_id)",
        (request_id, ConsentState.REQUESTED),
    ).fetchone()
    return change_of(row) if row else None


def withdraw_by_link(cursor: Cursor, token: str, *, secrets: Sequence[str], at: datetime) -> ConsentChange:
    """A person says no by the link in a message. Doing it again says it again. Raises ConsentLinkInvalid."""
    found = tokens.read_withdrawal(token, secrets)
    if found is None:
        raise ConsentLinkInvalid("This link is not one of ours. Copy the whole address from the message.")
    anchor, purpose, channel = found
    change = ConsentChange(new_id(), anchor, purpose, channel, ConsentState.WITHDRAWN, at, at, "unsubscribe link", PERSON)
    # Who was erased since is contacted by nobody, and must not come back by a link in an old message.
    if cursor.execute("SELECT FROM customers_identifier WHERE id = %s", (anchor,)).fetchone() is not None:
        _insert(cursor, [change])
    return change


def withdraw_everything(cursor: Cursor, anchor: UUID, *, at: datetime, source: str, actor: str) -> None:
    """Withdraws every purpose over every channel."""
    _insert(cursor, [ConsentChange(new_id(), anchor, EVERY, EVERY, ConsentState.WITHDRAWN, at, at, source, actor)])


def take_in(cursor: Cursor, told: Iterable[Told], *, at: datetime) -> int:
    """Adds what activities say; doing it twice is doing it once. Returns how many changes are new."""
    changes = []
    for one in told:
        said = read_activity(one.kind, one.properties)
        if said is not None:
            changes.append(
                ConsentChange(
                    derive_id("consent", "activity", str(one.activity_id)),
                    one.anchor_id,
                    said.purpose,
                    said.channel,
                    said.state,
                    one.occurred_at,
                    at,
                    one.source,
                    PERSON,
                    "",
                    one.activity_id,
                    storable(said.language),
                    said.text_version,
                    storable(said.text),
                )
            )
    return _insert(cursor, changes) if changes else 0


def publish_text(
    cursor: Cursor, *, purpose: str, channel: str, texts: Mapping[str, str], at: datetime, actor: str
) -> ConsentText:
    """The next version of what is asked for a purpose over a channel; the same text again is the version that is there.

    Raises InvalidConsent.
    """
    named, over = normalise_name(purpose), normalise_name(channel)
    if named is None or over is None:
        raise InvalidConsent(
            "A purpose and a channel are 1 to 40 small letters, digits and dashes, such as newsletter.", wrong="consent name"
        )
    written = {language: storable(texts.get(language, "")).strip()[:LONGEST_TEXT] for language in LANGUAGES}
    written = {language: text for language, text in written.items() if text}
    if not written:
        raise InvalidConsent("Write the text that people are asked, in at least one language.", wrong="consent text")
    cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (f"consent text {named} {over}",))
    known = find_text(cursor, named, over)
    if known is not None and known.texts == written:
        return known
    text = ConsentText(named, over, known.version + 1 if known else 1, written, at, actor)
    cursor.execute(
        "INSERT INTO customers_consenttext (purpose, channel, version, texts, created_at, created_by) "
        "VALUES (%s, %s, %s, %s, %s, %s)",
        (named, over, text.version, Jsonb(written), at, actor),
    )
    return text


def _every_or_name(text: str) -> str:
    name = text if text == EVERY else normalise_name(text)
    if name is None:
        raise InvalidConsent(
            "A purpose and a channel are 1 to 40 small letters, digits and dashes, or * for every one.", wrong="consent name"
        )
    return name


def _insert(cursor: Cursor, changes: Sequence[ConsentChange]) -> int:
    rows = sorted(changes, key=lambda change: change.id.bytes)
    columns = list(zip(*map(astuple, rows), strict=True))
    cursor.execute(
        """
        INSERT INTO customers_consentchange (
            id, anchor_id, purpose, channel, state, occurred_at, recorded_at, source, actor, reason, activity_id, language,
            text_version, text
        )
        SELECT * FROM unnest(
            %s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::text[],
            %s::text[], %s::text[], %s::uuid[], %s::text[], %s::integer[], %s::text[]
        )
        ON CONFLICT (id) DO NOTHING
        """,
        [[str(value) for value in column] if index == 4 else list(column) for index, column in enumerate(columns)],
    )
    return cursor.rowcount
