"""Drafts of programme documents: kept, changed, sent to review, sent back, thrown away. Inside the caller's transaction.

A draft belongs to who began it and may be changed by everybody who may change the programme. Each change names the revision
that was read, so that of two who change one draft at once the second is told (DraftChanged). Each act leaves a line in the
trail. Publishing is ``flows.publish_draft``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any
from uuid import UUID

from stamgast.access.operations import record
from stamgast.kit.database import Cursor
from stamgast.kit.ids import new_id
from stamgast.kit.paging import Page, decode_cursor, page_of
from stamgast.programmes.documents import load
from stamgast.programmes.errors import DraftChanged, DraftClosed, InvalidProgramme, UnknownDraft
from stamgast.programmes.reading import LONGEST_DOCUMENT

LONGEST_TITLE = 120
LONGEST_REASON = 500
_COLUMNS = (
    "id, programme, title, document, base, state, revision, owner, editors, created_at, changed_at, changed_by, reason, version"
)


class DraftState(StrEnum):
    """Where a draft stands. The texts are stored."""

    OPEN = "open"
    REVIEW = "review"
    PUBLISHED = "published"
    DROPPED = "dropped"


WORKING = (DraftState.OPEN, DraftState.REVIEW)


@dataclass(frozen=True, slots=True)
class Draft:
    """A document that somebody works on. ``base`` is the newest version that it knows of; ``version`` what it became."""

    id: UUID
    programme: str
    title: str
    document: str
    base: int
    state: DraftState
    revision: int
    owner: str
    editors: tuple[str, ...]
    created_at: datetime
    changed_at: datetime
    changed_by: str
    reason: str
    version: int | None


def begin_draft(
    cursor: Cursor, *, programme: str, title: str, document: str, base: int, at: datetime, actor: str, id_: UUID | None = None
) -> Draft:
    """Keeps a text to work on, sound or not. The same ``id_`` again is the draft that it made."""
    _refuse_long(title, document)
    made = id_ or new_id()
    cursor.execute(
        "INSERT INTO programmes_draft (id, programme, title, document, base, state, revision, owner, editors, created_at, "
        "changed_at, changed_by, reason) VALUES (%s, %s, %s, %s, %s, %s, 1, %s, %s, %s, %s, %s, '') "
        "ON CONFLICT (id) DO NOTHING",
        (made, programme, title.strip(), document, base, DraftState.OPEN, actor, [actor], at, at, actor),
    )
    if cursor.rowcount:
        record(cursor, actor, "begin programme draft", f"draft:{made}", {"title": title.strip(), "base": base}, at)
    return get_draft(cursor, made)


def edit_draft(
    cursor: Cursor, id_: UUID, *, revision: int, document: str, title: str, at: datetime, actor: str, base: int | None = None
) -> Draft:
    """Another text. What lay in review is open again: what is published is what was reviewed. ``base`` takes a newer version
    along. A text that is the same changes nothing."""
    draft = _take(cursor, id_, revision, WORKING)
    title = title.strip() or draft.title
    _refuse_long(title, document)
    after = (document, title, draft.base if base is None else base)
    if after == (draft.document, draft.title, draft.base):
        return draft
    detail = {"sha256": sha256(document.encode()).hexdigest(), "title": after[1], "base": after[2]}
    wrote = document != draft.document
    editors = tuple(dict.fromkeys((*draft.editors, actor))) if wrote else draft.editors
    columns = {"document": after[0], "title": after[1], "base": after[2], "state": DraftState.OPEN, "editors": list(editors)}
    return _change(cursor, draft, columns, "edit programme draft", detail, at, actor)


def send_to_review(cursor: Cursor, id_: UUID, *, revision: int, reason: str, at: datetime, actor: str) -> Draft:
    """Says that the draft is done and why. Raises InvalidProgramme for a text that could not be published."""
    draft = _take(cursor, id_, revision, (DraftState.OPEN,))
    load(draft.document)
    columns = {"state": DraftState.REVIEW, "reason": _reason(reason)}
    return _change(cursor, draft, columns, "send programme draft to review", {"reason": reason}, at, actor)


def send_back(cursor: Cursor, id_: UUID, *, revision: int, reason: str, at: datetime, actor: str) -> Draft:
    """Takes a draft out of review, with what has to be different."""
    draft = _take(cursor, id_, revision, (DraftState.REVIEW,))
    columns = {"state": DraftState.OPEN, "reason": _reason(reason)}
    return _change(cursor, draft, columns, "send programme draft back", {"reason": reason}, at, actor)


def drop_draft(cursor: Cursor, id_: UUID, *, revision: int, reason: str, at: datetime, actor: str) -> None:
    """Throws a draft away. Its text stays in the database, and nobody is shown it."""
    draft = _take(cursor, id_, revision, WORKING)
    _change(cursor, draft, {"state": DraftState.DROPPED}, "drop programme draft", {"reason": reason}, at, actor)


def close_draft(cursor: Cursor, draft: Draft, *, version: int, at: datetime, actor: str) -> None:
    """Says which version the draft became. What is in the trail is written by who publishes."""
    cursor.execute(
        "UPDATE programmes_draft SET state = %s, version = %s, revision = revision + 1, changed_at = %s, changed_by = %s "
        "WHERE id = %s",
        (DraftState.PUBLISHED, version, at, actor, draft.id),
    )


def lock_draft(cursor: Cursor, id_: UUID, revision: int) -> Draft:
    """The draft as it was read, held until the transaction ends. Raises DraftChanged, DraftClosed, UnknownDraft."""
    return _take(cursor, id_, revision, WORKING)


def get_draft(cursor: Cursor, id_: UUID) -> Draft:
    """One draft that was not thrown away; raises UnknownDraft."""
    row = cursor.execute(f"SELECT {_COLUMNS} FROM programmes_draft WHERE id = %s", (id_,)).fetchone()
    if row is None or row[5] == DraftState.DROPPED:
        raise UnknownDraft("There is no such draft, or it was thrown away. Look in the list of drafts.")
    return _draft(row)


def list_drafts(cursor: Cursor, programme: str, *, after: str | None = None, limit: int = 50) -> Page[Draft]:
    """The drafts that are worked on or wait for review, the last changed first."""
    where, values = "", tuple[object, ...]()
    if after is not None:
        moment, id_ = decode_cursor(after, str, str)
        where, values = " AND (changed_at, id) < (%s::timestamptz, %s::uuid)", (moment, id_)
    rows = cursor.execute(
        f"SELECT {_COLUMNS} FROM programmes_draft WHERE programme = %s AND state = ANY(%s){where} "
        "ORDER BY changed_at DESC, id DESC LIMIT %s",
        (programme, list(WORKING), *values, limit + 1),
    ).fetchall()
    return page_of([_draft(row) for row in rows], limit, lambda one: (one.changed_at.isoformat(), str(one.id)))


def needs_second_person(cursor: Cursor) -> bool:
    """Whether the shop asks that somebody else than its writers publishes a version."""
    row = cursor.execute("SELECT needs_second_person FROM programmes_policy").fetchone()
    return bool(row and row[0])


def set_second_person(cursor: Cursor, is_needed: bool, *, at: datetime, actor: str, reason: str) -> None:
    """Asks for a second person from now on, or no longer."""
    cursor.execute(
        "INSERT INTO programmes_policy (id, needs_second_person) VALUES (1, %s) "
        "ON CONFLICT (id) DO UPDATE SET needs_second_person = excluded.needs_second_person",
        (is_needed,),
    )
    record(cursor, actor, "require second person", "programmes", {"is_needed": is_needed, "reason": reason}, at)


def _draft(row: Sequence[Any]) -> Draft:
    values = list(row)
    values[5], values[8] = DraftState(row[5]), tuple(row[8])
    return Draft(*values)


def _take(cursor: Cursor, id_: UUID, revision: int, states: Sequence[DraftState]) -> Draft:
    row = cursor.execute(f"SELECT {_COLUMNS} FROM programmes_draft WHERE id = %s FOR UPDATE", (id_,)).fetchone()
    if row is None or row[5] == DraftState.DROPPED:
        raise UnknownDraft("There is no such draft, or it was thrown away. Look in the list of drafts.")
    draft = _draft(row)
    if draft.revision != revision:
        raise DraftChanged(
            f"{draft.changed_by} changed this draft meanwhile. Nothing of yours was kept: copy it, look at theirs, then go on.",
            changed_by=draft.changed_by,
        )
    if draft.state not in states:
        raise DraftClosed("This draft does not stand where that can be done with it. Look at it again.", state=draft.state)
    return draft


def _change(
    cursor: Cursor, draft: Draft, columns: dict[str, Any], action: str, detail: dict[str, Any], at: datetime, actor: str
) -> Draft:
    columns = {**columns, "changed_at": at, "changed_by": actor}
    names = ", ".join(f"{name} = %s" for name in columns)
    row = cursor.execute(
        f"UPDATE programmes_draft SET {names}, revision = revision + 1 WHERE id = %s RETURNING {_COLUMNS}",
        (*columns.values(), draft.id),
    ).fetchone()
    assert row is not None
    record(cursor, actor, action, f"draft:{draft.id}", detail, at)
    return _draft(row)


def _reason(reason: str) -> str:
    return reason.strip()[:LONGEST_REASON]


def _refuse_long(title: str, document: str) -> None:
    if not title.strip() or len(title) > LONGEST_TITLE:
        raise InvalidProgramme(f"A draft has a name of 1 to {LONGEST_TITLE} characters, by which others find it.")
    if len(document) > LONGEST_DOCUMENT:
        raise InvalidProgramme(f"A document is at most {LONGEST_DOCUMENT // 1024} KiB long.")
