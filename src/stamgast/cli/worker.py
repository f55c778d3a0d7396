"""``stamgast worker``: decides what came in, expires what is due."""

import signal
import threading

import click

from stamgast.cli.children import end_with, leave
from stamgast.cli.setting_up import adopt_shop, check_server, read_settings, require_migrated, set_up_django


@click.command("worker")
@click.option("--under", type=int, hidden=True, help="The supervisor's process id; this one ends when that one does.")
def command(under: int | None) -> None:
    """Start one worker process. Several may run side by side."""
    configuration = read_settings(shares_metrics=True)
    end_with(under)
    check_server(configuration)
    adopt_shop(configuration)
    set_up_django()
    require_migrated()
    from stamgast.flows import work
    from stamgast.kit.database import act_as_application

    act_as_application()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    work.run(stop)
    leave()
