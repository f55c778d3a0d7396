"""``stamgast programme``: documents that say what activities are worth."""

from datetime import UTC, datetime
from pathlib import Path

import click

from stamgast.cli.setting_up import ACTOR, database
from stamgast.kit.clock import utc_now
from stamgast.kit.progress import progress

FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("programme")
def command() -> None:
    """Check and publish programme documents."""


@command.command("check")
@click.argument("file", type=FILE)
def check(file: Path) -> None:
    """Say whether a document is a programme, and what is wrong with it line by line."""
    from stamgast.programmes.documents import load

    document = load(_read(file))
    click.echo(f"{file}: programme {document.programme!r} is sound.")


@command.command("publish")
@click.argument("file", type=FILE)
@click.option(
    "--effective-from",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]),
    help="From when it is in force, in UTC unless it says otherwise. Left out: from now on.",
)
@click.option("--reason", default="published from the command line", show_default=True, help="Why, for the record.")
def publish(file: Path, effective_from: datetime | None, reason: str) -> None:
    """Put a document in force; activities since then are decided again and the difference is posted."""
    text = _read(file)
    at = utc_now()
    since = at if effective_from is None else effective_from if effective_from.tzinfo else effective_from.replace(tzinfo=UTC)
    with database("programme publish"), progress("Deciding again") as bar:
        from stamgast.flows.publish import publish_programme

        version = publish_programme(text, effective_from=since, at=at, actor=ACTOR, reason=reason, progress=bar.reach)
    click.echo(f"Version {version.version} of {version.programme!r} is in force from {version.effective_from.isoformat()}.")


def _read(file: Path) -> str:
    content = file.read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        from stamgast.programmes.errors import InvalidProgramme

        line = content[: error.start].count(b"\n") + 1
        raise InvalidProgramme(f"{file} is not text in UTF-8: see line {line}. Save it as UTF-8.") from None
