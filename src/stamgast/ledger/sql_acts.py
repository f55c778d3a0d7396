"""SQL text of acts: the rows of acts, holds and uses, and the lots of whole balances. Private to the room."""

from stamgast.ledger.sql import LOT

ACTS = """
SELECT a.act_id, a.owner_id, a.kind, a.currency, a.content, a.amount, a.available, a.refusal, a.sentence, a.reference
FROM ledger_act a
JOIN unnest(%s::smallint[], %s::uuid[]) AS k(bucket, act_id) ON a.bucket = k.bucket AND a.act_id = k.act_id
"""

INSERT_ACTS = """
INSERT INTO ledger_act (posted_at, actor, bucket, kind, act_id, owner_id, anchor_id, subject_id, other_id, other_anchor_id,
  content, currency, key, reference, asked, amount, available, occurred_at, reason, refusal, sentence)
SELECT %s, %s, k.* FROM unnest(%s::smallint[], %s::smallint[], %s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[],
  %s::uuid[], %s::bytea[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::timestamptz[],
  %s::text[], %s::text[], %s::text[]) AS k
"""

LOTS_OF_BALANCES = f"""
SELECT {LOT} FROM ledger_lot l
JOIN unnest(%s::smallint[], %s::uuid[], %s::text[]) AS k(bucket, owner_id, currency)
  ON l.bucket = k.bucket AND l.owner_id = k.owner_id AND l.currency = k.currency
WHERE l.remaining > 0 OR l.pending > 0
"""

FREE_BALANCES = """
SELECT b.owner_id, b.currency, b.debt, b.held FROM ledger_balance b
JOIN unnest(%s::smallint[], %s::uuid[], %s::text[]) AS k(bucket, owner_id, currency)
  ON b.bucket = k.bucket AND b.owner_id = k.owner_id AND b.currency = k.currency
ORDER BY b.bucket, b.owner_id, b.currency FOR UPDATE OF b SKIP LOCKED
"""

HOLDS = """
SELECT h.owner_id, h.currency, h.hold_id, h.amount, h.captured, h.ends_at, h.state, h.ended_at FROM ledger_hold h
JOIN unnest(%s::smallint[], %s::uuid[]) AS k(bucket, owner_id) ON h.bucket = k.bucket AND h.owner_id = k.owner_id
WHERE h.ended_at IS NULL OR h.hold_id = ANY(%s::uuid[])
"""

USES = """
SELECT u.owner_id, u.act_id, u.lot_id, u.held, u.used FROM ledger_use u
JOIN unnest(%s::smallint[], %s::uuid[], %s::uuid[]) AS k(bucket, owner_id, act_id)
  ON u.bucket = k.bucket AND u.owner_id = k.owner_id AND u.act_id = k.act_id
"""

WRITE_USES = """
INSERT INTO ledger_use AS u (bucket, owner_id, act_id, lot_id, held, used)
SELECT * FROM unnest(%s::smallint[], %s::uuid[], %s::uuid[], %s::uuid[], %s::bigint[], %s::bigint[])
ON CONFLICT (bucket, owner_id, act_id, lot_id) DO UPDATE SET held = excluded.held, used = excluded.used
"""

WRITE_HOLDS = """
INSERT INTO ledger_hold AS h (bucket, state, owner_id, hold_id, currency, amount, captured, ends_at, ended_at)
SELECT * FROM unnest(%s::smallint[], %s::smallint[], %s::uuid[], %s::uuid[], %s::text[], %s::bigint[], %s::bigint[],
  %s::timestamptz[], %s::timestamptz[])
ON CONFLICT (bucket, owner_id, hold_id)
DO UPDATE SET state = excluded.state, captured = excluded.captured, ended_at = excluded.ended_at
"""

_BUCKET_OF = "((get_byte(uuid_send({0}), 0) << 8 | get_byte(uuid_send({0}), 1)) %% 1024)::smallint"
"""The bucket of an id, as ``kit.ids.bucket_of`` says it."""

CHOSEN = f"""
SELECT u.owner_id, u.act_id, u.lot_id, a.kind, a.anchor_id, a.reference, a.currency, a.occurred_at, l.activity_id, l.rule,
  l.programme_version
FROM ledger_use u
JOIN unnest(%s::smallint[], %s::uuid[]) AS k(bucket, owner_id) ON u.bucket = k.bucket AND u.owner_id = k.owner_id
JOIN ledger_act a ON a.bucket = {_BUCKET_OF.format("u.act_id")} AND a.act_id = u.act_id
JOIN ledger_lot l ON l.bucket = u.bucket AND l.owner_id = u.owner_id AND l.lot_id = u.lot_id
ORDER BY a.occurred_at, u.act_id, u.lot_id
"""

GIVEN_BY_ACTS = f"""
SELECT l.owner_id, l.lot_id, l.currency, l.activity_id, l.rule,
  CASE WHEN a.other_id IS NULL THEN a.anchor_id ELSE a.other_anchor_id END
FROM ledger_lot l
JOIN unnest(%s::smallint[], %s::uuid[]) AS k(bucket, owner_id) ON l.bucket = k.bucket AND l.owner_id = k.owner_id
JOIN ledger_act a ON a.bucket = {_BUCKET_OF.format("l.activity_id")} AND a.act_id = l.activity_id
WHERE l.programme_version = 0 ORDER BY l.owner_id, l.lot_id
"""

MOVE_HOLDS = """
UPDATE ledger_hold h SET bucket = k.new_bucket, owner_id = k.new_owner
FROM unnest(%s::smallint[], %s::uuid[], %s::uuid[], %s::smallint[], %s::uuid[])
  AS k(bucket, owner_id, hold_id, new_bucket, new_owner)
WHERE h.bucket = k.bucket AND h.owner_id = k.owner_id AND h.hold_id = k.hold_id
"""

DUE_KEYS = """
SELECT owner_id, currency FROM (
  (SELECT owner_id, currency, available_at AS due FROM ledger_lot WHERE pending > 0 AND available_at <= %(at)s
    ORDER BY available_at LIMIT %(limit)s)
  UNION ALL
  (SELECT owner_id, currency, ends_at FROM ledger_hold WHERE ended_at IS NULL AND ends_at <= %(at)s
    ORDER BY ends_at LIMIT %(limit)s)
) AS keys GROUP BY owner_id, currency ORDER BY min(due) LIMIT %(limit)s
"""

DUE_KEYS_OF_OWNERS = """
WITH due AS MATERIALIZED (
  SELECT bucket, owner_id, currency FROM ledger_lot WHERE pending > 0 AND available_at <= %(at)s
  UNION
  SELECT bucket, owner_id, currency FROM ledger_hold WHERE ended_at IS NULL AND ends_at <= %(at)s
)
SELECT due.owner_id, due.currency FROM due
JOIN unnest(%(buckets)s::smallint[], %(owners)s::uuid[]) AS k(bucket, owner_id)
  ON due.bucket = k.bucket AND due.owner_id = k.owner_id
"""
"""From the indexes of what is due, which hold next to nothing where a sweeper keeps up, and not from the owners' lots."""
