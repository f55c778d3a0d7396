"""The activities of the shop in files, as they are decided: of each customer by today's links, with refunds taken off."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pyarrow.parquet as pq

from stamgast.customers.queries import list_ids
from stamgast.flows.history import read_history
from stamgast.kit.database import open_cursor
from stamgast.programmes.queries import get_programme

CHUNK = 5_000


def export_activities(folder: Path, *, report: Callable[[int], None] = lambda done: None) -> int:
    """Writes ``part-00000.parquet`` and on, some thousand customers each, with the columns of ACTIVITIES; counts activities.

    Files of that name are replaced; begun again after it was stopped, it begins anew.
    """
    folder.mkdir(parents=True, exist_ok=True)
    after, done, part = UUID(int=0), 0, 0
    with open_cursor() as cursor:
        programme = get_programme(cursor)
        while customers := list_ids(cursor, after=after, limit=CHUNK):
            table = read_history(cursor, programme, customers, with_body=True)
            if table.num_rows:
                pq.write_table(table, folder / f"part-{part:05}.parquet")
                part += 1
            after, done = customers[-1], done + table.num_rows
            report(done)
    for left in folder.glob("part-*.parquet"):  # of an earlier, longer one
        if int(left.stem.partition("-")[2]) >= part:
            left.unlink()
    return done
