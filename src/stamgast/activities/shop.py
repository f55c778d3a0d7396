"""What the data was installed with: the zone of its days and the currency of amounts that name none.

Both are settings, and both are in what was stored: read under others, days and amounts would mean something else. So they
stay beside the data, and whoever names none takes them from there, before Django is set up.
"""

from dataclasses import dataclass
from datetime import datetime

import psycopg

from stamgast.kit.database import Cursor

SAMPLE = 1_000


@dataclass(frozen=True, slots=True)
class Shop:
    """A zone of the IANA database and a currency of ISO 4217."""

    timezone: str
    currency: str


def read_shop(url: str) -> Shop | None:
    """The shop of a database; None where nothing is installed yet."""
    with psycopg.connect(url) as connection:
        if connection.execute("SELECT to_regclass('activities_shop')").fetchone() == (None,):
            return None
        row = connection.execute("SELECT timezone, currency FROM activities_shop").fetchone()
    return None if row is None else Shop(*row)


def find_currency(cursor: Cursor) -> str | None:
    """The currency of most of some amounts that were stored; None where there are none."""
    row = cursor.execute(
        "SELECT currency FROM (SELECT currency FROM activities_activity WHERE currency IS NOT NULL LIMIT %s) AS sample "
        "GROUP BY currency ORDER BY count(*) DESC, currency LIMIT 1",
        (SAMPLE,),
    ).fetchone()
    return None if row is None else str(row[0])


def keep_shop(cursor: Cursor, shop: Shop, *, at: datetime) -> None:
    """Notes what the data is installed with, once."""
    cursor.execute(
        "INSERT INTO activities_shop (id, timezone, currency, installed_at) VALUES (1, %s, %s, %s) ON CONFLICT DO NOTHING",
        (shop.timezone, shop.currency, at),
    )
