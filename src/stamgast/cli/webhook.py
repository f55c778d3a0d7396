"""``stamgast webhook``: where events are sent, and which."""

import json
import secrets
from datetime import timedelta

import click

from stamgast.cli.setting_up import ACTOR, database
from stamgast.kit.clock import utc_now
from stamgast.webhooks.types import Endpoint, EventKind


@click.group("webhook")
def command() -> None:
    """Other systems that are told what happens here."""


@command.command("create")
@click.argument("url")
@click.option("--name", required=True, help="What people call the system that listens.")
@click.option(
    "--event",
    "kinds",
    multiple=True,
    type=click.Choice([kind.value for kind in EventKind]),
    help="What it is told; repeat it. Default: everything.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def create(url: str, name: str, kinds: tuple[str, ...], as_json: bool) -> None:
    """Tell the system at URL; its secret is shown this once."""
    with database("webhook create") as configuration:
        from stamgast.flows.deliver_webhooks import reach_of
        from stamgast.kit.database import transaction
        from stamgast.webhooks.operations import create_endpoint
        from stamgast.webhooks.rules import SECRET_BYTES

        with transaction() as cursor:
            endpoint, secret = create_endpoint(
                cursor,
                name=name,
                url=url,
                kinds=kinds or tuple(EventKind),
                reach=reach_of(configuration),
                random=secrets.token_bytes(SECRET_BYTES),
                at=utc_now(),
                actor=ACTOR,
            )
    if as_json:
        click.echo(json.dumps(_row(endpoint) | {"secret": secret}))
    else:
        click.echo(f"{endpoint.url} is told: {', '.join(endpoint.kinds)}. The secret is not shown again:\n\n  {secret}\n")


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_all(as_json: bool) -> None:
    """Show who is told, and how it went in the last day."""
    with database("webhook list"):
        from stamgast.kit.database import open_cursor
        from stamgast.webhooks.queries import summarise_endpoints

        with open_cursor() as cursor:
            summaries = summarise_endpoints(cursor, since=utc_now() - timedelta(days=1))
    if as_json:
        rows = [
            _row(one.endpoint) | {"waiting": one.waiting, "delivered": one.delivered, "failed": one.failed} for one in summaries
        ]
        click.echo(json.dumps({"webhooks": rows}))
        return
    for one in summaries:
        state = f"off ({one.endpoint.disabled_reason})" if one.endpoint.disabled_at else "on"
        counts = f"{one.waiting} waiting, {one.delivered} delivered, {one.failed} failed"
        click.echo(f"{one.endpoint.name}\t{state}\t{one.endpoint.url}\t{counts}")
    if not summaries:
        click.echo("Nobody is told anything yet. `stamgast webhook create URL --name NAME` makes a webhook.")


@command.command("delete")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def delete(name: str, as_json: bool) -> None:
    """Remove a webhook with its log. What waits for it is not sent."""
    with database("webhook delete"):
        from stamgast.kit.database import transaction
        from stamgast.webhooks.operations import delete_endpoint

        with transaction() as cursor:
            gone = delete_endpoint(cursor, name, at=utc_now(), actor=ACTOR)
    click.echo(json.dumps({"deleted": _row(gone)}) if as_json else f"{gone.url} is told nothing any more.")


def _row(endpoint: Endpoint) -> dict[str, object]:
    return {
        "id": str(endpoint.id),
        "name": endpoint.name,
        "url": endpoint.url,
        "events": list(endpoint.kinds),
        "created_at": endpoint.created_at.isoformat(),
        "disabled_at": endpoint.disabled_at.isoformat() if endpoint.disabled_at else None,
        "disabled_reason": endpoint.disabled_reason or None,
    }
