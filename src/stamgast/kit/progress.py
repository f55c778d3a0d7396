"""Progress of long work on standard error: bars with rows a second and time left, and steps that have no rows to count."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text


class Bar:
    """One bar. ``advance`` adds, ``reach`` sets; a total that turns out larger may be set on the way."""

    def __init__(self, progress: Progress, task: int) -> None:
        self._progress = progress
        self._task = progress.tasks[task].id

    def advance(self, rows: int = 1) -> None:
        """So many rows more are done."""
        self._progress.advance(self._task, rows)

    def reach(self, done: int, total: int | None = None) -> None:
        """So many rows are done of ``total``."""
        self._progress.update(self._task, completed=done, total=total)


class CountColumn(ProgressColumn):
    """Rows done of all rows; nothing before the first is known."""

    def render(self, task: Task) -> Text:
        if task.total is None and not task.completed:
            return Text("")
        of = "" if task.total is None else f" of {task.total:,.0f}"
        return Text(f"{task.completed:,.0f}{of}", style="progress.download")


class RateColumn(ProgressColumn):
    """Rows a second, over the last moments."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "", style="progress.data.speed")


@contextmanager
def progress(title: str, total: int | None = None) -> Iterator[Bar]:
    """A bar for the duration of the block. On a file or a pipe it says the title and the outcome, once each."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        CountColumn(),
        RateColumn(),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, speed_estimate_period=10) as bars:
        task = bars.add_task(title, total=total)
        yield Bar(bars, task)
        if not console.is_terminal:
            state = bars.tasks[0]
            print(f"{title}: {state.completed:,.0f} in {state.elapsed or 0:.1f} s", file=sys.stderr)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Says what is under way when there are no rows to count, and how long it took: no silence longer than a breath."""
    console = Console(stderr=True)
    began = time.monotonic()
    with console.status(f"{title}…"):
        yield
    console.print(f"{title}: {time.monotonic() - began:.1f} s", highlight=False)
