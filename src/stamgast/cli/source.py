"""``stamgast source``: systems that send activities, and their write keys."""

import json
from datetime import timedelta

import click

from stamgast.cli.setting_up import ACTOR, database
from stamgast.kit.clock import utc_now


@click.group("source")
def command() -> None:
    """Sources and their write keys."""


@command.command("create")
@click.argument("name")
@click.option("--strict", "is_strict", is_flag=True, help="Answer as RudderStack does, not as Segment does.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def create(name: str, is_strict: bool, as_json: bool) -> None:
    """Make a source; its write key is shown this once."""
    with database("source create"):
        from stamgast.activities.operations import create_source
        from stamgast.kit.database import transaction

        with transaction() as cursor:
            source, write_key = create_source(cursor, name, is_strict=is_strict, at=utc_now(), actor=ACTOR)
    if as_json:
        click.echo(json.dumps({"name": source.name, "is_strict": source.is_strict, "write_key": write_key}))
    else:
        click.echo(f"Source {source.name!r} may send with this write key, which is not shown again:\n\n  {write_key}\n")


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_all(as_json: bool) -> None:
    """Show the sources, when they were last heard, and how their keys end."""
    with database("source list"):
        from stamgast.activities.queries import list_sources
        from stamgast.kit.database import open_cursor

        with open_cursor() as cursor:
            summaries = list_sources(cursor, since=utc_now() - timedelta(days=1))
    rows = [
        {
            "name": summary.source.name,
            "is_strict": summary.source.is_strict,
            "last_received_at": summary.last_received_at.isoformat() if summary.last_received_at else None,
            "keys": [{"hint": key.hint, "is_revoked": key.revoked_at is not None} for key in summary.keys],
        }
        for summary in summaries
    ]
    if as_json:
        click.echo(json.dumps({"sources": rows}))
        return
    for summary in summaries:
        hints = ", ".join(f"…{key.hint}{' (revoked)' if key.revoked_at else ''}" for key in summary.keys) or "no key"
        heard = f"heard {summary.last_received_at:%Y-%m-%d %H:%M:%S} UTC" if summary.last_received_at else "never heard"
        click.echo(f"{summary.source.name}\t{heard}\t{hints}")
    if not summaries:
        click.echo("There is no source yet. `stamgast source create NAME` makes one.")


@command.command("rotate")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def rotate(name: str, as_json: bool) -> None:
    """Give a source a further write key; its former keys work until they are revoked in the console."""
    with database("source rotate"):
        from stamgast.activities.operations import rotate_key
        from stamgast.kit.database import transaction

        with transaction() as cursor:
            write_key = rotate_key(cursor, name, at=utc_now(), actor=ACTOR)
    if as_json:
        click.echo(json.dumps({"name": name, "write_key": write_key}))
    else:
        click.echo(f"Source {name!r} has a further write key, which is not shown again:\n\n  {write_key}\n")
