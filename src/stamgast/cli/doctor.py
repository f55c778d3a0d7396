"""``stamgast doctor``: looks at everything that can be wrong with an installation, and says how to mend it. Changes nothing."""

import contextlib
import difflib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import click

from stamgast.cli.refusals import refusal_of
from stamgast.cli.setting_up import (
    adopt_shop,
    check_server,
    close_connections,
    differing,
    pending_migrations,
    read_settings,
    set_up_django,
    url_of,
)
from stamgast.kit.claims import Claim
from stamgast.kit.clock import utc_now
from stamgast.kit.configuration import SETTINGS, Configuration, is_loopback
from stamgast.kit.embedded import running_server
from stamgast.kit.errors import StamgastError

GIB = 1024**3
LEAST_DISK_BYTES = 2 * GIB
LONGEST_CLOCK_ERROR_SECONDS = 5.0
LONGEST_LAG_SECONDS = 60.0
MARKS = {"well": "✓", "notice": "!", "wrong": "✗"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``state`` is well, notice or wrong; ``mend`` is what to do, empty when all is well."""

    name: str
    state: str
    found: str
    mend: str = ""


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(as_json: bool) -> None:
    """Say what is wrong and how to mend it. Exit code 1 when something is."""
    findings = list(examine())
    is_well = all(finding.state != "wrong" for finding in findings)
    if as_json:
        click.echo(json.dumps({"is_well": is_well, "findings": [asdict(finding) for finding in findings]}))
    else:
        for finding in findings:
            click.echo(f"{MARKS[finding.state]} {finding.name}: {finding.found}")
            if finding.mend:
                click.echo(f"    {finding.mend}")
    if not is_well:
        raise SystemExit(1)


def examine() -> Iterator[Finding]:
    """Everything, in the order in which one thing needs another; stops where the rest cannot be known."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", "well", version)
    yield from _unknown_settings()
    try:
        configuration = read_settings()
    except StamgastError as error:
        yield Finding("settings", "wrong", error.message, "Every setting is described in docs/settings.md.")
        return
    yield Finding("settings", "well", "all of them are understood")
    yield _secret(configuration)
    yield from _address(configuration)
    yield _data_folder(configuration)
    yield _disk(configuration)
    from stamgast.kit.logs import configure

    configure("error")
    try:
        with _server(configuration) as words:
            yield Finding("PostgreSQL", "well", f"{check_server(configuration)}, {words}")
            yield from _database(configuration)
    except Exception as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        yield Finding("PostgreSQL", "wrong", refusal.message, "docs/operation.md, When something is wrong.")


@contextlib.contextmanager
def _server(configuration: Configuration) -> Iterator[str]:
    if not configuration.is_embedded:
        yield "named by STAMGAST_DATABASE_URL"
        return
    claim = Claim(configuration.data)
    if claim.take("stamgast doctor"):
        claim.release()
        words = "embedded, started for this look only: nothing runs now"
    else:
        words = f"embedded, owned by {claim.holder()}"
    with running_server(configuration.data, "stamgast doctor"):
        yield words


def _unknown_settings() -> Iterator[Finding]:
    for name in sorted(os.environ):
        if name.startswith("STAMGAST_") and name not in SETTINGS:
            close = difflib.get_close_matches(name, SETTINGS, 1)
            yield Finding(
                "settings",
                "notice",
                f"{name} is not a setting and does nothing.",
                f"Did you mean {close[0]}?" if close else "Unset it; the settings are in docs/settings.md.",
            )


def _secret(configuration: Configuration) -> Finding:
    if os.environ.get("STAMGAST_SECRET_KEY"):
        return Finding("secret", "well", "from STAMGAST_SECRET_KEY")
    path = configuration.data / "secret_key"
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        return Finding("secret", "wrong", f"{path} can be read by others (mode {mode:o})", f"chmod 600 {path}")
    return Finding("secret", "well", f"in {path}")


def _address(configuration: Configuration) -> Iterator[Finding]:
    where = f"{configuration.bind_host}:{configuration.bind_port}"
    if is_loopback(configuration.bind_host):
        yield Finding("address", "well", f"{where}, for this machine only")
        return
    if not os.environ.get("STAMGAST_HOSTS"):
        yield Finding(
            "address",
            "wrong",
            f"{where} is open to others, but no name of it is known",
            "Set STAMGAST_HOSTS to the names that visitors use, such as loyalty.example.org.",
        )
    elif not configuration.is_https:
        yield Finding(
            "address",
            "notice",
            f"{where} is open to others without HTTPS: passwords and keys travel readable",
            "Put a proxy with TLS in front and set STAMGAST_HTTPS=1 (docs/operation.md).",
        )
    else:
        yield Finding("address", "well", f"{where}, behind HTTPS, as {', '.join(configuration.allowed_hosts)}")


def _data_folder(configuration: Configuration) -> Finding:
    folder = configuration.data
    if not folder.exists():
        return Finding("data folder", "notice", f"{folder} is not there yet", "The first start makes it.")
    if not os.access(folder, os.W_OK | os.X_OK):
        return Finding("data folder", "wrong", f"{folder} cannot be written", "Give yourself the right, or set STAMGAST_DATA.")
    return Finding("data folder", "well", str(folder))


def _disk(configuration: Configuration) -> Finding:
    folder = configuration.data
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    words = f"{free / GIB:,.1f} GiB free"
    if free < LEAST_DISK_BYTES:
        return Finding(
            "disk", "wrong", words, "Free some space, or move the folder and set STAMGAST_DATA. A full disk stops intake."
        )
    return Finding("disk", "well", words)


def _database(configuration: Configuration) -> Iterator[Finding]:
    import psycopg

    from stamgast.kit.database import APPLICATION_ROLE

    with psycopg.connect(url_of(configuration)) as connection:
        yield from _clock(connection)
        role = connection.execute(
            "SELECT pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = 'stamgast_app'"
        )
        row = role.fetchone()
    yield from _shop(configuration)
    adopt_shop(configuration)
    set_up_django()
    pending = pending_migrations()
    if pending:
        mend = "The next start does it." if configuration.is_embedded else "stamgast migrate"
        yield Finding("migrations", "notice" if configuration.is_embedded else "wrong", f"{len(pending)} not done", mend)
        close_connections()
        return
    yield Finding("migrations", "well", "all done")
    if row and row[0]:
        yield Finding("role", "well", f"web and worker run as {APPLICATION_ROLE}")
    else:
        who = configuration.database["USER"] or "the user of STAMGAST_DATABASE_URL"
        yield Finding(
            "role", "wrong", "web and worker cannot run as stamgast_app", f"As a superuser: GRANT stamgast_app TO {who}"
        )
    yield from _work()
    yield _assets()
    close_connections()


def _shop(configuration: Configuration) -> Iterator[Finding]:
    """The zone and the currency: those of the data, unless the environment names others."""
    from stamgast.activities.shop import read_shop

    shop = read_shop(url_of(configuration))
    if shop is None:
        words = f"zone {configuration.timezone}, currency {configuration.currency}"
        yield Finding("shop", "well", f"{words}: the first start keeps them with the data")
        return
    wrong = {name: pair for name, pair in differing(configuration, shop).items() if os.environ.get(name)}
    for name, (of_data, here) in wrong.items():
        mend = f"Unset {name}, or set it to {of_data}: otherwise days and amounts mean something else than they meant."
        yield Finding("shop", "wrong", f"{name} is {here}, and the data was installed with {of_data}", mend)
    if not wrong:
        yield Finding("shop", "well", f"zone {shop.timezone}, currency {shop.currency}, as the data was installed")


def _clock(connection: object) -> Iterator[Finding]:
    row = connection.execute("SELECT clock_timestamp()").fetchone()  # type: ignore[attr-defined]
    moment: datetime = row[0]
    error = abs((utc_now() - moment.astimezone(UTC)).total_seconds())
    if error > LONGEST_CLOCK_ERROR_SECONDS:
        yield Finding("clock", "wrong", f"differs {error:,.0f} s from the database's", "Let both machines keep time by NTP.")
    else:
        yield Finding("clock", "well", "agrees with the database's")


def _work() -> Iterator[Finding]:
    from stamgast.access.queries import count_sealed_by_former, list_staff
    from stamgast.activities.queries import count_pending, count_set_aside, find_oldest_pending
    from stamgast.activities.refusal_queries import count_refusals
    from stamgast.customers.identity import list_swallowers
    from stamgast.kit.database import open_cursor
    from stamgast.webhooks.queries import count_endpoints_sealed_by_former

    with open_cursor() as cursor:
        depth, oldest, refusals = count_pending(cursor), find_oldest_pending(cursor), count_refusals(cursor)
        swallowing = list_swallowers(cursor, limit=1)[0]
        members, aside = list_staff(cursor), count_set_aside(cursor)
        former = count_sealed_by_former(cursor) + count_endpoints_sealed_by_former(cursor)
    lag = max((utc_now() - oldest).total_seconds(), 0.0) if oldest else 0.0
    words = f"{depth:,} activities wait to be decided, the first for {lag:,.0f} s" if depth else "nothing waits to be decided"
    if lag > LONGEST_LAG_SECONDS:
        yield Finding("worker", "wrong", words, "See that `stamgast serve` or `stamgast worker` runs, and what its log says.")
    else:
        yield Finding("worker", "well", words)
    if aside:
        yield Finding(
            "set aside",
            "wrong",
            f"deciding broke on {aside:,} activities; the others went on",
            "Look for activity_set_aside in the worker's log. They are tried again when the worker starts.",
        )
    if refusals:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in refusals.items())
        yield Finding("refusals", "notice", f"{reasons}", "Correct them in the console, under Refusals; nothing is lost.")
    else:
        yield Finding("refusals", "well", "none waits")
    if swallowing:
        yield Finding(
            "identity",
            "notice",
            f"customers that hold suspiciously many identifiers: {swallowing:,}",
            "Look at them in the console, under Sources, Who is one customer: a till or a shared address may join many.",
        )
    else:
        yield Finding("identity", "well", "no customer holds suspiciously many identifiers")
    yield from _webhooks()
    if former:
        yield Finding(
            "secrets",
            "notice",
            f"{former:,} second factors or webhooks are sealed with a former secret",
            "Run: stamgast migrate. Until then leave STAMGAST_SECRET_KEY_FALLBACKS as it is.",
        )
    yield from _archive()
    if not any(member.is_active for member in members):
        yield Finding("staff", "notice", "nobody can sign in", "stamgast staff create")


def _webhooks() -> Iterator[Finding]:
    from stamgast.kit.database import open_cursor
    from stamgast.webhooks.queries import list_endpoints
    from stamgast.webhooks.types import WhyOff

    with open_cursor() as cursor:
        endpoints = list_endpoints(cursor)
    given_up = {WhyOff.GONE: "it answered 410, which says that it is gone", WhyOff.FAILING: "it only failed for five days"}
    for endpoint in endpoints:
        why = given_up.get(WhyOff(endpoint.disabled_reason)) if endpoint.disabled_at else None
        if why:
            mend = "When it works again, switch it on in the console, under Webhooks, and send again what failed."
            yield Finding("webhooks", "notice", f"{endpoint.name!r} was switched off: {why}", mend)
        elif endpoint.failing_since:
            since = f"{endpoint.failing_since:%Y-%m-%d %H:%M} UTC"
            found = f"{endpoint.name!r} fails since {since}"
            yield Finding("webhooks", "notice", found, "Its log is in the console, under Webhooks.")


def _archive() -> Iterator[Finding]:
    """Every file of the archive, read whole: what is in it is nowhere else."""
    from stamgast.activities.archive import archive_folder, find_damage, list_archive
    from stamgast.kit.database import open_cursor

    with open_cursor() as cursor:
        months = list_archive(cursor)
    damaged = [f"{month.month}: {damage}" for month in months if (damage := find_damage(month))]
    if damaged:
        mend = f"Put the folder {archive_folder()} back from a backup. Until then histories that need it are not decided."
        yield Finding("archive", "wrong", "; ".join(damaged), mend)
    elif months:
        rows = sum(month.rows for month in months)
        yield Finding(
            "archive", "well", f"{rows:,} messages, from {months[0].month} to {months[-1].month}, as they were written"
        )


def _assets() -> Finding:
    from django.conf import settings

    if any((settings.STATIC_SOURCE / "console" / "vendor").glob("*.css")):
        return Finding("console", "well", "its styles and scripts are built")
    return Finding(
        "console", "wrong", "its styles and scripts are not built", "In a checkout: make setup. Else install it again."
    )
