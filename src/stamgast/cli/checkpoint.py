"""``stamgast checkpoint``: a small signed file that says what the ledger holds, to be kept somewhere else."""

import json
from pathlib import Path

import click

from stamgast.cli.setting_up import ACTOR, database
from stamgast.kit.clock import utc_now


@click.command("checkpoint")
@click.argument("path", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--public-key", "as_key", is_flag=True, help="Print the public key, to be written down somewhere else.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(path: Path | None, as_key: bool, as_json: bool) -> None:
    """Write what the ledger holds to a signed file. `stamgast audit --against FILE` proves later that it still does."""
    if path is None and not as_key:
        raise click.UsageError("Name the file to write, or ask for the --public-key.")
    with database("checkpoint"):
        from stamgast.books.operations import open_signing_key
        from stamgast.flows.checkpoint import make_checkpoint
        from stamgast.kit.database import transaction

        now = utc_now()
        with transaction() as cursor:
            public = open_signing_key(cursor, at=now, actor=ACTOR).public_key().public_bytes_raw().hex()
        made = make_checkpoint(path, at=now, actor=ACTOR) if path else None
    if as_json:
        figures = {"sequence": made.sequence, "movements": made.movements} if made else {}
        click.echo(json.dumps({"public_key": public, **figures}))
        return
    if made:
        click.echo(f"{path}: {made.sequence:,} batches with {made.movements:,} movements. Keep it away from this machine.")
    if as_key:
        click.echo(public)
