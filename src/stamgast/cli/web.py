"""``stamgast web``: one process that takes in activities and serves the console and the API."""

import asyncio
import signal

import click

from stamgast.cli.children import end_with, leave
from stamgast.cli.setting_up import adopt_shop, check_server, read_settings, require_migrated, set_up_django
from stamgast.kit.logs import Asgi

STATIC_SECONDS = 365 * 86400  # the path holds a digest of what is in it
BACKLOG = 2048
AT_ONCE = 1024


@click.command("web")
@click.option("--under", type=int, hidden=True, help="The supervisor's process id; this one ends when that one does.")
def command(under: int | None) -> None:
    """Start one web process at STAMGAST_BIND. Several may share an address."""
    configuration = read_settings(shares_metrics=True)
    end_with(under)
    check_server(configuration)
    configuration = adopt_shop(configuration)
    set_up_django()
    require_migrated()
    from stamgast.asgi import create_application

    asyncio.run(_serve(create_application(), configuration.bind_host, configuration.bind_port))
    leave()


async def _serve(application: Asgi, host: str, port: int) -> None:
    from django.conf import settings
    from granian.constants import HTTPModes, Interfaces
    from granian.server.embed import Server

    server = Server(
        application,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        backlog=BACKLOG,
        backpressure=AT_ONCE,
        log_enabled=False,
        static_path_route=[settings.STATIC_URL.rstrip("/")],
        static_path_mount=[settings.STATIC_SOURCE],
        static_path_expires=STATIC_SECONDS,
    )
    loop = asyncio.get_running_loop()
    is_asked_to_stop = False

    def stop() -> None:
        nonlocal is_asked_to_stop
        is_asked_to_stop = True
        server.stop()  # type: ignore[no-untyped-call]

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    await server.serve()
    if not is_asked_to_stop:
        raise SystemExit(1)
