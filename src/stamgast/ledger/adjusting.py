"""What waits for a second person: adjustments and issues above a limit, and the limits. Inside the caller's transaction.

A proposal belongs to an identifier, as an act does (decision 302): whose it is now is read through that identifier's link.
Deciding is ``flows.adjust``.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from stamgast.access.operations import record
from stamgast.kit.database import Cursor
from stamgast.kit.ids import bucket_of, derive_id
from stamgast.kit.paging import DEFAULT_PAGE, LARGEST_PAGE, InvalidCursor, Page, decode_cursor, page_of
from stamgast.ledger.acts import ActKind, Adjust, Issue, Outcome
from stamgast.ledger.doing import LARGEST_AMOUNT
from stamgast.ledger.errors import InvalidLimit, ProposalDecided, ProposalNotFound
from stamgast.ledger.types import to_microseconds, to_moment

_COLUMNS = (
    "id, owner_id, anchor_id, currency, amount, expires_at, reason, key, content, asked_by, asked_at, state, decided_by, "
    "decided_at, decided_reason, act_id, partner"
)
BY_ERASURE = "erasure"
SET_LIMIT = "set adjustment limit"


class ProposalState(StrEnum):
    """Where a proposal stands. The texts are stored."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Proposal:
    """An adjustment that somebody asked for, or an issue of ``partner``, and what a second person made of it. ``act_id`` is the
    act that it became."""

    id: UUID
    owner_id: UUID
    anchor_id: UUID | None
    currency: str
    amount: int
    expires_at: datetime | None
    reason: str
    key: str
    content: bytes
    asked_by: str
    asked_at: datetime
    state: ProposalState
    decided_by: str
    decided_at: datetime | None
    decided_reason: str
    act_id: UUID | None
    partner: str = ""
    is_repeat: bool = False

    def act_of(self, owner: UUID, *, at: datetime) -> Adjust | Issue:
        """The act that was asked, of who the customer is now. Of an issue it is still to be said when it expires."""
        said: dict[str, Any] = {
            "owner_id": owner,
            "anchor_id": self.anchor_id,
            "currency": self.currency,
            "amount": self.amount,
            "reason": self.reason,
            "key": self.key,
            "occurred_at": at,
        }
        return Issue(**said, partner=self.partner) if self.partner else Adjust(**said, expires_at=self.expires_at)


def proposal_id_of(asker: str, key: str, owner: UUID) -> UUID:
    """The id of the proposal of who asked with this key for this customer."""
    return derive_id("adjustment", asker, key, owner.hex)


def list_limits(cursor: Cursor) -> dict[str, int]:
    """The limit of each currency that has one."""
    cursor.execute("SELECT currency, amount FROM ledger_adjustmentlimit ORDER BY currency")
    return dict(cursor.fetchall())


def find_limit(cursor: Cursor, currency: str) -> int | None:
    """How much of a currency one person may adjust or issue alone, of one customer on one day; None: without end."""
    row = cursor.execute("SELECT amount FROM ledger_adjustmentlimit WHERE currency = %s", (currency,)).fetchone()
    return None if row is None else int(row[0])


def set_limit(cursor: Cursor, currency: str, amount: int | None, *, at: datetime, actor: str, reason: str) -> None:
    """Sets the limit of a currency, or takes it away. Raises InvalidLimit."""
    if amount is not None and not 0 <= amount <= LARGEST_AMOUNT:
        raise InvalidLimit(f"A limit is a whole number from 0 to {LARGEST_AMOUNT:,}, or none.")
    before = find_limit(cursor, currency)
    if amount is None:
        cursor.execute("DELETE FROM ledger_adjustmentlimit WHERE currency = %s", (currency,))
    else:
        cursor.execute(
            "INSERT INTO ledger_adjustmentlimit (currency, amount) VALUES (%s, %s) "
            "ON CONFLICT (currency) DO UPDATE SET amount = excluded.amount",
            (currency, amount),
        )
    detail = {"currency": currency, "before": before, "limit": amount, "reason": reason}
    record(cursor, actor, SET_LIMIT, f"currency:{currency}", detail, at)


def sum_adjusted_alone(
    cursor: Cursor, owners: Collection[UUID], currency: str, *, actors: Collection[str], since: datetime
) -> int:
    """How much one person, under any of these names, adjusted a customer, who was any of these owners, or issued to them since
    a moment without a second person, up and down together."""
    cursor.execute(
        """SELECT coalesce(sum(a.amount), 0)::bigint FROM ledger_act a
        JOIN unnest(%s::smallint[], %s::uuid[]) AS o(bucket, owner_id) ON a.bucket = o.bucket AND a.owner_id = o.owner_id
        WHERE a.occurred_at >= %s AND a.kind = ANY(%s) AND a.currency = %s AND a.actor = ANY(%s)
          AND NOT EXISTS (SELECT FROM ledger_adjustmentproposal p WHERE p.act_id = a.act_id)""",
        ([bucket_of(owner) for owner in owners], list(owners), since, [ActKind.ADJUST, ActKind.ISSUE], currency, list(actors)),
    )
    row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def find_outcome(cursor: Cursor, act_id: UUID) -> Outcome | None:
    """What was answered to an act; None where it was not asked."""
    cursor.execute(
        """SELECT act_id, kind, currency, amount, available, refusal, sentence FROM ledger_act
        WHERE bucket = %s AND act_id = %s""",
        (bucket_of(act_id), act_id),
    )
    row = cursor.fetchone()
    return None if row is None else Outcome(row[0], ActKind(row[1]), *row[2:])


def may_wait(cursor: Cursor, currency: str, key: str) -> bool:
    """Whether an issue of a currency can be above a limit, or was when it was asked with this key before."""
    cursor.execute(
        """SELECT EXISTS (SELECT FROM ledger_adjustmentlimit WHERE currency = %s)
          OR EXISTS (SELECT FROM ledger_adjustmentproposal WHERE key = %s AND partner <> '')""",
        (currency, key),
    )
    row = cursor.fetchone()
    assert row is not None
    return bool(row[0])


def propose(cursor: Cursor, act: Adjust | Issue, *, at: datetime, actor: str) -> Proposal:
    """Keeps what waits. Of two who propose with one key at once the second meets UniqueViolation, and finds it afterwards."""
    cursor.execute(
        f"""INSERT INTO ledger_adjustmentproposal ({_COLUMNS})
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '', NULL, '', NULL, %s) RETURNING {_COLUMNS}""",
        (
            proposal_id_of(actor, act.key, act.owner_id), act.owner_id, act.anchor_id, act.currency, act.amount,
            act.expires_at if isinstance(act, Adjust) else None, act.reason, act.key, act.content, actor, at,
            ProposalState.WAITING, act.partner if isinstance(act, Issue) else "",
        ),
    )  # fmt: skip
    return _proposal(cursor.fetchone())


def find_proposals(cursor: Cursor, ids: Collection[UUID]) -> list[Proposal]:
    """The proposals of these ids, the last asked first; unknown ones are absent."""
    cursor.execute(
        f"SELECT {_COLUMNS} FROM ledger_adjustmentproposal WHERE id = ANY(%s) ORDER BY asked_at DESC, id", (list(ids),)
    )
    return [_proposal(row) for row in cursor]


def read_proposals(cursor: Cursor) -> list[Proposal]:
    """Every proposal."""
    cursor.execute(f"SELECT {_COLUMNS} FROM ledger_adjustmentproposal ORDER BY asked_at, id")
    return [_proposal(row) for row in cursor]


def get_proposal(cursor: Cursor, id_: UUID) -> Proposal:
    """One proposal; raises ProposalNotFound."""
    found = find_proposals(cursor, [id_])
    if not found:
        raise ProposalNotFound("There is no such proposal. Look at the list of those that wait.")
    return found[0]


def lock_proposal(cursor: Cursor, id_: UUID) -> Proposal:
    """A proposal that waits, held until the transaction ends. Raises ProposalDecided where somebody was first."""
    cursor.execute("SELECT 1 FROM ledger_adjustmentproposal WHERE id = %s FOR UPDATE", (id_,))
    found = get_proposal(cursor, id_)
    if found.state is not ProposalState.WAITING:
        raise ProposalDecided("Somebody decided this before. Nothing was changed.")
    return found


def close_proposal(
    cursor: Cursor, id_: UUID, state: ProposalState, *, reason: str, at: datetime, actor: str, act_id: UUID | None = None
) -> Proposal:
    """Writes what was decided about a proposal that is locked."""
    cursor.execute(
        f"""UPDATE ledger_adjustmentproposal SET state = %s, decided_by = %s, decided_at = %s, decided_reason = %s, act_id = %s
        WHERE id = %s RETURNING {_COLUMNS}""",
        (state, actor, at, reason, act_id, id_),
    )
    return _proposal(cursor.fetchone())


def forget_proposals(cursor: Cursor, owner: UUID, anchors: Collection[UUID], *, at: datetime) -> int:
    """Takes what was written about somebody who is erased out of the proposals, and refuses those that wait."""
    cursor.execute(
        """UPDATE ledger_adjustmentproposal SET reason = '', decided_reason = '',
          decided_by = CASE WHEN state = %(waiting)s THEN %(by)s ELSE decided_by END,
          decided_at = CASE WHEN state = %(waiting)s THEN %(at)s ELSE decided_at END,
          state = CASE WHEN state = %(waiting)s THEN %(refused)s ELSE state END
        WHERE anchor_id = ANY(%(anchors)s) OR anchor_id IS NULL AND owner_id = %(owner)s""",
        {
            "waiting": ProposalState.WAITING,
            "refused": ProposalState.REFUSED,
            "by": BY_ERASURE,
            "at": at,
            "anchors": list(anchors),
            "owner": owner,
        },
    )
    return cursor.rowcount


def list_waiting(cursor: Cursor, *, after: str | None = None, limit: int = DEFAULT_PAGE) -> Page[Proposal]:
    """Proposals that wait, those that wait longest first."""
    limit, (moment, last) = _paging(after, limit)
    cursor.execute(
        f"""SELECT {_COLUMNS} FROM ledger_adjustmentproposal WHERE decided_at IS NULL
          AND (%(moment)s::timestamptz IS NULL OR (asked_at, id) > (%(moment)s, %(last)s::uuid))
        ORDER BY asked_at, id LIMIT %(limit)s""",
        {"moment": moment, "last": last, "limit": limit + 1},
        prepare=False,
    )
    return page_of([_proposal(row) for row in cursor], limit, lambda row: (to_microseconds(row.asked_at), row.id.hex))


def list_decided(cursor: Cursor, *, after: str | None = None, limit: int = DEFAULT_PAGE) -> Page[Proposal]:
    """Proposals that were decided, the last first."""
    limit, (moment, last) = _paging(after, limit)
    cursor.execute(
        f"""SELECT {_COLUMNS} FROM ledger_adjustmentproposal WHERE decided_at IS NOT NULL
          AND (%(moment)s::timestamptz IS NULL OR (decided_at, id) < (%(moment)s, %(last)s::uuid))
        ORDER BY decided_at DESC, id DESC LIMIT %(limit)s""",
        {"moment": moment, "last": last, "limit": limit + 1},
        prepare=False,
    )
    rows = [_proposal(row) for row in cursor]
    return page_of(rows, limit, lambda row: (to_microseconds(row.decided_at or row.asked_at), row.id.hex))


def list_proposals_of(
    cursor: Cursor,
    owner: UUID,
    anchors: Collection[UUID],
    *,
    are_waiting: bool = False,
    after: str | None = None,
    limit: int = DEFAULT_PAGE,
) -> Page[Proposal]:
    """The proposals of one customer, whose these identifiers are, the last asked first; all, or only those that wait."""
    limit, (moment, last) = _paging(after, limit)
    cursor.execute(
        f"""SELECT {_COLUMNS} FROM ledger_adjustmentproposal
        WHERE (anchor_id = ANY(%(anchors)s) OR anchor_id IS NULL AND owner_id = %(owner)s)
          AND (decided_at IS NULL OR NOT %(waiting)s)
          AND (%(moment)s::timestamptz IS NULL OR (asked_at, id) < (%(moment)s, %(last)s::uuid))
        ORDER BY asked_at DESC, id DESC LIMIT %(limit)s""",
        {
            "owner": owner,
            "anchors": list(anchors),
            "waiting": are_waiting,
            "moment": moment,
            "last": last,
            "limit": limit + 1,
        },
        prepare=False,
    )
    return page_of([_proposal(row) for row in cursor], limit, lambda row: (to_microseconds(row.asked_at), row.id.hex))


def count_waiting(cursor: Cursor) -> int:
    """How many proposals wait."""
    row = cursor.execute("SELECT count(*) FROM ledger_adjustmentproposal WHERE decided_at IS NULL").fetchone()
    assert row is not None
    return int(row[0])


def _paging(after: str | None, limit: int) -> tuple[int, tuple[datetime | None, UUID | None]]:
    limit = max(1, min(limit, LARGEST_PAGE))
    if after is None:
        return limit, (None, None)
    microseconds, text = decode_cursor(after, int, str)
    try:
        return limit, (to_moment(int(microseconds)), UUID(str(text)))
    except (ValueError, OverflowError):
        raise InvalidCursor("This cursor is not one of ours. Start again without it.") from None


def _proposal(row: Sequence[Any] | None) -> Proposal:
    assert row is not None
    values = list(row)
    values[8], values[11] = bytes(row[8]), ProposalState(row[11])
    return Proposal(*values)
