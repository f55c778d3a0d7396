"""Writes of proposals and searches. Each runs inside the caller's transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from stamgast.duplicates.errors import ProposalSettled, SearchRunning
from stamgast.duplicates.queries import PROPOSAL_COLUMNS, SEARCH_COLUMNS, as_proposal, as_search
from stamgast.duplicates.types import Likely, Proposal, Search, State
from stamgast.kit.database import Cursor
from stamgast.kit.ids import derive_id, new_id

GIVEN_UP = timedelta(minutes=10)
"""Who works on a search says so after every part. Silent for longer it died, and another goes on."""
TOO_OLD = timedelta(days=1)
"""A search that was stopped longer ago begins anew: the customers are no longer those that it compared."""


def want_search(cursor: Cursor, *, at: datetime, actor: str) -> bool:
    """Asks for a search, by whichever worker comes first; False where one is under way or asked for already."""
    cursor.execute(
        """INSERT INTO duplicates_search (id, wanted_at, wanted_by, is_open, parts, parts_done, customers, found, left_out)
        VALUES (%s, %s, %s, true, 0, 0, 0, 0, '[]') ON CONFLICT (is_open) WHERE is_open DO NOTHING""",
        (new_id(), at, actor),
    )
    return cursor.rowcount == 1


def claim_search(cursor: Cursor, *, at: datetime) -> Search | None:
    """Takes the open search on, unless somebody works on it; None where there is none. Raises SearchRunning."""
    cursor.execute("SELECT beat_at FROM duplicates_search WHERE is_open FOR UPDATE")
    row = cursor.fetchone()
    if row is None:
        return None
    if row[0] is not None and row[0] > at - GIVEN_UP:
        raise SearchRunning("Duplicates are being looked for at this moment. Look at the list in a few minutes.")
    cursor.execute(
        f"""
        UPDATE duplicates_search SET beat_at = %(at)s,
            begun_at = CASE WHEN begun_at > %(oldest)s THEN begun_at ELSE %(at)s END,
            learnt = CASE WHEN begun_at > %(oldest)s THEN learnt END,
            parts_done = CASE WHEN begun_at > %(oldest)s THEN parts_done ELSE 0 END,
            found = CASE WHEN begun_at > %(oldest)s THEN found ELSE 0 END
        WHERE is_open RETURNING {SEARCH_COLUMNS}
        """,
        {"at": at, "oldest": at - TOO_OLD},
    )
    return as_search(cursor.fetchall()[0])


def begin_search(
    cursor: Cursor,
    search: UUID,
    *,
    customers: int,
    parts: int,
    done: int,
    learnt: Mapping[str, Any],
    left_out: Sequence[tuple[str, int]],
    at: datetime,
) -> None:
    """Keeps what the parts have in common. With none done it begins anew, and must find again what it found before."""
    if not done:
        cursor.execute("UPDATE duplicates_proposal SET search_id = %s WHERE search_id = %s", (UUID(int=0), search))
    cursor.execute(
        """UPDATE duplicates_search SET customers = %s, parts = %s, parts_done = %s, learnt = %s::jsonb, left_out = %s::jsonb,
            beat_at = %s, found = CASE WHEN %s = 0 THEN 0 ELSE found END WHERE id = %s""",
        (customers, parts, done, _json(learnt), _json([list(one) for one in left_out]), at, done, search),
    )


def keep_part(cursor: Cursor, search: Search, pairs: Sequence[Likely], *, part: int, at: datetime) -> None:
    """Keeps the proposals of one part. Keeping it again changes nothing; what a person decided since the search began stays."""
    ends = [sorted((UUID(pair.one_id), UUID(pair.other_id))) for pair in pairs]
    cursor.execute(
        """
        INSERT INTO duplicates_proposal AS known
            (id, one_id, other_id, probability, reasons, state, search_id, found_at, settled_by)
        SELECT id, one_id, other_id, probability, reasons, 'open', %s, %s, ''
        FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::float8[], %s::jsonb[])
            AS found (id, one_id, other_id, probability, reasons)
        ORDER BY id
        ON CONFLICT (id) DO UPDATE SET probability = excluded.probability, reasons = excluded.reasons,
            search_id = excluded.search_id, found_at = CASE WHEN known.state IN ('open', 'later') THEN known.found_at
                ELSE excluded.found_at END,
            state = CASE WHEN known.state = 'later' THEN 'later' ELSE 'open' END, judgement_id = NULL,
            settled_at = CASE WHEN known.state = 'later' THEN known.settled_at END,
            settled_by = CASE WHEN known.state = 'later' THEN known.settled_by ELSE '' END
        WHERE known.settled_at IS NULL OR known.settled_at < %s OR known.state = 'later'
        """,
        (
            search.id,
            at,
            [derive_id("duplicate", str(one), str(other)) for one, other in ends],
            [one for one, _ in ends],
            [other for _, other in ends],
            [pair.probability for pair in pairs],
            [_json(pair.reasons) for pair in pairs],
            search.begun_at,
        ),
    )
    cursor.execute(
        """UPDATE duplicates_search SET parts_done = %s, found = found + %s, beat_at = %s
        WHERE id = %s AND parts_done = %s""",
        (part + 1, len(pairs), at, search.id, part),
    )


def pause_search(cursor: Cursor, search: UUID) -> None:
    """Nobody works on it for now; whoever comes next goes on with it."""
    cursor.execute("UPDATE duplicates_search SET beat_at = NULL WHERE id = %s", (search,))


def end_search(cursor: Cursor, search: UUID, *, at: datetime) -> int:
    """Closes what this search did not find again: one of the two changed, or they are one. Returns how many."""
    cursor.execute(
        """WITH gone AS MATERIALIZED (
            SELECT id FROM duplicates_proposal WHERE state IN ('open', 'later') AND search_id <> %s ORDER BY id FOR UPDATE
        )
        UPDATE duplicates_proposal AS known SET state = 'closed', settled_at = %s, settled_by = 'search'
        FROM gone WHERE known.id = gone.id""",
        (search, at),
    )
    closed = cursor.rowcount
    cursor.execute("UPDATE duplicates_search SET is_open = false, beat_at = NULL, ended_at = %s WHERE id = %s", (at, search))
    return closed


def lock_proposals_of(cursor: Cursor, customers: Sequence[UUID]) -> None:
    """Locks what was ever proposed about these customers, in the order in which searches lock."""
    cursor.execute(
        "SELECT id FROM duplicates_proposal WHERE one_id = ANY(%(them)s) OR other_id = ANY(%(them)s) ORDER BY id FOR UPDATE",
        {"them": list(customers)},
    )


def settle(
    cursor: Cursor, proposal_id: UUID, state: State, *, at: datetime, actor: str, judgement_id: UUID | None = None
) -> Proposal:
    """Writes what somebody decided. Raises ProposalSettled where somebody did before."""
    cursor.execute(
        f"""UPDATE duplicates_proposal SET state = %s, settled_at = %s, settled_by = %s, judgement_id = %s
        WHERE id = %s AND state IN ('open', 'later') RETURNING {PROPOSAL_COLUMNS}""",
        (state, at, actor, judgement_id, proposal_id),
    )
    return _settled(cursor)


def reopen(cursor: Cursor, proposal_id: UUID, *, judgement_id: UUID | None) -> Proposal:
    """Takes the decision back that stood on this judgement, so that the proposal waits again.

    Raises ProposalSettled where that was done before, or something else was decided since.
    """
    cursor.execute(
        f"""UPDATE duplicates_proposal SET state = 'open', settled_at = NULL, settled_by = '', judgement_id = NULL
        WHERE id = %s AND state IN ('accepted', 'refused', 'later') AND judgement_id IS NOT DISTINCT FROM %s
        RETURNING {PROPOSAL_COLUMNS}""",
        (proposal_id, judgement_id),
    )
    return _settled(cursor)


def close_proposals_of(cursor: Cursor, customer: UUID, *, at: datetime, actor: str) -> int:
    """Closes what waits about a customer that was merged into another; a next search finds what is left of it."""
    cursor.execute(
        """UPDATE duplicates_proposal SET state = 'closed', settled_at = %s, settled_by = %s
        WHERE state IN ('open', 'later') AND (one_id = %s OR other_id = %s)""",
        (at, actor, customer, customer),
    )
    return cursor.rowcount


def _settled(cursor: Cursor) -> Proposal:
    row = cursor.fetchone()
    if row is None:
        raise ProposalSettled("Somebody decided this before, or these customers changed since. Nothing was changed.")
    return as_proposal(row)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
