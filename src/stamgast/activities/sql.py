"""The SQL text of the hot paths. Private to the room."""

STORE_ACTIVITIES = """
WITH given AS (
    SELECT * FROM unnest(
        %(ids)b::uuid[], %(source_ids)b::int2[], %(types)b::text[], %(kinds)b::text[], %(anchor_ids)b::uuid[],
        %(identifiers)b::text[], %(occurred_at)b::int8[], %(received_at)b::int8[], %(order_ids)b::text[],
        %(amounts)b::int8[], %(currencies)b::text[], %(line_counts)b::int4[], %(bodies)b::text[]
    ) AS row (
        id, source_id, type, kind, anchor_id, identifiers, occurred_us, received_us, order_id, amount_minor, currency,
        line_count, body
    )
),
fresh AS (
    INSERT INTO activities_activity (
        id, source_id, type, kind, anchor_id, identifiers, occurred_at, received_at, order_id, amount_minor, currency,
        line_count, body
    )
    SELECT
        id, source_id, type, kind, anchor_id, identifiers::jsonb,
        timestamptz 'epoch' + occurred_us * interval '1 microsecond',
        timestamptz 'epoch' + received_us * interval '1 microsecond',
        order_id, amount_minor, currency, line_count, body
    FROM given
    ON CONFLICT (id) DO NOTHING
    RETURNING id, received_at, occurred_at, anchor_id
)
INSERT INTO activities_pending (occurred_at, activity_id, received_at, lane)
SELECT occurred_at, id, received_at, get_byte(uuid_send(anchor_id), 0) FROM fresh ORDER BY occurred_at, id
"""

STORE_REFUSALS = """
INSERT INTO activities_refusal (id, source_id, received_at, reason, detail, body)
SELECT * FROM unnest(
    %(ids)b::uuid[], %(source_ids)b::int2[], %(received_at)b::timestamptz[], %(reasons)b::text[], %(details)b::text[],
    %(bodies)b::text[]
)
ON CONFLICT (id) DO NOTHING
"""

NEW_KINDS = """
SELECT given.name FROM unnest(%(names)s::text[]) AS given (name)
WHERE NOT EXISTS (SELECT FROM activities_kind AS known WHERE known.name = given.name AND known.first_seen_at IS NOT NULL)
ORDER BY given.name
"""

NOTE_KINDS = """
INSERT INTO activities_kind (name, schema, is_builtin, first_seen_at, changed_by)
SELECT name, NULL, FALSE, %(at)s, 'intake' FROM unnest(%(names)s::text[]) AS given (name)
WHERE (SELECT count(*) FROM activities_kind) < %(most)s OR EXISTS (SELECT FROM activities_kind k WHERE k.name = given.name)
ORDER BY name
ON CONFLICT (name) DO UPDATE SET first_seen_at = EXCLUDED.first_seen_at WHERE activities_kind.first_seen_at IS NULL
"""

TAKE_PENDING = """
SELECT occurred_at, activity_id, received_at FROM activities_pending WHERE failed_at IS NULL AND lane %% %(of)s = %(place)s
ORDER BY occurred_at, activity_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""

REMOVE_PENDING = """
DELETE FROM activities_pending AS pending USING unnest(%b::timestamptz[], %b::uuid[]) AS decided (occurred_at, activity_id)
WHERE pending.occurred_at = decided.occurred_at AND pending.activity_id = decided.activity_id
"""

ACTIVITY_COLUMNS = """
a.id, s.name, a.type, a.kind, a.identifiers::text, a.occurred_at, a.received_at, a.order_id, a.amount_minor, a.currency, a.body
"""

# The body travels only where it is read: all of it for properties and lines, else only where it holds traits.
DECIDING_COLUMNS = """
a.id, a.anchor_id, a.identifiers::text, a.type, a.kind, s.name, a.occurred_at, a.received_at, a.order_id, a.amount_minor,
a.currency, CASE WHEN %(needs_body)s OR %(needs_traits)s AND strpos(a.body, '"traits"') > 0 THEN a.body END,
a.body IS NULL
"""

# What still waits was not decided yet and is no part of the history: it is decided when it is taken.
OF_HISTORY = """
a.anchor_id = ANY(%(ids)b) AND NOT EXISTS (
    SELECT FROM activities_pending AS waiting WHERE waiting.occurred_at = a.occurred_at AND waiting.activity_id = a.id
)
"""

SOURCE_SUMMARIES = """
SELECT
    s.id, s.name, s.is_strict, s.created_at,
    (SELECT count(*) FROM activities_activity a WHERE a.source_id = s.id AND a.received_at >= %(since)s),
    (SELECT count(*) FROM activities_refusal r WHERE r.source_id = s.id AND r.settled_at IS NULL),
    (SELECT max(a.received_at) FROM activities_activity a WHERE a.source_id = s.id)
FROM activities_source s
ORDER BY s.name
"""

# Of one month of receiving, [beginning, ending): by source, because the index begins with it.
OF_MONTH = """
a.source_id = ANY(SELECT id FROM activities_source) AND a.received_at >= %(beginning)s AND a.received_at < %(ending)s
"""

FIRST_RECEIVED = """
SELECT min(first.at) FROM activities_source AS s
CROSS JOIN LATERAL (SELECT min(a.received_at) AS at FROM activities_activity AS a WHERE a.source_id = s.id) AS first
"""

ARCHIVED_COLUMNS = """
a.id::text, a.source_id, a.type, a.kind, a.anchor_id::text, a.identifiers::text, a.occurred_at, a.received_at, a.order_id,
a.amount_minor, a.currency, a.line_count, a.body
"""

# The first 60 bits of each row's digest, added up: the same in DuckDB, and whatever the order.
MONTH_DIGEST = f"""
SELECT count(*), coalesce(sum(('x' || substr(md5(a.id::text || a.body), 1, 15))::bit(60)::bigint), 0)::text
FROM activities_activity AS a WHERE {OF_MONTH} AND a.body IS NOT NULL
"""

# A message that is no longer what the archive holds stays: it was changed after it was copied.
REMOVE_BODIES = """
UPDATE activities_activity AS a SET body = NULL
FROM unnest(%(ids)s::uuid[], %(digests)s::text[]) AS archived (id, digest)
WHERE a.id = archived.id AND a.body IS NOT NULL AND md5(a.body) = archived.digest
"""

RETURN_BODIES = """
UPDATE activities_activity AS a SET body = archived.body
FROM unnest(%(ids)s::uuid[], %(bodies)s::text[]) AS archived (id, body) WHERE a.id = archived.id AND a.body IS NULL
"""
