"""``stamgast migrate``: tables of this version, and what a fresh installation begins with."""

import contextlib

import click

from stamgast.cli.setting_up import adopt_shop, check_server, close_connections, prepare, read_settings, set_up_django
from stamgast.kit.clock import utc_now
from stamgast.kit.embedded import running_server


@click.command("migrate")
def command() -> None:
    """Bring the database to this version. Doing it again changes nothing."""
    configuration = read_settings()
    owned = running_server(configuration.data, "stamgast migrate") if configuration.is_embedded else contextlib.nullcontext()
    with owned:
        check_server(configuration)
        configuration = adopt_shop(configuration)
        set_up_django()
        count = prepare(configuration, at=utc_now())
        close_connections()
    click.echo(f"{count} migrations done." if count else "The database is of this version.")
