"""``stamgast erase IDENTIFIER``: takes one person out of everything."""

import json

import click

from stamgast.cli.asking import AskingCommand
from stamgast.cli.setting_up import ACTOR, database
from stamgast.kit.clock import utc_now


@click.command("erase", cls=AskingCommand, instead="stamgast erase email:ada@example.org --yes")
@click.argument("identifier")
@click.option("--reason", default="", help="Why, for the receipt. Write nothing personal.")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask: it cannot be undone.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(identifier: str, reason: str, is_sure: bool, as_json: bool) -> None:
    """Erase the customer of our id or of an identifier such as email:a@example.org; print the receipt."""
    if not is_sure:
        click.confirm("This takes the person out of everything and cannot be undone. Go on?", abort=True, err=True)
    with database("erase") as configuration:
        from stamgast.activities.queries import country_of
        from stamgast.flows.erase import erase

        receipt = erase(identifier, reason=reason, at=utc_now(), actor=ACTOR, region=country_of(configuration.timezone))
    if as_json:
        shown = {"id": str(receipt.id), "customer_id": str(receipt.customer_id), "at": receipt.at.isoformat()}
        click.echo(json.dumps({**shown, "removed": dict(receipt.removed)}))
        return
    click.echo(f"Erased at {receipt.at:%Y-%m-%d %H:%M:%S} UTC. Receipt {receipt.id}:")
    for name, count in receipt.removed.items():
        click.echo(f"  {count:>8,} {name.replace('_', ' ')}")
    click.echo("The lake follows with the next export; its old files are gone an hour later.")
