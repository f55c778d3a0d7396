"""``stamgast bench``: speeds, each against a baseline of the same minute. One JSON object on standard output with --json."""

import contextlib
import importlib
import json
import keyword
import os
import tempfile
from collections.abc import Iterator

import click

from stamgast.cli.setting_up import database

NAMES = (
    "intake",
    "ledger",
    "holds",
    "expiry",
    "score",
    "decide",
    "replay",
    "measures",
    "import",
    "profile",
    "pages",
    "identity",
    "duplicates",
)


@click.command("bench")
@click.argument("name", type=click.Choice(NAMES))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(name: str, as_json: bool) -> None:
    """Measure one speed, on an embedded server of its own unless STAMGAST_DATABASE_URL names another."""
    with scratch_folder(), database("bench"):
        bench = importlib.import_module(f"stamgast.bench.{name}{'_' if keyword.iskeyword(name) else ''}")
        figures = bench.run()
    if as_json:
        click.echo(json.dumps(figures))
        return
    for label, figure in figures.items():
        click.echo(f"{label:<28} {figure:,.3f}" if isinstance(figure, float) else f"{label:<28} {figure}")


@contextlib.contextmanager
def scratch_folder() -> Iterator[None]:
    """A data folder for this run only, so that measuring never touches a shop's data."""
    with tempfile.TemporaryDirectory(prefix="stamgast-bench-", ignore_cleanup_errors=True) as folder:
        before = os.environ.get("STAMGAST_DATA")
        os.environ["STAMGAST_DATA"] = folder
        try:
            yield
        finally:
            os.environ.pop("STAMGAST_DATA")
            if before is not None:
                os.environ["STAMGAST_DATA"] = before
