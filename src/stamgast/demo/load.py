"""Imports the demo's files, as anybody would import their own."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from stamgast.activities.importers.mapping import read_mapping
from stamgast.activities.importers.running import Edges, Outcome, import_file
from stamgast.activities.queries import load_reader
from stamgast.demo.prepare import Prepared
from stamgast.kit.database import open_cursor, transaction
from stamgast.kit.progress import progress

ACTOR = "demo"


def load(
    prepared: Sequence[Prepared],
    *,
    currency: str,
    timezone: str,
    now: Callable[[], datetime],
    folder: Path,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[Outcome]:
    """What each file came to. Files that were imported before take no time; ``should_stop`` ends it after a transaction."""
    with open_cursor() as cursor:
        reader = load_reader(cursor, currency=currency, timezone=timezone)
    outcomes = []
    for one in prepared:
        if should_stop():
            break
        with progress(f"Importing {one.name}") as bar:
            edges = Edges(transaction, now, ACTOR, folder=folder, report=bar.reach, should_stop=should_stop)
            outcomes.append(
                import_file(one.file, read_mapping(one.mapping, name=one.name), source_name=None, reader=reader, edges=edges)
            )
    return outcomes
