"""Progress bars of long work on standard error: rows a second and time left, and nothing where nobody looks."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
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
        MofNCompleteColumn(),
        RateColumn(),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, speed_estimate_period=10) as bars:
        task = bars.add_task(title, total=total)
        yield Bar(bars, task)
        if not console.is_terminal:
            state = bars.tasks[0]
            print(f"{title}: {state.completed:,.0f} in {state.elapsed or 0:.1f} s", file=sys.stderr)
