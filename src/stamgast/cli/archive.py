"""``stamgast archive``: messages of months long past go to the lake."""

import json
import signal
import threading

import click

from stamgast.cli.setting_up import database
from stamgast.kit.clock import utc_now
from stamgast.kit.configuration import InvalidConfiguration
from stamgast.kit.progress import progress


@click.command("archive")
@click.option("--keep", "keep_months", type=click.IntRange(1, 1200), help="Months that stay; else STAMGAST_KEEP_MONTHS.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(keep_months: int | None, as_json: bool) -> None:
    """Move old messages to the archive in the lake. Ctrl-C stops it after the transaction at hand; it goes on next time."""
    with database("archive") as configuration:
        from stamgast.flows.archive_months import archive_months

        months = keep_months or configuration.keep_months
        if months is None:
            raise InvalidConfiguration("How long messages stay was not said. Set STAMGAST_KEEP_MONTHS, or give --keep.")
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        with progress("Archive") as bar:
            done = archive_months(
                keep_months=months, at=utc_now(), progress=lambda month, rows: bar.advance(rows), should_stop=stop.is_set
            )
    if as_json:
        rows = [{"month": month.month, "messages": month.rows, "file": month.file} for month in done]
        click.echo(json.dumps({"is_stopped": stop.is_set(), "months": rows}))
        return
    for month in done:
        click.echo(f"{month.month}: {month.rows:,} messages, in the lake and no longer in PostgreSQL.")
    if not done:
        click.echo("Stopped; the same command goes on." if stop.is_set() else "There is nothing to archive.")
