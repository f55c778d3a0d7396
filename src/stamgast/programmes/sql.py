"""SQL of programmes. Private to the room."""

DECIDING = "select pg_advisory_xact_lock_shared(7236117301)"
PUBLISHING = "select pg_advisory_xact_lock(7236117301)"

LIST_VERSIONS = """
select programme, version, document, sha256, effective_from, published_at, published_by, reason
from programmes_version v where programme = %s
  and not exists (select from programmes_withdrawal w where w.programme = v.programme and w.version = v.version)
order by version
"""

LIST_WITHDRAWN = """
select v.programme, v.version, v.document, v.sha256, v.effective_from, v.published_at, v.published_by, v.reason,
  w.at, w.actor, w.reason
from programmes_version v join programmes_withdrawal w on w.programme = v.programme and w.version = v.version
where v.programme = %s order by v.version
"""

WITHDRAW = """
insert into programmes_withdrawal (programme, version, at, actor, reason) values (%s, %s, %s, %s, %s)
on conflict (programme, version) do nothing
"""

HAS_DECIDED = "select exists (select from programmes_state where programme = %s and version >= %s and last_at >= %s)"

LIST_PROGRAMMES = "select distinct programme from programmes_version order by programme"

FIRST_PROGRAMME = "select programme from programmes_version where version = 1 order by published_at, programme limit 1"

VERSION_KEYS = """
select version, sha256, effective_from from programmes_version v where programme = %s
  and not exists (select from programmes_withdrawal w where w.programme = v.programme and w.version = v.version)
order by version
"""

INSERT_VERSION = """
insert into programmes_version
  (programme, version, document, sha256, effective_from, published_at, published_by, reason)
values (%s, %s, %s, %s, %s, %s, %s, %s)
on conflict (programme, version) do nothing
"""

# A state that was decided before a version was published that reaches back behind it is not one to go on from.
LOAD_STATES = """
select s.customer_id, s.last_at, s.last_activity_id, s.version, s.counters::text, s.review_at
from unnest(%b::smallint[], %b::uuid[]) as wanted (bucket, customer_id)
join programmes_state s on s.bucket = wanted.bucket and s.customer_id = wanted.customer_id and s.programme = %s
where not exists (
  select from programmes_version v
  where v.programme = s.programme and v.version > s.version and v.effective_from <= s.last_at
    and not exists (select from programmes_withdrawal w where w.programme = v.programme and w.version = v.version)
)
order by s.bucket, s.customer_id
"""

SAVE_STATES = """
insert into programmes_state
  (bucket, customer_id, programme, last_at, last_activity_id, version, counters, review_at, reviewed_by)
select bucket, customer_id, %s, last_at, last_activity_id, version, counters::jsonb, review_at, %s
from unnest(%b::smallint[], %b::uuid[], %b::timestamptz[], %b::uuid[], %b::integer[], %b::text[], %b::timestamptz[])
  as new (bucket, customer_id, last_at, last_activity_id, version, counters, review_at)
order by bucket, customer_id
on conflict (bucket, customer_id, programme) do update set
  last_at = excluded.last_at,
  last_activity_id = excluded.last_activity_id,
  version = excluded.version,
  counters = excluded.counters,
  review_at = excluded.review_at,
  reviewed_by = excluded.reviewed_by
"""

DUE_REVIEWS = """
select customer_id from programmes_state where review_at <= %s and programme = %s
order by review_at, bucket, customer_id limit %s
"""

NEXT_REVIEW = "select min(review_at) from programmes_state where review_at is not null"

SET_REVIEWS = """
update programmes_state s set review_at = new.review_at, reviewed_by = %s, version = %s
from unnest(%b::smallint[], %b::uuid[], %b::timestamptz[]) as new (bucket, customer_id, review_at)
where s.bucket = new.bucket and s.customer_id = new.customer_id and s.programme = %s
"""

# A stay after what was known before is one that was only foreseen.
FORGET_TIERS = """
delete from programmes_tierstay t
using unnest(%b::smallint[], %b::uuid[], %b::timestamptz[]) as gone (bucket, customer_id, after)
where t.bucket = gone.bucket and t.customer_id = gone.customer_id and t.programme = %s
  and (gone.after is null or t.since > gone.after)
"""

SAVE_TIERS = """
insert into programmes_tierstay (bucket, customer_id, programme, since, tier, cause, activity_id, version)
select bucket, customer_id, %s, since, tier, cause, activity_id, version
from unnest(%b::smallint[], %b::uuid[], %b::timestamptz[], %b::text[], %b::text[], %b::uuid[], %b::integer[])
  as new (bucket, customer_id, since, tier, cause, activity_id, version)
order by bucket, customer_id, since
"""

TIER_STAYS = """
select t.customer_id, t.since, t.tier, t.cause, t.activity_id, t.version
from unnest(%b::smallint[], %b::uuid[]) as wanted (bucket, customer_id)
join programmes_tierstay t on t.bucket = wanted.bucket and t.customer_id = wanted.customer_id and t.programme = %s
order by t.bucket, t.customer_id, t.since
"""

TIER_SINCE = """
select max(since) from programmes_tierstay where bucket = %s and customer_id = %s and programme = %s and since <= %s
"""

FORGET_STATES = """
delete from programmes_state s
using unnest(%b::smallint[], %b::uuid[]) as gone (bucket, customer_id)
where s.bucket = gone.bucket and s.customer_id = gone.customer_id and s.programme = %s
"""

OUTDATED = """
select customer_id from programmes_state
where programme = %(programme)s and version < %(version)s and (last_at >= %(since)s or reviewed_by >= %(since)s)
"""

LIST_DECIDED = """
select customer_id from programmes_state where programme = %s order by bucket, customer_id limit %s
"""

LIST_DECIDED_BETWEEN = """
select customer_id from programmes_state where programme = %s and bucket >= %s and bucket < %s order by bucket, customer_id
"""

COUNT_DECIDED_BY_BUCKET = "select bucket, count(*) from programmes_state where programme = %s group by bucket"
