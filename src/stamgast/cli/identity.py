"""``stamgast identity``: the rules of who is one customer, what others would do, and applying them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stamgast.cli.setting_up import ACTOR, database
from stamgast.kit.clock import utc_now
from stamgast.kit.progress import progress

if TYPE_CHECKING:
    from stamgast.customers.partition import Cost


@click.group("identity")
def command() -> None:
    """Rules of who is one customer: limits, priorities, blocked values, shared sources."""


@command.command("show")
def show() -> None:
    """Print the rules in force as a document that `set` and `cost` read."""
    with database("identity show"):
        from stamgast.customers.identity import get_identity_rules
        from stamgast.customers.ruleset import write_rules
        from stamgast.kit.database import open_cursor

        with open_cursor() as cursor:
            document = write_rules(get_identity_rules(cursor))
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


@command.command("cost")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def cost(path: Path, as_json: bool) -> None:
    """Say what the rules in a JSON file would make of all customers. Changes nothing."""
    with database("identity cost"):
        from stamgast.customers.ruleset import read_rules
        from stamgast.flows.apply_identity_rules import weigh_rules
        from stamgast.kit.database import open_cursor

        with open_cursor() as cursor:
            found = weigh_rules(cursor, read_rules(_document(path)))
    if as_json:
        click.echo(json.dumps(as_object(found)))
        return
    click.echo(
        f"{found.customers_before:,} customers would be {found.customers_after:,}: "
        f"{found.merging:,} merge, {found.coming_apart:,} come apart. The largest would be:"
    )
    for one in found.largest:
        click.echo(f"  {one.identifiers:,} identifiers of {one.customers:,} customers")


@command.command("set")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--reason", required=True, help="Why, for who asks later.")
def set_(path: Path, reason: str) -> None:
    """Put the rules in a JSON file in force. The worker, or `apply`, makes the customers of before follow."""
    with database("identity set"):
        from stamgast.flows.apply_identity_rules import put_in_force

        rules = put_in_force(_document(path), reason=reason, at=utc_now(), actor=ACTOR)
    click.echo(f"Version {rules.version} is in force for what comes in. `stamgast identity apply` shows the others following.")


@command.command("apply")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def apply(as_json: bool) -> None:
    """Make the customers of before follow the rules in force. Stopped, it goes on when called again."""
    with database("identity apply"), progress("Following") as bar:
        from stamgast.flows.apply_identity_rules import apply_identity_rules

        applied = apply_identity_rules(at=utc_now(), actor=ACTOR, progress=lambda step, done, total: bar.reach(done, total))
    click.echo(json.dumps({"moved": applied.moved}) if as_json else f"{applied.moved:,} customers moved.")


def as_object(found: "Cost") -> dict[str, Any]:
    """A cost for machines."""
    return {
        "customers_before": found.customers_before,
        "customers_after": found.customers_after,
        "merging": found.merging,
        "coming_apart": found.coming_apart,
        "largest": [{"identifiers": one.identifiers, "customers": one.customers} for one in found.largest],
    }


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text())
    except (ValueError, UnicodeDecodeError):
        document = None
    if not isinstance(document, dict):
        raise click.UsageError(f"{path.name} is not one JSON object. `stamgast identity show` prints one to begin with.")
    return document
