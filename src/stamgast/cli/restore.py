"""``stamgast restore``: a backup becomes the installation, or is only checked."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from stamgast.backups.types import Description
from stamgast.cli.backup import KB, check, sentence, summary
from stamgast.cli.setting_up import check_server, read_settings, set_up_django, url_of
from stamgast.kit.claims import Claim
from stamgast.kit.configuration import Configuration
from stamgast.kit.progress import Bar, progress


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--over", metavar="NAME", help="Replace what is there: the data folder, or the database of STAMGAST_DATABASE_URL."
)
@click.option(
    "--check", "is_only_checked", is_flag=True, help="Restore into a server of its own, audit that, and change nothing."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(file: Path, over: str | None, is_only_checked: bool, as_json: bool) -> None:
    """Put a backup back, after reading all of it. What is there is replaced only when you name it."""
    configuration = read_settings()
    from stamgast.kit.logs import configure

    configure("warning")
    file = file.absolute()
    if is_only_checked:
        from stamgast.backups.container import read_description

        description = read_description(file)
        configuration.data.mkdir(parents=True, exist_ok=True)
        check(file, configuration.data)
        notices = []
    else:
        description = _restore(configuration, file, over)
        notices = list(_differences(configuration, description))
    if as_json:
        click.echo(json.dumps({"is_restored": not is_only_checked, "notices": notices, **summary(description)}))
        return
    click.echo(f"{'Checked' if is_only_checked else 'Restored'}: {sentence(description)}.")
    for notice in notices:
        click.echo(f"! {notice}")


def _restore(configuration: Configuration, file: Path, over: str | None) -> Description:
    from stamgast.backups.restoring import examine, restore_embedded, restore_external

    claim = Claim(configuration.data)
    if not claim.take("stamgast restore"):
        raise claim.refusal()
    try:
        with progress("Read (kB)") as bar:
            description = examine(file, _known_migrations(), _in_kilobytes(bar))
        with progress("Restore (kB)") as bar:
            tell = _in_kilobytes(bar)
            if configuration.is_embedded:
                restore_embedded(file, description, configuration.data, over=over, progress=tell)
            else:
                check_server(configuration)
                lake = configuration.data / "lake"
                restore_external(file, description, url_of(configuration), lake, over=over, progress=tell)
    finally:
        claim.release()
    return description


def _in_kilobytes(bar: Bar) -> Callable[[int], None]:
    """Tells the bar of bytes that come in pieces."""
    done = 0

    def tell(size: int) -> None:
        nonlocal done
        done += size
        bar.reach(done // KB)

    return tell


def _known_migrations() -> set[str]:
    """Those of this version, from its files: there is no database to ask."""
    set_up_django()
    from django.db.migrations.loader import MigrationLoader

    return {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}


def _differences(configuration: Configuration, description: Description) -> Iterator[str]:
    """What is not as it was, and what to do about it."""
    from stamgast.backups.making import mark_of

    if mark_of(configuration.secret_key) != description.secret_mark:
        yield (
            "The secret is another one than that of the backup, which is not in it: everybody signs in again, and what was "
            "sealed with it, such as second factors, cannot be opened. If you have the former secret, put it back (the file "
            "secret_key, or STAMGAST_SECRET_KEY)."
        )
    here = {"STAMGAST_TIMEZONE": configuration.timezone, "STAMGAST_CURRENCY": configuration.currency}
    for name, value in description.settings.items():
        if os.environ.get(name) and here.get(name, value) != value:  # what nobody names is taken from the data
            yield f"{name} was {value} and is {here[name]} here. Set it as it was, or amounts and days mean something else."
