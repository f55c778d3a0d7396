"""``stamgast demo``: a year of a real chain, from its files to a console that one can sign in to."""

import contextlib
import json
import os
import time
from collections.abc import Callable

import click
import platformdirs

from stamgast.cli import serve
from stamgast.cli.import_ import STOPPED, stopping
from stamgast.cli.setting_up import database, read_settings
from stamgast.kit.clock import utc_now
from stamgast.kit.configuration import Configuration
from stamgast.kit.progress import progress, step

ACTOR = "demo"
FOLDER = "demo"


@click.command("demo")
@click.option("--no-serve", is_flag=True, help="Load, decide and measure only; the last line printed is one JSON object.")
def command(no_serve: bool) -> None:
    """Load a year of a real chain's purchases and look around. Running it again changes nothing.

    It has a data folder of its own; STAMGAST_DATA names another.
    """
    began = time.monotonic()
    _choose_settings()
    if not no_serve:
        serve.require_room(read_settings())
    with contextlib.ExitStack() as stack:
        with step("Starting the database"):
            configuration = stack.enter_context(database("demo"))
        stop = stack.enter_context(stopping())
        password = _load(configuration, stop.is_set)
        if stop.is_set():
            click.echo("Stopped. The same command goes on where this one stopped.", err=True)
            raise SystemExit(STOPPED)
        with step("Measuring"):
            figures = _measure(configuration)
        figures["seconds"] = round(time.monotonic() - began, 1)
    if no_serve:
        click.echo(json.dumps(figures))
        return
    serve.run(_greeting(figures, password))


def _choose_settings() -> None:
    """The shop of the data: dollars, and a clock on which the days of the data are days."""
    os.environ.setdefault("STAMGAST_DATA", str(platformdirs.user_data_path("stamgast-demo")))
    os.environ.setdefault("STAMGAST_DEMO", "1")
    os.environ["STAMGAST_CURRENCY"] = "USD"
    os.environ["STAMGAST_TIMEZONE"] = "UTC"
    os.environ.setdefault("STAMGAST_LOG_LEVEL", "warning")  # a line for each request would bury the sign-in


def _load(configuration: Configuration, should_stop: Callable[[], bool]) -> str:
    """Everything up to the lake; the password of the demo's person."""
    from stamgast.activities.queries import count_pending, list_sources
    from stamgast.demo.errors import NotTheDemo
    from stamgast.demo.load import load
    from stamgast.demo.prepare import SHIFT_FILE, prepare
    from stamgast.demo.sign_in import ensure_staff
    from stamgast.flows import export_lake, work
    from stamgast.kit.database import open_cursor

    folder = configuration.data / FOLDER
    with open_cursor() as cursor:
        if list_sources(cursor, since=utc_now()) and not (folder / SHIFT_FILE).exists():
            raise NotTheDemo(f"{configuration.data} holds data that is not the demo's. Name another folder in STAMGAST_DATA.")
    with step("Preparing the files"):
        prepared = prepare(folder, utc_now().date())
    load(
        prepared,
        currency=configuration.currency,
        timezone=configuration.timezone,
        now=utc_now,
        folder=folder,
        should_stop=should_stop,
    )
    if not should_stop():
        with open_cursor() as cursor:
            waiting = count_pending(cursor)
        with progress("Deciding", waiting) as bar:
            work.drain(bar.reach, should_stop)
        with step("Writing the lake"):
            export_lake.export(at=utc_now())
    return ensure_staff(folder, at=utc_now(), actor=ACTOR)


def _measure(configuration: Configuration) -> dict[str, object]:
    from stamgast.demo.summary import summarise
    from stamgast.kit.database import open_cursor
    from stamgast.lake.reading import open_lake

    with open_cursor() as cursor:
        return summarise(
            cursor,
            open_lake(configuration.data / "lake"),
            currency=configuration.currency,
            zone=configuration.timezone,
        )


def _greeting(figures: dict[str, object], password: str) -> str:
    from stamgast.demo.sign_in import EMAIL

    return (
        f"\n{figures['customers']:,} customers, {figures['orders']:,} orders, {figures['loyal_customers']:,} loyal customers, "
        f"in {figures['seconds']} s.\n\nSign in with\n  e-mail    {EMAIL}\n  password  {password}\n\n"
    )
