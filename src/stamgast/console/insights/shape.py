"""What every page of insights is made of, so that one template shows them all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from stamgast.console import reader
from stamgast.console.home_words import Card


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table: its text, the value that a CSV gets, whose address is behind it, and what to note about it."""

    text: str
    value: Any
    behind: str = ""
    note: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows behind a chart. The first cell of a row is its name."""

    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """One chart: what it says in a title, in a note and to those who cannot see it, and the table behind it.

    Without anything to draw the specification is empty; where only the table was meant, ``is_table`` says so.
    """

    name: str
    title: str
    note: str
    summary: str
    spec: Mapping[str, Any]
    table: Table
    is_table: bool = False

    @property
    def spec_id(self) -> str:
        """Where the page keeps the specification for the browser."""
        return f"{self.name}-spec"


@dataclass(frozen=True, slots=True)
class Page:
    """A page: a sentence with the number, the figures that decide, pictures, and what must be known to read them."""

    title: str
    lead: str
    cards: tuple[Card, ...]
    pictures: tuple[Picture, ...]
    notes: tuple[str, ...] = field(default=())


def counted_card(
    label: str, now: int, before: int | None, definition: str, behind: str, *, is_better: bool | None = None
) -> Card:
    """A number that was counted and not estimated, beside the one before. ``is_better`` says whether more is good news."""
    if before is None:
        return Card(label, reader.number(now), _("no period before to compare with"), "", "", "", definition, behind)
    more = now - before
    if not more:
        return Card(label, reader.number(now), _("the same as before"), "", "", "", definition, behind)
    words = {"change": reader.number(abs(more)), "before": reader.number(before)}
    change = (
        _("%(change)s more than the %(before)s before") if more > 0 else _("%(change)s fewer than the %(before)s before")
    ) % words
    tone = "" if is_better is None else "sg-good" if is_better == (more > 0) else "sg-bad"
    return Card(
        label, reader.number(now), change, tone, "arrow-up-right" if more > 0 else "arrow-down-right", "", definition, behind
    )


def number_cell(value: int | None, behind: str = "") -> Cell:
    """A count."""
    return Cell(reader.number(value), "" if value is None else value, behind if value else "")


def share_cell(value: float | None, behind: str = "", note: str = "", tone: str = "") -> Cell:
    """A share."""
    return Cell(reader.percent(value), "" if value is None else round(value, 6), behind if value else "", note, tone)


def between(low: float | None, high: float | None) -> str:
    """The interval of a share, short enough for a table."""
    if low is None or high is None:
        return reader.NOTHING
    return f"{reader.number(low * 100, 1)} \N{EN DASH} {reader.percent(high)}"
