"""Who came into a segment and who left it, over time: the chart and the table behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import altair as alt
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from stamgast.console import reader
from stamgast.console.charts import over, spec_of
from stamgast.console.home_words import BRICK, GREEN
from stamgast.console.insights.shape import Cell, Picture, Table, number_cell
from stamgast.insights.cohorts import start_after
from stamgast.insights.types import Period, Step
from stamgast.segments.types import Crossings

MOST_STEPS = 400
BESIDE = " "
"""The place beside the last bar, where the names stand."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A day, week or month as far as it is in the period; ``members`` is how many were in at its end."""

    first_day: date
    last_day: date
    entries: int
    exits: int
    members: int


def step_for(period: Period, asked: str) -> Step:
    """The step that was asked for, else the finest that reads as one picture; a coarser one where there were too many."""
    usual = Step.DAY if period.days <= 62 else Step.WEEK if period.days <= 400 else Step.MONTH
    step = Step(asked) if asked in set(Step) else usual
    if step is Step.DAY and period.days > MOST_STEPS:
        step = Step.WEEK
    return Step.MONTH if step is Step.WEEK and period.days > 7 * MOST_STEPS else step


def starts_of(period: Period, step: Step) -> list[date]:
    """The days on which its steps begin, and the first day after it.

    >>> [day.day for day in starts_of(Period(date(2026, 1, 7), date(2026, 1, 20)), Step.WEEK)]
    [7, 12, 19, 21]
    """
    starts = [period.first_day]
    while (following := _after(starts[-1], step)) <= period.last_day:
        starts.append(following)
    return [*starts, period.last_day + timedelta(days=1)]


def stretches_of(starts: Sequence[date], crossed: Sequence[Crossings], members: int) -> list[Stretch]:
    """Every step, the first first, from what crossed since each start. ``members`` is how many are in now.

    >>> days = [date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 3)]
    >>> [one.members for one in stretches_of(days, [Crossings(3, 1), Crossings(5, 0), Crossings(0, 2)], 9)]
    [6, 11]
    """
    members += crossed[-1].exits - crossed[-1].entries
    stretches: list[Stretch] = []
    for start, following, one in reversed(list(zip(starts, starts[1:], crossed, strict=False))):
        stretches.append(Stretch(start, following - timedelta(days=1), one.entries, one.exits, members))
        members += one.exits - one.entries
    return stretches[::-1]


def crossings_picture(stretches: Sequence[Stretch], step: Step, slug: str) -> Picture:
    """The picture, with a table whose last row is the first in time."""
    titles = {
        Step.DAY: _("Who came in and who left, by day"),
        Step.WEEK: _("Who came in and who left, by week"),
        Step.MONTH: _("Who came in and who left, by month"),
    }
    came, left = sum(one.entries for one in stretches), sum(one.exits for one in stretches)
    words = {"came": reader.number(came), "left": reader.number(left)}
    heads = (_("Period"), _("Came in"), _("Left"), _("Balance"), _("In it at the end"))
    return Picture(
        f"segment-{slug}",
        titles[step],
        _("by the day on which it happened, as we know it now"),
        _("%(came)s came in and %(left)s left.") % words,
        _draw(tuple(stretches), get_language() or "en") if came or left else {},
        Table(heads, tuple(_row(one) for one in reversed(stretches))),
    )


def _after(day: date, step: Step) -> date:
    return day + timedelta(days=1) if step is Step.DAY else start_after(day, step)


def _days(one: Stretch) -> str:
    first, last = reader.day(one.first_day), reader.day(one.last_day)
    return first if first == last else f"{first} \N{EN DASH} {last}"


def _row(one: Stretch) -> tuple[Cell, ...]:
    balance = one.entries - one.exits
    return (
        Cell(_days(one), f"{one.first_day}/{one.last_day}"),
        number_cell(one.entries),
        number_cell(one.exits),
        Cell(reader.signed(balance), balance),
        number_cell(one.members),
    )


@lru_cache(maxsize=64)
def _draw(stretches: tuple[Stretch, ...], _language: str) -> dict[str, Any]:
    """Who came in above zero, who left below it. Made once for the same figures and language, for drawing takes long."""
    parts = ((_("came in"), GREEN, 1), (_("left"), BRICK, -1))
    is_short = (stretches[-1].last_day - stretches[0].first_day).days < 360  # no day of the month comes twice
    values = [
        {
            "label": reader.short_day(one.first_day) if is_short else reader.day(one.first_day),
            "days": _days(one),
            "what": what,
            "customers": sign * (one.entries if sign > 0 else one.exits),
            "said": one.entries if sign > 0 else one.exits,
            "members": one.members,
            "colour": colour,
        }
        for one in stretches
        for what, colour, sign in parts
    ]
    tall = max(max(one.entries, one.exits) for one in stretches)
    labels = list(dict.fromkeys(str(row["label"]) for row in values))
    x = alt.X(
        "label:N",
        sort=[*labels, BESIDE],
        scale=alt.Scale(domain=[*labels, BESIDE]),
        axis=alt.Axis(labelAngle=0, ticks=False, domain=False, labelPadding=8, labelOverlap="greedy", labelSeparation=10),
    )
    y = alt.Y("customers:Q", stack="zero", axis=alt.Axis(tickCount=5, format=",d", domain=False, ticks=False))
    tooltip = [
        alt.Tooltip("days:N", title=_("Period")),
        alt.Tooltip("what:N", title=_("What they did")),
        alt.Tooltip("said:Q", title=_("Customers"), format=",d"),
        alt.Tooltip("members:Q", title=_("In it at the end"), format=",d"),
    ]
    bars = over(values).mark_bar(cornerRadius=2).encode(x=x, y=y, color=alt.Color("colour:N", scale=None), tooltip=tooltip)
    zero = over([{"zero": 0}]).mark_rule(color="var(--sg-quiet)").encode(y="zero:Q")
    names = [{"label": BESIDE, "what": what, "at": sign * max(tall / 8, 0.2), "colour": colour} for what, colour, sign in parts]
    words = (
        over(names)
        .mark_text(align="left", dx=4, baseline="middle", fontWeight=600, fontSize=12)
        .encode(x=x, y="at:Q", text="what:N", color=alt.Color("colour:N", scale=None))
    )
    return spec_of(alt.layer(bars, zero, words), 300)
