"""``stamgast staff``: people who sign in to the console."""

import sys

import click

from stamgast.access.types import Role
from stamgast.cli.asking import AskingCommand
from stamgast.cli.setting_up import ACTOR, database
from stamgast.kit.clock import utc_now

ROLES = [role.value for role in Role]


def read_password(from_stdin: bool) -> str:
    """Typed twice at a terminal, or the first line of standard input."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise click.Abort  # getpass would warn that it shows what is typed, and nobody types
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


@click.group("staff")
def command() -> None:
    """People who sign in to the console."""


@command.command(
    "create",
    cls=AskingCommand,
    instead='echo "$PASSWORD" | stamgast staff create --email ada@example.org --name Ada --role owner --password-stdin',
)
@click.option("--email", prompt="E-mail", help="What they sign in with.")
@click.option("--name", prompt="Name", help="What colleagues see.")
@click.option("--role", type=click.Choice(ROLES), help="What they do here. The first person is an owner.")
@click.option("--language", type=click.Choice(["en", "nl"]), help="What they read, instead of what their browser asks for.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def create(email: str, name: str, role: str | None, language: str | None, password_stdin: bool) -> None:
    """Add a person who may sign in."""
    password = read_password(password_stdin)
    with database("staff create"):
        from stamgast.access.operations import create_staff
        from stamgast.kit.database import transaction

        with transaction() as cursor:
            member = create_staff(
                cursor, email=email, name=name, password=password, role=role, language=language or "", at=utc_now(), actor=ACTOR
            )
    click.echo(f"{member.name} may sign in as {member.email}, as {member.role}.")


@command.command(
    "password", cls=AskingCommand, instead='echo "$PASSWORD" | stamgast staff password --email ada@example.org --password-stdin'
)
@click.option("--email", prompt="E-mail", help="Whose password it is.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def password(email: str, password_stdin: bool) -> None:
    """Set a new password; the person is signed out everywhere."""
    new = read_password(password_stdin)
    with database("staff password"):
        from stamgast.access.operations import set_password
        from stamgast.kit.database import transaction

        with transaction() as cursor:
            member = set_password(cursor, email=email, password=new, at=utc_now(), actor=ACTOR)
    click.echo(f"{member.email} signs in with the new password from now on.")


@command.command("second-factor-off", cls=AskingCommand, instead="stamgast staff second-factor-off --email ada@example.org")
@click.option("--email", prompt="E-mail", help="Whose second factor it is.")
def second_factor_off(email: str) -> None:
    """For who lost the telephone and the recovery codes, where no owner is left to help."""
    with database("staff second-factor-off"):
        from stamgast.access.errors import StaffNotFound
        from stamgast.access.operations import turn_off
        from stamgast.access.queries import list_staff
        from stamgast.kit.database import transaction

        with transaction() as cursor:
            member = next((one for one in list_staff(cursor) if one.email == email.strip().casefold()), None)
            if member is None:
                raise StaffNotFound(f"Nobody signs in as {email[:80]}. `stamgast staff list` shows who does.")
            turn_off(cursor, member.id, at=utc_now(), actor=ACTOR)
    click.echo(f"{member.email} signs in with the password only.")


@command.command("list")
def list_all() -> None:
    """Show who may sign in."""
    with database("staff list"):
        from stamgast.access.queries import list_staff
        from stamgast.kit.database import open_cursor

        with open_cursor() as cursor:
            members = list_staff(cursor)
    for member in members:
        click.echo(f"{member.email}\t{member.name}\t{member.role}" + ("" if member.is_active else "\tmay not sign in"))
    if not members:
        click.echo("Nobody may sign in yet. `stamgast staff create` adds a person.")
