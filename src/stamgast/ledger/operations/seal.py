"""Off the way of a posting: giving batches their place in the chain, and folding the programme's side. See decision 020."""

from datetime import datetime

from stamgast.kit.arrays import id_array
from stamgast.kit.database import Cursor
from stamgast.ledger import sql
from stamgast.ledger.canonical import GENESIS, link_of

LARGEST_SEALING = 1_000


def seal(cursor: Cursor, *, at: datetime, limit: int = LARGEST_SEALING) -> int:
    """Chains batches that wait, those posted longest ago first, ``limit`` at most; returns how many.

    Locks the chain's one head row first, so that two sealers take turns; postings never touch it.
    """
    cursor.execute(
        """INSERT INTO ledger_head AS h (id, sequence, chain) VALUES (1, 0, %s)
        ON CONFLICT (id) DO UPDATE SET id = h.id RETURNING sequence, chain""",
        (GENESIS,),
    )
    head = cursor.fetchone()
    assert head is not None
    sequence, chain = head[0], bytes(head[1])
    cursor.execute(
        """SELECT b.id, b.root FROM ledger_unsealed u JOIN ledger_batch b ON b.id = u.batch_id
        ORDER BY u.posted_at, u.batch_id LIMIT %s""",
        (limit,),
    )
    batches = cursor.fetchall()
    if not batches:
        return 0
    links = []
    for batch_id, root in batches:
        chain = link_of(chain, batch_id.bytes, bytes(root))
        links.append(chain)
    batch_ids = id_array([batch_id.bytes for batch_id, _ in batches])
    cursor.execute(
        """INSERT INTO ledger_seal (sequence, batch_id, chain, sealed_at)
        SELECT k.*, %s FROM unnest(%s::bigint[], %s::uuid[], %s::bytea[]) AS k""",
        (at, sql.numbers(range(sequence + 1, sequence + 1 + len(links))), batch_ids, links),
    )
    cursor.execute("DELETE FROM ledger_unsealed WHERE batch_id = ANY(%s::uuid[])", (batch_ids,))
    cursor.execute("UPDATE ledger_head SET sequence = %s, chain = %s WHERE id = 1", (sequence + len(links), chain))
    return len(links)


def fold(cursor: Cursor) -> int:
    """Adds what batches did to the programme's side to the daily totals, each exactly once; returns how many rows it folded."""
    cursor.execute(
        """WITH folded AS (DELETE FROM ledger_contra_delta RETURNING account, reference, currency, day, debit, credit),
        daily AS (
          INSERT INTO ledger_contra_daily AS d (account, reference, currency, day, debit, credit)
          SELECT account, reference, currency, day, sum(debit), sum(credit) FROM folded
          GROUP BY account, reference, currency, day ORDER BY account, reference, currency, day
          ON CONFLICT (account, reference, currency, day)
          DO UPDATE SET debit = d.debit + excluded.debit, credit = d.credit + excluded.credit
        )
        SELECT count(*) FROM folded"""
    )
    row = cursor.fetchone()
    assert row is not None
    return int(row[0])
