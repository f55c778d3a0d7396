"""The audit: proves that the ledger says what it said when it was written, and that its parts agree.

It recomputes every fingerprint, root and link, adds up every account and lot, and names the first wrong row of each check.
Read it in one REPEATABLE READ transaction where postings go on meanwhile. That what was decided is what was posted is
checked where both are known, in ``flows``.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import chain, groupby
from typing import Any
from uuid import UUID

from psycopg import ServerCursor

from stamgast.kit.database import Cursor
from stamgast.ledger import audit_acts, audit_adjustments, sql
from stamgast.ledger.canonical import GENESIS, NO_ID, NO_VERSION, digest_texts, fingerprint_of, link_of, root_of
from stamgast.ledger.entries import GIVING, TAKING
from stamgast.ledger.types import FIRST_OWNER_ACCOUNT, Account, Finding, to_microseconds

Progress = Callable[[int, int], None]
Batch = tuple[UUID, int, int, bytes, datetime, str]
ROWS_A_FETCH = 10_000


def audit(cursor: Cursor, progress: Progress = lambda done, total: None) -> list[Finding]:
    """Every check; an empty list when the ledger is sound. ``progress(movements read, movements)`` is called on the way."""
    first: dict[str, Finding] = {}
    for finding in chain(
        _audit_movements(cursor, progress),
        _audit_chain(cursor),
        _first(cursor, "balance_lots", _BALANCE_LOTS, _say_balance_lots),
        _first(cursor, "balance_movements", _BALANCE_MOVEMENTS, _say_balance_movements),
        _first(cursor, "lot_movements", _LOT_MOVEMENTS, _say_lot_movements),
        _first(cursor, "contra_movements", _CONTRA_MOVEMENTS, _say_contra_movements),
        _first(cursor, "contra_balances", _CONTRA_BALANCES, _say_contra_balances),
        _first(cursor, "act_movements", audit_acts.ACT_MOVEMENTS, audit_acts.say_act_movements),
        _first(cursor, "use_movements", audit_acts.USE_MOVEMENTS, audit_acts.say_use_movements),
        _first(cursor, "transit", audit_acts.TRANSIT, audit_acts.say_transit),
        _first(cursor, "hold_uses", audit_acts.HOLD_USES, audit_acts.say_hold_uses),
        _first(cursor, "holds", audit_acts.HOLDS, audit_acts.say_holds),
        audit_acts.audit_acts(cursor),
        _first(cursor, "proposal_acts", audit_adjustments.PROPOSAL_ACTS, audit_adjustments.say_proposal_acts),
        audit_adjustments.audit_adjustments(cursor),
    ):
        first.setdefault(finding.check, finding)
    return list(first.values())


def _audit_movements(cursor: Cursor, progress: Progress) -> Iterator[Finding]:
    """Fingerprints against their rows, and batches against their movements, in one reading of both in the order of batches."""
    cursor.execute("SELECT coalesce(sum(rows), 0)::bigint FROM ledger_batch")
    count = (cursor.fetchone() or (0,))[0]
    done = 0
    with _reader(cursor, "ledger_audit_batches") as batch_reader, _reader(cursor, "ledger_audit_movements") as reader:
        batch_reader.execute("SELECT id, rows, total, root, posted_at, actor FROM ledger_batch ORDER BY id", binary=True)
        reader.execute(_MOVEMENTS, {"no_id": NO_ID, "no_version": NO_VERSION}, binary=True)
        batches = iter(batch_reader)
        batch = next(batches, None)
        for batch_id, rows in groupby(reader, key=lambda row: row[0]):
            while batch is not None and batch[0] < batch_id:
                yield _without_movements(batch)
                batch = next(batches, None)
            fingerprints, total, said = [], 0, set()
            for row in rows:
                fingerprints.append(row[-1])
                total += row[6]
                said.add((row[8], row[13]))
                yield from _audit_movement(row)
            if batch is None or batch[0] > batch_id:
                sentence = f"{len(fingerprints)} movements name batch {batch_id}, which does not exist."
                yield Finding("batch", str(batch_id), sentence)
            else:
                yield from _audit_batch(batch, fingerprints, total, said)
                batch = next(batches, None)
            done += len(fingerprints)
            progress(done, max(count, done))
        while batch is not None:
            yield _without_movements(batch)
            batch = next(batches, None)


def _reader(cursor: Cursor, name: str) -> ServerCursor[Any]:
    """A cursor on the server, so that no more than a few thousand rows are here at once."""
    reader = ServerCursor(cursor.connection, name)
    reader.itersize = ROWS_A_FETCH
    return reader


_MOVEMENTS = """
SELECT batch_id, uuid_send(movement_id) || uuid_send(owner_id) || coalesce(uuid_send(lot_id), %(no_id)s)
    || coalesce(uuid_send(activity_id), %(no_id)s), bucket, kind, debit, credit, amount, effective_at, posted_at,
  coalesce(programme_version, %(no_version)s::int), currency, rule, reason, actor, uuid_send(act_id), reference, fingerprint
FROM ledger_movement ORDER BY batch_id, movement_id
"""
"""The ids in one piece, because a quarter of a million rows with four id objects each take seconds to make."""


def _audit_movement(row: tuple[Any, ...]) -> Iterator[Finding]:
    _, joined, bucket, kind, debit, credit, amount, effective_at, posted_at, version = row[:10]
    *texts, act, reference, fingerprint = row[10:]
    movement_id, owner = joined[:16], joined[16:32]
    expected = fingerprint_of(
        movement_id, owner, joined[32:48], joined[48:], kind, debit, credit, amount,
        to_microseconds(effective_at), to_microseconds(posted_at), version, digest_texts(*texts), act, reference or "",
    )  # fmt: skip
    if expected != fingerprint:
        yield Finding(
            "fingerprint",
            str(UUID(bytes=movement_id)),
            f"Movement {UUID(bytes=movement_id)} of owner {UUID(bytes=owner)} is not what was written: "
            "its fingerprint belongs to another content.",
        )
    if not bucket == sql.bucket_of(owner) == sql.bucket_of(movement_id):
        sentence = f"Movement {UUID(bytes=movement_id)} is in bucket {bucket}, which is not its owner's."
        yield Finding("bucket", str(UUID(bytes=movement_id)), sentence)


def _without_movements(batch: Batch) -> Finding:
    batch_id, rows, *_ = batch
    return Finding("batch", str(batch_id), f"Batch {batch_id} was written with {rows} movements, and none of them is left.")


def _audit_batch(batch: Batch, fingerprints: list[bytes], total: int, said: set[tuple[datetime, str]]) -> Iterator[Finding]:
    batch_id, rows, stated, root, posted_at, actor = batch
    if (rows, stated) != (len(fingerprints), total):
        yield Finding(
            "batch",
            str(batch_id),
            f"Batch {batch_id} was written with {rows} movements of {stated} in total; "
            f"there are {len(fingerprints)} of {total}.",
        )
    elif root_of(fingerprints) != root:
        yield Finding("batch", str(batch_id), f"The movements of batch {batch_id} are not those its root was made of.")
    elif said != {(posted_at, actor)}:
        sentence = f"Batch {batch_id} says {actor!r} posted it at {posted_at:%Y-%m-%d %H:%M:%S.%f}, and its movements do not."
        yield Finding("batch", str(batch_id), sentence)


def _audit_chain(cursor: Cursor) -> Iterator[Finding]:
    """The links in order, the end of the chain, and that no batch is outside it."""
    expected, sequence = GENESIS, 0
    for number, batch_id, link, root in _links(cursor):
        sequence += 1
        if number != sequence:
            yield Finding("chain", str(sequence), f"The chain has no link {sequence}; the next one is {number}.")
            return
        if root is None:
            yield Finding("chain", str(batch_id), f"Link {number} of the chain is of batch {batch_id}, which does not exist.")
            return
        expected = link_of(expected, batch_id.bytes, root)
        if expected != link:
            yield Finding(
                "chain",
                str(batch_id),
                f"Link {number} of the chain does not follow from the link before it and batch {batch_id}.",
            )
            return
    cursor.execute("SELECT sequence, chain FROM ledger_head WHERE id = 1")
    head = cursor.fetchone() or (0, GENESIS)
    if (head[0], bytes(head[1])) != (sequence, expected):
        yield Finding("chain", str(sequence), f"The chain ends at link {sequence}, and {head[0]} were sealed.")
    cursor.execute(
        """SELECT u.batch_id FROM ledger_unsealed u LEFT JOIN ledger_batch b ON b.id = u.batch_id
        WHERE b.id IS NULL ORDER BY u.batch_id LIMIT 1"""
    )
    if row := cursor.fetchone():
        yield Finding("chain", str(row[0]), f"Batch {row[0]} waits for its place in the chain, and does not exist.")
    cursor.execute(
        """SELECT b.id FROM ledger_batch b LEFT JOIN ledger_seal s ON s.batch_id = b.id
        LEFT JOIN ledger_unsealed u ON u.batch_id = b.id
        WHERE (s.batch_id IS NULL) = (u.batch_id IS NULL) ORDER BY b.id LIMIT 1"""
    )
    if row := cursor.fetchone():
        yield Finding("chain", str(row[0]), f"Batch {row[0]} is neither in the chain nor waiting for it, or is both.")


def _links(cursor: Cursor) -> Iterator[tuple[int, UUID, bytes, bytes | None]]:
    with _reader(cursor, "ledger_audit_chain") as reader:
        reader.execute(
            """SELECT s.sequence, s.batch_id, s.chain, b.root FROM ledger_seal s LEFT JOIN ledger_batch b ON b.id = s.batch_id
            ORDER BY s.sequence""",
            binary=True,
        )
        yield from reader


def _first(cursor: Cursor, check: str, query: str, say: Callable[..., tuple[str, str]]) -> Iterator[Finding]:
    cursor.execute(query, _ACCOUNTS)
    if row := cursor.fetchone():
        yield Finding(check, *say(*row))


_ACCOUNTS = {account.name.lower(): int(account) for account in Account} | {
    "first_owner_account": FIRST_OWNER_ACCOUNT,
    "giving": list(map(int, GIVING)),
    "taking": list(map(int, TAKING)),
}

_BALANCE_LOTS = """
WITH lots AS (
  SELECT bucket, owner_id, currency, sum(remaining)::bigint AS remaining, sum(held)::bigint AS held
  FROM ledger_lot GROUP BY bucket, owner_id, currency
)
SELECT owner_id, currency, coalesce(b.lot_total, 0), coalesce(l.remaining, 0), coalesce(b.held, 0), coalesce(l.held, 0)
FROM ledger_balance b FULL JOIN lots l USING (bucket, owner_id, currency)
WHERE (coalesce(b.lot_total, 0), coalesce(b.held, 0)) <> (coalesce(l.remaining, 0), coalesce(l.held, 0))
ORDER BY bucket, owner_id, currency LIMIT 1
"""


def _say_balance_lots(owner: UUID, currency: str, lot_total: int, remaining: int, held: int, lots_held: int) -> tuple[str, str]:
    return str(owner), (
        f"Owner {owner} has {lot_total} {currency} with {held} held, and the lots hold {remaining} with {lots_held} held."
    )


_BALANCE_MOVEMENTS = """
WITH sides AS (
  SELECT bucket, owner_id, currency, credit AS account, amount FROM ledger_movement
  UNION ALL
  SELECT bucket, owner_id, currency, debit, -amount FROM ledger_movement
), moved AS (
  SELECT bucket, owner_id, currency,
    coalesce(sum(amount) FILTER (WHERE account = %(available)s), 0)::bigint AS available,
    coalesce(sum(amount) FILTER (WHERE account = %(pending)s), 0)::bigint AS pending,
    coalesce(sum(amount) FILTER (WHERE account = %(held)s), 0)::bigint AS held,
    coalesce(-sum(amount) FILTER (WHERE account = %(debt)s), 0)::bigint AS debt
  FROM sides WHERE account >= %(first_owner_account)s GROUP BY bucket, owner_id, currency
)
SELECT owner_id, currency,
  ARRAY[coalesce(b.available, 0), coalesce(b.pending, 0), coalesce(b.held, 0), coalesce(b.debt, 0)],
  ARRAY[coalesce(m.available, 0), coalesce(m.pending, 0), coalesce(m.held, 0), coalesce(m.debt, 0)]
FROM ledger_balance b FULL JOIN moved m USING (bucket, owner_id, currency)
WHERE (coalesce(b.available, 0), coalesce(b.pending, 0), coalesce(b.held, 0), coalesce(b.debt, 0))
  <> (coalesce(m.available, 0), coalesce(m.pending, 0), coalesce(m.held, 0), coalesce(m.debt, 0))
ORDER BY bucket, owner_id, currency LIMIT 1
"""


def _say_balance_movements(owner: UUID, currency: str, stored: list[int], moved: list[int]) -> tuple[str, str]:
    return str(owner), f"Owner {owner} has {_accounts(stored)} {currency}, and the movements give {_accounts(moved)}."


def _accounts(amounts: list[int]) -> str:
    return "available {}, pending {}, held {}, debt {}".format(*amounts)


_LOT_MOVEMENTS = """
WITH moved AS (
  SELECT bucket, owner_id, lot_id,
    (coalesce(sum(amount) FILTER (WHERE kind = ANY(%(giving)s)), 0)
      - coalesce(sum(amount) FILTER (WHERE kind = ANY(%(taking)s)), 0))::bigint AS given,
    (coalesce(sum(amount) FILTER (WHERE credit IN (%(available)s, %(held)s)), 0)
      - coalesce(sum(amount) FILTER (WHERE debit IN (%(available)s, %(held)s)), 0))::bigint AS remaining,
    (coalesce(sum(amount) FILTER (WHERE credit = %(pending)s), 0)
      - coalesce(sum(amount) FILTER (WHERE debit = %(pending)s), 0))::bigint AS pending,
    (coalesce(sum(amount) FILTER (WHERE credit = %(held)s), 0)
      - coalesce(sum(amount) FILTER (WHERE debit = %(held)s), 0))::bigint AS held,
    (coalesce(sum(amount) FILTER (WHERE credit = %(expired)s), 0)
      - coalesce(sum(amount) FILTER (WHERE debit = %(expired)s), 0))::bigint AS expired,
    coalesce(sum(amount) FILTER (WHERE debit = %(debt)s), 0)::bigint AS owed
  FROM ledger_movement WHERE lot_id IS NOT NULL GROUP BY bucket, owner_id, lot_id
), compared AS (
  SELECT bucket, owner_id, lot_id,
    ARRAY[coalesce(l.given, 0), coalesce(l.remaining, 0), coalesce(l.pending, 0), coalesce(l.held, 0), coalesce(l.expired, 0),
      coalesce(l.owed, 0)] AS stored,
    ARRAY[coalesce(m.given, 0), coalesce(m.remaining, 0), coalesce(m.pending, 0), coalesce(m.held, 0), coalesce(m.expired, 0),
      coalesce(m.owed, 0)] AS moved
  FROM ledger_lot l FULL JOIN moved m USING (bucket, owner_id, lot_id)
)
SELECT owner_id, lot_id, stored, moved FROM compared WHERE stored <> moved ORDER BY bucket, owner_id, lot_id LIMIT 1
"""
"""What a lot used is the rest, which a CHECK holds."""


def _say_lot_movements(owner: UUID, lot_id: UUID, stored: list[int], moved: list[int]) -> tuple[str, str]:
    words = "given {}, remaining {}, pending {}, held {}, expired {}, owed {}"
    return str(lot_id), (
        f"Lot {lot_id} of owner {owner} has {words.format(*stored)}, and its movements give {words.format(*moved)}."
    )


_CONTRA_MOVEMENTS = """
WITH kept AS (
  SELECT account, reference, currency, day, sum(debit)::bigint AS debit, sum(credit)::bigint AS credit FROM (
    SELECT account, reference, currency, day, debit, credit FROM ledger_contra_delta
    UNION ALL SELECT account, reference, currency, day, debit, credit FROM ledger_contra_daily
  ) AS rows GROUP BY account, reference, currency, day
), sides AS (
  SELECT debit AS account, reference, currency, effective_at, amount AS debit, 0 AS credit FROM ledger_movement
  UNION ALL SELECT credit, reference, currency, effective_at, 0, amount FROM ledger_movement
), moved AS (
  SELECT account, coalesce(reference, '') COLLATE "C" AS reference, currency, (effective_at AT TIME ZONE 'UTC')::date AS day,
    sum(debit)::bigint AS debit, sum(credit)::bigint AS credit
  FROM sides WHERE account < %(first_owner_account)s GROUP BY 1, 2, 3, 4
)
SELECT account, reference, currency, day, coalesce(k.debit, 0), coalesce(k.credit, 0), coalesce(m.debit, 0),
  coalesce(m.credit, 0)
FROM kept k FULL JOIN moved m USING (account, reference, currency, day)
WHERE (coalesce(k.debit, 0), coalesce(k.credit, 0)) <> (coalesce(m.debit, 0), coalesce(m.credit, 0))
ORDER BY account, reference, currency, day LIMIT 1
"""


def _say_contra_movements(
    account: int, reference: str, currency: str, day: object, debit: int, credit: int, moved_debit: int, moved_credit: int
) -> tuple[str, str]:
    named = f"{account} {reference}".strip()
    return f"{named} {currency} {day}", (
        f"Account {named} of the programme has debit {debit} and credit {credit} {currency} on {day}, "
        f"and the movements give {moved_debit} and {moved_credit}."
    )


_CONTRA_BALANCES = """
WITH kept AS (
  SELECT currency, sum(debit - credit)::bigint AS out FROM (
    SELECT currency, debit, credit FROM ledger_contra_delta UNION ALL SELECT currency, debit, credit FROM ledger_contra_daily
  ) AS rows GROUP BY currency
), owned AS (
  SELECT currency, sum(available + pending + held - debt)::bigint AS owned FROM ledger_balance GROUP BY currency
)
SELECT currency, coalesce(k.out, 0), coalesce(o.owned, 0) FROM kept k FULL JOIN owned o USING (currency)
WHERE coalesce(k.out, 0) <> coalesce(o.owned, 0) ORDER BY currency LIMIT 1
"""


def _say_contra_balances(currency: str, out: int, owned: int) -> tuple[str, str]:
    return currency, f"The programme has given {out} {currency} on balance, and all owners together have {owned}."
