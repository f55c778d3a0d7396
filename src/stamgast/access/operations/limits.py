"""The pace of a key: a bucket of tokens in the database, so that any number of web processes share it."""

from datetime import datetime

from stamgast.access.rules import describe_rate
from stamgast.access.types import ApiKey, Rate
from stamgast.kit.database import Cursor


def take_token(cursor: Cursor, key: ApiKey, *, at: datetime) -> Rate:
    """One request of a key: takes a token where there is one, and notes the moment.

    One statement that locks one row. It does not wait for the disk, because a crash may forget a second of counting.
    """
    row = cursor.execute(
        """
        WITH quickly AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
        INSERT INTO access_keyuse AS used (key_id, tokens, is_refused, last_used_at)
        SELECT %(key)s, %(limit)s::float8 - 1, false, %(at)s FROM quickly
        ON CONFLICT (key_id) DO UPDATE SET (tokens, is_refused, last_used_at) = (
            SELECT CASE WHEN there >= 1 THEN there - 1 ELSE there END, there < 1, GREATEST(used.last_used_at, %(at)s)
            FROM (SELECT LEAST(%(limit)s, used.tokens + %(limit)s / 60.0
                * GREATEST(0, extract(epoch FROM %(at)s - used.last_used_at))::float8) AS there) AS bucket)
        RETURNING tokens, is_refused
        """,
        {"key": key.id, "limit": key.limit_per_minute, "at": at},
        prepare=True,
    ).fetchone()
    assert row is not None
    return describe_rate(key.limit_per_minute, row[0], is_refused=row[1])
