"""``stamgast backup``: everything that the installation keeps, in one file, while it runs."""

import json
import os
import subprocess
import tempfile
from datetime import datetime
from pathlib import Path

import click

from stamgast.backups.errors import BackupDamaged
from stamgast.backups.types import Description
from stamgast.cli.children import command_line
from stamgast.cli.setting_up import database, url_of
from stamgast.kit.clock import utc_now
from stamgast.kit.configuration import SETTINGS, Configuration
from stamgast.kit.progress import progress

KB = 1_000
KEPT_BY_THE_SHOP = frozenset(("STAMGAST_SECRET_KEY", "STAMGAST_SECRET_KEY_FALLBACKS", "STAMGAST_DATABASE_URL", "STAMGAST_DATA"))
"""Secrets, and where things are: a backup has neither."""


@click.command("backup")
@click.option("--to", type=click.Path(path_type=Path), help="A file, or a folder for a file named after the moment.")
@click.option("--check", "is_checked", is_flag=True, help="Restore it into a server of its own, and audit that.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(to: Path | None, is_checked: bool, as_json: bool) -> None:
    """Copy the database and the lake into one file. Everything goes on meanwhile; keep the secret apart."""
    with database("backup") as configuration:
        from stamgast.backups.making import back_up

        at = utc_now()
        path = _target(to or configuration.data / "backups", at)
        with progress("Backup (kB)") as bar:
            description = back_up(
                url_of(configuration),
                configuration.data / "lake",
                path,
                settings=_settings(configuration),
                secret=configuration.secret_key,
                at=at,
                progress=lambda what, done, total: bar.reach(done // KB, None),
            )
    if is_checked:
        check(path, configuration.data)
    if as_json:
        click.echo(json.dumps({"file": str(path), "is_checked": is_checked, **summary(description)}))
    else:
        click.echo(f"{path} is made{', restored elsewhere and audited' if is_checked else ''}: {sentence(description)}.")


def check(path: Path, data: Path) -> None:
    """Restores the backup into a server of its own and audits that; raises BackupDamaged unless all of it is right."""
    with tempfile.TemporaryDirectory(prefix=".check-", dir=data) as folder:
        environment = {name: value for name, value in os.environ.items() if name != "STAMGAST_DATABASE_URL"}
        environment["STAMGAST_DATA"] = folder
        for arguments in (("restore", str(path)), ("audit",)):
            done = subprocess.run(command_line(*arguments), env=environment, stdout=subprocess.PIPE, text=True, check=False)
            if done.returncode:
                raise BackupDamaged(f"{path} did not stand its check: see above. {done.stdout.strip()[-500:]}".rstrip())


def summary(description: Description) -> dict[str, object]:
    """What is in a backup, for a script."""
    return {
        "made_at": description.made_at.isoformat(),
        "version": description.version,
        "bytes": description.size,
        "activities": description.rows.get("activities_activity", 0),
        "movements": description.rows.get("ledger_movement", 0),
        "customers": description.rows.get("customers_customer", 0),
    }


def sentence(description: Description) -> str:
    """The same for a person."""
    found = summary(description)
    return (
        f"{found['activities']:,} activities, {found['movements']:,} movements and {found['customers']:,} customers "
        f"of {description.made_at:%Y-%m-%d %H:%M} UTC, {description.size / 1_000_000:,.1f} MB"
    )


def _target(to: Path, at: datetime) -> Path:
    if to.suffix and not to.is_dir():
        to.parent.mkdir(parents=True, exist_ok=True)
        return to.absolute()
    to.mkdir(parents=True, exist_ok=True)
    return (to / f"stamgast-{at:%Y%m%dT%H%M%SZ}.tar").absolute()


def _settings(configuration: Configuration) -> dict[str, str]:
    given = {name: os.environ[name] for name in SETTINGS if name in os.environ and name not in KEPT_BY_THE_SHOP}
    return given | {"STAMGAST_TIMEZONE": configuration.timezone, "STAMGAST_CURRENCY": configuration.currency}
