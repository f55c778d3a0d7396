"""Reads of proposals and searches. Each takes the cursor of whatever transaction the caller has, and returns ``types``."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from stamgast.duplicates.errors import ProposalNotFound
from stamgast.duplicates.types import WAITING, Proposal, Search, State
from stamgast.kit.database import Cursor
from stamgast.kit.paging import DEFAULT_PAGE, LARGEST_PAGE, InvalidCursor, Page, decode_cursor, page_of

PROPOSAL_COLUMNS = "id, one_id, other_id, probability, reasons, state, found_at, settled_at, settled_by, judgement_id"
SEARCH_COLUMNS = "id, wanted_at, wanted_by, begun_at, beat_at, ended_at, parts, parts_done, customers, found, learnt, left_out"


def get_proposal(cursor: Cursor, proposal_id: UUID) -> Proposal:
    """One proposal; raises ProposalNotFound."""
    cursor.execute(f"SELECT {PROPOSAL_COLUMNS} FROM duplicates_proposal WHERE id = %s", (proposal_id,))
    row = cursor.fetchone()
    if row is None:
        raise ProposalNotFound("No proposal has this id.")
    return as_proposal(row)


def list_proposals(
    cursor: Cursor, states: Sequence[State] = (State.OPEN,), *, after: str | None = None, limit: int = DEFAULT_PAGE
) -> Page[Proposal]:
    """Proposals in these states, the likeliest first."""
    limit = max(1, min(limit, LARGEST_PAGE))
    values: dict[str, Any] = {"states": list(states), "limit": limit + 1}
    beyond = ""
    if after is not None:
        # Whole millionths, as they are kept: a cursor holds no fractions.
        millionths, key = decode_cursor(after, int, str)
        beyond = "AND (probability, id) < (%(probability)s, %(key)s)"
        values |= {"probability": int(millionths) / 1_000_000, "key": _uuid(str(key))}
    cursor.execute(
        f"""SELECT {PROPOSAL_COLUMNS} FROM duplicates_proposal WHERE state = ANY(%(states)s) {beyond}
        ORDER BY probability DESC, id DESC LIMIT %(limit)s""",
        values,
    )
    rows = [as_proposal(row) for row in cursor]
    return page_of(rows, limit, lambda row: (round(row.probability * 1_000_000), row.id.hex))


def list_settled(cursor: Cursor, *, limit: int = DEFAULT_PAGE) -> list[Proposal]:
    """What people decided, the last first."""
    cursor.execute(
        f"""SELECT {PROPOSAL_COLUMNS} FROM duplicates_proposal WHERE state IN ('accepted', 'refused')
        ORDER BY settled_at DESC, id LIMIT %s""",
        (limit,),
    )
    return [as_proposal(row) for row in cursor]


def find_next(cursor: Cursor, proposal: Proposal) -> Proposal | None:
    """The open proposal that comes after this one in the list, else the first of the list."""
    cursor.execute(
        f"""SELECT {PROPOSAL_COLUMNS} FROM duplicates_proposal WHERE state = 'open' AND id <> %(id)s
        ORDER BY (probability, id) < (%(probability)s, %(id)s) DESC, probability DESC, id DESC LIMIT 1""",
        {"id": proposal.id, "probability": proposal.probability},
    )
    row = cursor.fetchone()
    return as_proposal(row) if row else None


def count_waiting(cursor: Cursor) -> dict[State, int]:
    """How many proposals wait for a decision, now and later."""
    cursor.execute("SELECT state, count(*) FROM duplicates_proposal WHERE state IN ('open', 'later') GROUP BY state")
    counts = {State(state): int(count) for state, count in cursor}
    return {state: counts.get(state, 0) for state in WAITING}


def find_last_search(cursor: Cursor) -> Search | None:
    """The search that was wanted last; None before the first."""
    cursor.execute(f"SELECT {SEARCH_COLUMNS} FROM duplicates_search ORDER BY wanted_at DESC, id DESC LIMIT 1")
    row = cursor.fetchone()
    return as_search(row) if row else None


def as_proposal(row: tuple[Any, ...]) -> Proposal:
    """A row of ``PROPOSAL_COLUMNS``."""
    key, one, other, probability, reasons, state, *rest = row
    return Proposal(key, one, other, probability, msgspec.json.decode(reasons), State(state), *rest)


def as_search(row: tuple[Any, ...]) -> Search:
    """A row of ``SEARCH_COLUMNS``."""
    key, wanted_at, wanted_by, begun_at, beat_at, ended_at, parts, parts_done, customers, found, learnt, left_out = row
    return Search(
        key,
        wanted_at,
        wanted_by,
        begun_at,
        beat_at,
        ended_at,
        parts,
        parts_done,
        customers,
        found,
        msgspec.json.decode(learnt) if learnt is not None else None,
        [(name, count) for name, count in msgspec.json.decode(left_out)],
    )


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidCursor("This cursor belongs to another list. Start again without it.") from None
