"""``stamgast export IDENTIFIER``: everything that is known of one person, in a zip."""

import json
from pathlib import Path

import click

from stamgast.cli.setting_up import ACTOR, database
from stamgast.kit.clock import utc_now


@click.command("export")
@click.argument("identifier")
@click.option("--to", "path", type=click.Path(path_type=Path), help="The file to write; else customer-ID.zip, here.")
@click.option("--language", type=click.Choice(["en", "nl"]), default="en", show_default=True, help="Of the page inside.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(identifier: str, path: Path | None, language: str, as_json: bool) -> None:
    """Write everything known of the customer of our id or of an identifier such as email:a@example.org."""
    with database("export") as configuration:
        from stamgast.activities.queries import country_of
        from stamgast.flows.export_person import export_person
        from stamgast.kit.database import transaction

        with transaction() as cursor:
            customer, content = export_person(
                cursor,
                identifier,
                at=utc_now(),
                actor=ACTOR,
                language=language,
                region=country_of(configuration.timezone),
            )
    file = path or Path(f"customer-{customer}.zip")
    file.touch(mode=0o600)
    file.write_bytes(content)
    if as_json:
        click.echo(json.dumps({"file": str(file), "bytes": len(content)}))
    else:
        click.echo(f"Everything that is known is in {file}: data.json for machines, index.html for people.")
