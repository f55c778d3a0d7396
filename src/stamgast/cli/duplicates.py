"""``stamgast duplicates``: customers who are likely one person."""

import json

import click

from stamgast.cli.import_ import STOPPED, stopping
from stamgast.cli.setting_up import ACTOR, database
from stamgast.kit.clock import utc_now
from stamgast.kit.progress import progress


@click.group("duplicates")
def command() -> None:
    """Customers who are likely one person."""


@command.command("find")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def find(as_json: bool) -> None:
    """Look through all customers and propose who is likely one person, for people to decide. A stopped search goes on."""
    with database("duplicates find") as configuration, stopping() as stop:
        from stamgast.activities.queries import country_of
        from stamgast.flows.find_duplicates import find_duplicates

        with progress("Parts of the customers") as bar:
            outcome = find_duplicates(
                clock=utc_now,
                actor=ACTOR,
                region=country_of(configuration.timezone),
                progress=lambda done, total: bar.reach(done, total or None),
                should_stop=stop.is_set,
            )
    if as_json:
        figures = {
            "customers": outcome.customers,
            "found": outcome.found,
            "closed": outcome.closed,
            "is_finished": outcome.is_finished,
            "left_out": dict(outcome.left_out),
        }
        click.echo(json.dumps(figures))
    elif outcome.is_finished:
        click.echo(
            f"{outcome.found:,} pairs of {outcome.customers:,} customers are likely one person each. "
            f"{outcome.closed:,} earlier proposals no longer are."
        )
        for block, count in outcome.left_out:
            click.echo(f"Not compared by {block}: {count:,} customers, because too many share it. Other keys may find them.")
    if not outcome.is_finished:
        click.echo("Stopped. The same command, or the worker, goes on where this one stopped.", err=True)
        raise SystemExit(STOPPED)
