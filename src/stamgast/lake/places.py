"""The order of storing: places made of transaction numbers, which begin anew on every server, so a restored one goes on above.

A place is the number of the writing transaction, and an offset that the database keeps in a function of its own: nothing where
it was made, and after a restore a number above every place of before. So what a lake has, and what it lacks, can still be told
after the database has moved; see decisions 060 and 091.
"""

OFFSET = "stamgast_place_offset()"
LIMIT = f"pg_snapshot_xmin(pg_current_snapshot())::text::bigint + {OFFSET}"
"""Every transaction below the oldest that still runs has ended, so nothing can appear below this place any more."""
BEYOND = f"pg_snapshot_xmax(pg_current_snapshot())::text::bigint + {OFFSET}"
"""No place is given yet from here on."""
SERVER = """
SELECT (SELECT system_identifier FROM pg_control_system())::text || '/' || oid::text
FROM pg_database WHERE datname = current_database()
"""
"""Which database this is, among all that there are."""


def set_offset(offset: int) -> str:
    """SQL that lets places begin above ``offset``."""
    return (
        f"CREATE OR REPLACE FUNCTION {OFFSET} RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN {int(offset)}::bigint"
    )
