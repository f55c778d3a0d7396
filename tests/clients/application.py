"""The intake as an ASGI application, for the process that the SDKs send to.

It is the product's intake and nothing else, with one addition: ``POST /_trouble/429/2`` puts it under real pressure for the
next two requests, and ``/_trouble/503/2`` takes its database away, so that the SDKs' own retries can be watched.
"""

import os
from typing import Any

import django

django.setup()

import psycopg  # noqa: E402  Django first

from stamgast.activities import intake  # noqa: E402
from stamgast.activities.directory import Directory  # noqa: E402
from stamgast.activities.protocol import Intake, Limits  # noqa: E402
from stamgast.activities.writer import Writer  # noqa: E402
from stamgast.kit.clock import utc_now  # noqa: E402

trouble: dict[str, Any] = {"status": None, "times": 0, "seen": 0}
_troubled: dict[str, Intake] = {}


def _connect_to_nothing() -> Any:
    raise psycopg.OperationalError("there is no database here")


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await _live(receive, send)
    elif scope["path"].startswith("/_trouble/"):
        _, _, status, times = scope["path"].split("/")
        trouble.update(status=status, times=int(times), seen=0)
        await _answer(send, b"ok")
    elif scope["path"] == "/_seen":
        await _answer(send, str(trouble["seen"]).encode())
    elif scope["method"] == "POST" and intake.is_intake_path(scope["path"]) and trouble["times"] > 0:
        trouble["times"] -= 1
        trouble["seen"] += 1
        await _troubled[trouble["status"]](scope, receive, send)
    else:
        await intake.application(scope, receive, send)


async def _live(receive: Any, send: Any) -> None:
    while True:
        event = await receive()
        if event["type"] == "lifespan.startup":
            await intake.startup()
            connect = intake._connect
            directory = Directory(connect, currency="EUR", region="NL")
            under_pressure = Limits(queued_messages=0)
            without_database = Writer(_connect_to_nothing, patience_seconds=0.05)
            _troubled["429"] = Intake(directory, Writer(connect), now=utc_now, limits=under_pressure)
            _troubled["503"] = Intake(directory, without_database, now=utc_now)
            without_database.start()
            await send({"type": "lifespan.startup.complete"})
        elif event["type"] == "lifespan.shutdown":
            await intake.shutdown()
            await send({"type": "lifespan.shutdown.complete"})
            os._exit(0)


async def _answer(send: Any, body: bytes) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": body})
