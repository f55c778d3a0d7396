"""``stamgast import``: files of activities, by a mapping, stopped and gone on with as one likes."""

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stamgast.cli.setting_up import ACTOR, database
from stamgast.kit.clock import utc_now
from stamgast.kit.progress import progress

if TYPE_CHECKING:
    from stamgast.activities.importers.running import Outcome

STOPPED = 130  # what a shell says of a command that Ctrl-C ended


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False), metavar="FILE…")
@click.option(
    "--mapping", "mapping_path", required=True, type=click.Path(path_type=Path, dir_okay=False), help="YAML: docs/import.md"
)
@click.option("--source", help="The source that the activities come from, instead of the mapping's.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(files: tuple[Path, ...], mapping_path: Path, source: str | None, as_json: bool) -> None:
    """Import activities from CSV or Parquet files. The same file twice adds nothing; a stopped import goes on."""
    from stamgast.activities.importers.errors import InvalidMapping
    from stamgast.activities.importers.mapping import read_mapping

    try:
        mapping = read_mapping(mapping_path.read_text("utf-8"), name=str(mapping_path))
    except UnicodeError:
        raise InvalidMapping(f"{mapping_path} is not UTF-8. Save it as UTF-8.") from None
    with database("import") as configuration, stopping() as stop:
        from stamgast.activities.importers.running import Edges, import_file
        from stamgast.activities.queries import load_reader
        from stamgast.kit.database import open_cursor, transaction

        with open_cursor() as cursor:
            reader = load_reader(cursor, currency=configuration.currency, timezone=configuration.timezone)
        outcomes = []
        for path in files:
            began = time.monotonic()
            with progress(path.name) as bar:
                edges = Edges(transaction, utc_now, ACTOR, report=bar.reach, should_stop=stop.is_set)
                outcome = import_file(path, mapping, source_name=source, reader=reader, edges=edges)
            outcomes.append(_as_json(outcome, time.monotonic() - began))
            if not as_json:
                click.echo(sentence(outcome))
            if stop.is_set():
                break
    if as_json:
        click.echo(json.dumps({"files": outcomes}))
    if stop.is_set() and not all(outcome["is_finished"] for outcome in outcomes):
        click.echo("Stopped. The same command goes on where this one stopped.", err=True)
        raise SystemExit(STOPPED)


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """Set by the first Ctrl-C or SIGTERM, so that what is under way is finished; the second ends at once."""
    stop = threading.Event()

    def ask(number: int, frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def sentence(outcome: "Outcome") -> str:
    """What an import came to, for a person."""
    counts = (
        f"{outcome.activities_new:,} new activities, {outcome.activities_repeated:,} known before, from {outcome.rows:,} rows"
    )
    if outcome.was_finished:
        text = f"{outcome.file}: imported before; nothing to do ({counts})."
    elif outcome.is_finished:
        text = f"{outcome.file}: {counts}."
    else:
        text = f"{outcome.file}: {counts} so far."
    if outcome.rejects is not None:
        text += f"\n  {outcome.rows_rejected:,} rows were rejected: {outcome.rejects} says which and why."
        text += "".join(f"\n  {rows:,} × {reason}" for reason, rows in outcome.reasons)
    return text


def _as_json(outcome: "Outcome", seconds: float) -> dict[str, Any]:
    return {
        "file": str(outcome.file),
        "source": outcome.source,
        "is_finished": outcome.is_finished,
        "was_finished": outcome.was_finished,
        "rows": outcome.rows,
        "activities_new": outcome.activities_new,
        "activities_repeated": outcome.activities_repeated,
        "rows_rejected": outcome.rows_rejected,
        "rejects": str(outcome.rejects) if outcome.rejects else None,
        "seconds": round(seconds, 3),
    }
