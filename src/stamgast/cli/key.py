"""``stamgast key``: API keys for scripts."""

import json

import click

from stamgast.access.rules import DEFAULT_LIMIT_PER_MINUTE
from stamgast.access.types import Scope
from stamgast.cli.setting_up import ACTOR, database
from stamgast.kit.clock import utc_now


@click.group("key")
def command() -> None:
    """API keys for scripts."""


@command.command("create")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    metavar="SCOPE",
    help=f"What the key may do; repeat it. One of: {', '.join(scope for scope in Scope if scope != '*')}; * is all.",
)
@click.option("--name", default="script", show_default=True, help="What the key is for.")
@click.option(
    "--by", metavar="EMAIL", help="Whose key it is, of those who sign in: then it is the same person where two are needed."
)
@click.option(
    "--limit", type=int, default=DEFAULT_LIMIT_PER_MINUTE, show_default=True, help="How many requests a minute it may send."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def create(scopes: tuple[str, ...], name: str, by: str | None, limit: int, as_json: bool) -> None:
    """Make an API key; it is shown this once."""
    with database("key create"):
        from stamgast.access.operations import create_key, get_actor
        from stamgast.kit.database import transaction

        with transaction() as cursor:
            maker = get_actor(cursor, by) if by is not None else None
            key, text = create_key(cursor, name, scopes, limit_per_minute=limit, maker=maker, at=utc_now(), actor=ACTOR)
    if as_json:
        made = {"id": str(key.id), "name": key.name, "scopes": list(key.scopes), "limit_per_minute": limit, "key": text}
        click.echo(json.dumps(made))
    else:
        click.echo(f"Key {key.name!r} may {', '.join(key.scopes)}. It is not shown again:\n\n  {text}\n")


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_all(as_json: bool) -> None:
    """Show the keys, what each may do and how it ends."""
    with database("key list"):
        from stamgast.access.queries import list_keys
        from stamgast.kit.database import open_cursor

        with open_cursor() as cursor:
            keys = list_keys(cursor)
    rows = [
        {
            "id": str(key.id),
            "name": key.name,
            "hint": key.hint,
            "scopes": list(key.scopes),
            "limit_per_minute": key.limit_per_minute,
            "last_used_at": key.last_used_at.isoformat() if key.last_used_at else None,
            "created_at": key.created_at.isoformat(),
            "created_by": key.created_by,
            "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
        }
        for key in keys
    ]
    if as_json:
        click.echo(json.dumps({"keys": rows}))
        return
    for key in keys:
        state = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else "in force"
        click.echo(f"…{key.hint}\t{key.name}\t{', '.join(key.scopes)}\t{state}")
    if not keys:
        click.echo("There is no key yet. `stamgast key create --scope customers:read` makes one.")


@command.command("revoke")
@click.argument("key")
def revoke(key: str) -> None:
    """Take a key out of force, by its id or its last four characters."""
    with database("key revoke"):
        from stamgast.access.operations import revoke_key
        from stamgast.kit.database import transaction

        with transaction() as cursor:
            revoked = revoke_key(cursor, key, at=utc_now(), actor=ACTOR)
    click.echo(f"Key {revoked.name!r} (…{revoked.hint}) is out of force.")
