"""The intake of this process, made from the settings: what ``stamgast.asgi`` mounts. The protocol itself is in ``protocol``."""

from typing import Any

import psycopg
from django.conf import settings

from stamgast.activities.directory import Directory
from stamgast.activities.protocol import Intake, Limits, Receive, Scope, Send, is_intake_path
from stamgast.activities.queries import country_of
from stamgast.activities.writer import Writer
from stamgast.kit.clock import utc_now
from stamgast.kit.database import connection_parameters

__all__ = ["application", "create_intake", "is_intake_path", "shutdown", "startup"]

CONNECT_SECONDS = 3
_running: list[Intake] = []


async def startup() -> None:
    """Starts the intake of this process, once."""
    if not _running:
        intake = create_intake()
        _running.append(intake)
        await intake.startup()


async def shutdown() -> None:
    """Commits what is queued and lets go of the database."""
    while _running:
        await _running.pop().shutdown()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers one request; a server without a lifespan starts the intake with its first."""
    if not _running:
        await startup()
    await _running[0](scope, receive, send)


def create_intake(*, limits: Limits | None = None) -> Intake:
    """An intake on this installation's database."""
    configuration = settings.CONFIGURATION
    directory = Directory(_connect, currency=configuration.currency, region=country_of(configuration.timezone))
    return Intake(directory, Writer(_connect), now=utc_now, limits=limits)


def _connect() -> psycopg.Connection[Any]:
    """A connection beside Django's, to the same database with the same rights, for the intake's own threads."""
    parameters = {"connect_timeout": CONNECT_SECONDS, "application_name": "stamgast-intake", **connection_parameters()}
    return psycopg.connect(**parameters, autocommit=True)
