"""What a command needs before it works: settings, logs, a database that answers and is of this version, Django."""

import contextlib
import os
import time
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog

from stamgast.kit.clock import utc_now
from stamgast.kit.configuration import Configuration, read_configuration
from stamgast.kit.embedded import check_version, running_server
from stamgast.kit.errors import Kind, StamgastError
from stamgast.kit.garbage import settle

if TYPE_CHECKING:
    from stamgast.activities.shop import Shop

log = structlog.get_logger(__name__)
ACTOR = "cli"
SECONDS_BETWEEN_TRIES = 0.1
MIGRATION_LOCK = 0x5374616D67617374  # one process at a time migrates, whichever machine it is on


class NotMigrated(StamgastError):
    """The tables are not those of this version."""

    code = "not_migrated"
    kind = Kind.CONFLICT


def read_settings(*, shares_metrics: bool = False) -> Configuration:
    """The configuration, with logs set up. A process that counts for ``/metrics`` names the folder for it first."""
    configuration = read_configuration(os.environ)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stamgast.settings")
    if shares_metrics:
        from stamgast.kit.metric_files import share_through

        share_through(configuration.data / "metrics")
    from stamgast.kit.logs import configure

    configure(configuration.log_level)
    return configuration


@contextlib.contextmanager
def database(name: str, *, level: str | None = None) -> Iterator[Configuration]:
    """For the duration of a command ``name``: the database answers, is migrated, and Django is set up.

    An embedded database is brought to this version; another is its owner's to migrate.
    """
    configuration = read_settings()
    from stamgast.kit.logs import configure

    configure(level or "warning")
    with running_server(configuration.data, f"stamgast {name}") if configuration.is_embedded else contextlib.nullcontext():
        check_server(configuration)
        configuration = adopt_shop(configuration)
        set_up_django()
        if pending_migrations():
            if not configuration.is_embedded:
                raise NotMigrated("The database is not of this version. Run: stamgast migrate")
            prepare(configuration, at=utc_now())
        try:
            yield configuration
        finally:
            close_connections()


def adopt_shop(configuration: Configuration) -> Configuration:
    """The configuration with the zone and the currency of the data, where the environment names none; before Django.

    What the environment names holds, and the log says where it is not the data's.
    """
    from stamgast.activities.shop import read_shop

    shop = read_shop(url_of(configuration))
    if shop is None:
        return configuration
    for name, (of_data, here) in differing(configuration, shop).items():
        if os.environ.get(name):
            log.warning("setting_is_not_the_datas", setting=name, here=here, data=of_data)
        else:
            os.environ[name] = of_data
    return read_configuration(os.environ)


def differing(configuration: Configuration, shop: "Shop") -> dict[str, tuple[str, str]]:
    """Settings that are otherwise than the data was installed with: what they were then, and what they are here."""
    both = {
        "STAMGAST_TIMEZONE": (shop.timezone, configuration.timezone),
        "STAMGAST_CURRENCY": (shop.currency, configuration.currency),
    }
    return {name: pair for name, pair in both.items() if pair[0] != pair[1]}


def check_server(configuration: Configuration) -> str:
    """The version of the server; raises DatabaseUnavailable when it is silent or too old."""
    return check_version(url_of(configuration))


def url_of(configuration: Configuration) -> str:
    """The address of the database, as libpq reads it."""
    from psycopg.conninfo import make_conninfo

    place = configuration.database
    return make_conninfo(
        "",
        dbname=place["NAME"],
        user=place["USER"] or None,
        password=place["PASSWORD"] or None,
        host=place["HOST"] or None,
        port=place["PORT"] or None,
        **place["OPTIONS"],
    )


def set_up_django() -> None:
    """Loads the rooms. After this, and not before, they may be imported."""
    import django

    django.setup()
    settle()


def pending_migrations() -> list[str]:
    """Names of the migrations that the database has not had."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    return [str(migration) for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]


def prepare(configuration: Configuration, *, at: datetime) -> int:
    """Migrates, installs what a fresh database begins with, and seals with the present secret what a former one sealed.

    Twice is once; two at a time take turns. Counts migrations.
    """
    from django.core.management import call_command
    from django.db import connection

    from stamgast.flows.install import install
    from stamgast.flows.renew_seals import renew_seals

    with connection.cursor() as cursor:
        # Asked for again and again, because an index that is made CONCURRENTLY waits for every statement that began before it,
        # and so for one that waits for this lock.
        while not _is_first(cursor):
            time.sleep(SECONDS_BETWEEN_TRIES)
        try:
            pending = len(pending_migrations())
            if pending:
                call_command("migrate", verbosity=0, interactive=False)
            install(timezone=configuration.timezone, at=at, actor="install")
            _keep_shop(configuration, at)
            renew_seals([configuration.secret_key, *configuration.secret_key_fallbacks], at=at, actor="install")
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", (MIGRATION_LOCK,))
    return pending


def _is_first(cursor: Any) -> bool:
    cursor.execute("SELECT pg_try_advisory_lock(%s)", (MIGRATION_LOCK,))
    return bool(cursor.fetchone()[0])


def _keep_shop(configuration: Configuration, at: datetime) -> None:
    """Notes what the data is installed with; of data from before this was noted, what it shows where nothing is named."""
    from stamgast.activities.shop import Shop, find_currency, keep_shop
    from stamgast.kit.database import transaction
    from stamgast.programmes.queries import find_programme

    with transaction() as cursor:
        known = find_programme(cursor)
        zone, currency = os.environ.get("STAMGAST_TIMEZONE"), os.environ.get("STAMGAST_CURRENCY")
        timezone = configuration.timezone if zone or known is None else known.timezone
        keep_shop(cursor, Shop(timezone, currency or find_currency(cursor) or configuration.currency), at=at)


def require_migrated() -> None:
    """Raises NotMigrated when a process of this version would meet tables of another."""
    if pending_migrations():
        raise NotMigrated("The database is not of this version. Run: stamgast migrate")
    close_connections()


def close_connections() -> None:
    """Gives the connections of this process back."""
    from django.db import connections

    connections.close_all()
