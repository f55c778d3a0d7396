"""Retention: who stayed, left, came back and is new."""

from typing import Any

import altair as alt
from django.utils.translation import gettext as _

from stamgast.console import reader
from stamgast.console.charts import over, spec_of
from stamgast.console.home_words import AMBER, BRICK, GREEN, LIGHT, card_of, points, share_points
from stamgast.console.insights.shape import Cell, Page, Picture, Table, between, counted_card, number_cell, share_cell
from stamgast.console.insights.who import Who
from stamgast.flows.insights.bridge import Bridge, Step
from stamgast.insights.behind import Part
from stamgast.insights.types import Period

BESIDE = " "
"""The place beside the last bar, where the names of the parts stand."""
LEAST_GAP = 0.07


def bridge_page(bridge: Bridge, who: Who) -> Page:
    """The page."""
    now, before = bridge.now, bridge.before
    words = {"value": reader.percent(now.value), "retained": reader.number(now.retained), "start": reader.number(now.start)}
    if now.start:
        title = _("%(value)s stayed: %(retained)s of the %(start)s who bought in the period before bought again.") % words
    else:
        title = _("Nobody bought in the period before.")
    balance = now.end - now.start
    gained = {
        "gained": reader.number(now.new + now.reactivated),
        "lost": reader.number(now.lost),
        "balance": reader.signed(balance),
    }
    lead = _("%(lost)s left and %(gained)s came: %(balance)s customers.") % gained
    cards = (
        card_of(
            _("Stayed"),
            bridge.retention,
            reader.percent,
            (points, share_points),
            _("Of the customers who bought in the period before, the share that bought again in this one."),
            behind=who.of_bridge(Part.STAYED),
        ),
        counted_card(
            _("Left"),
            now.lost,
            before.lost if before else None,
            _("They bought in the period before, and not in this one."),
            who.of_bridge(Part.LEFT),
            is_better=False,
        ),
        counted_card(
            _("Came back"),
            now.reactivated,
            before.reactivated if before else None,
            _("They had bought earlier, stayed away for the whole period before, and bought again in this one."),
            who.of_bridge(Part.CAME_BACK),
            is_better=True,
        ),
        counted_card(
            _("New"),
            now.new,
            before.new if before else None,
            _("They bought for the first time ever."),
            who.of_bridge(Part.NEW),
            is_better=True,
        ),
    )
    return Page(title, lead, cards, (_picture(bridge, who),), (_first_ever(),))


def _first_ever() -> str:
    return _(
        "New means: for the first time in all that was stored. In the first months after a shop begins to send its orders, "
        "old customers look new."
    )


def _picture(bridge: Bridge, who: Who) -> Picture:
    parts = [
        (_("stayed"), GREEN, Part.STAYED),
        (_("came back"), LIGHT, Part.CAME_BACK),
        (_("new"), AMBER, Part.NEW),
        (_("left"), BRICK, Part.LEFT),
    ]
    values = [
        {
            "period": step.first_day.isoformat(),
            "label": reader.short_day(step.first_day),
            "days": f"{reader.day(step.first_day)} \N{EN DASH} {reader.day(step.last_day)}",
            "what": what,
            "order": order,
            "customers": -_count(step, part) if part is Part.LEFT else _count(step, part),
            "said": _count(step, part),
            "colour": colour,
            "href": who.of_bridge(part, Period(step.first_day, step.last_day)),
        }
        for step in bridge.steps
        for order, (what, colour, part) in enumerate(parts)
    ]
    shares = [
        {
            "period": step.first_day.isoformat(),
            "label": reader.short_day(step.first_day),
            "share": reader.percent(step.value, 0),
        }
        for step in bridge.steps
        if step.value is not None
    ]
    heads = (
        _("Period"), _("Bought before"), _("Stayed"), _("Share that stayed"), _("Interval"), _("Left"), _("Came back"),
        _("New"), _("Bought"),
    )  # fmt: skip
    summary = "; ".join(f"{row['what']}: {reader.number(row['said'])}" for row in values[-len(parts) :])
    return Picture(
        "retention",
        _("Who stayed, came, and left"),
        _("each bar is a period as long as the one asked for; the percentage is the share that stayed"),
        summary,
        draw(values, shares) if any(step.start or step.end for step in bridge.steps) else {},
        Table(heads, tuple(_row(step, who) for step in reversed(bridge.steps))),
    )


def _count(step: Step, part: Part) -> int:
    return {
        Part.STAYED: step.retained,
        Part.CAME_BACK: step.reactivated,
        Part.NEW: step.new,
        Part.LEFT: step.lost,
        Part.BEFORE: step.start,
        Part.BOUGHT: step.end,
    }[part]


def _row(step: Step, who: Who) -> tuple[Cell, ...]:
    period = Period(step.first_day, step.last_day)
    name = f"{reader.day(step.first_day)} \N{EN DASH} {reader.day(step.last_day)}"
    return (
        Cell(name, f"{step.first_day}/{step.last_day}"),
        number_cell(step.start, who.of_bridge(Part.BEFORE, period)),
        number_cell(step.retained, who.of_bridge(Part.STAYED, period)),
        share_cell(step.value),
        Cell(between(step.low, step.high), "" if step.low is None else f"{step.low:.6f}/{step.high:.6f}"),
        number_cell(step.lost, who.of_bridge(Part.LEFT, period)),
        number_cell(step.reactivated, who.of_bridge(Part.CAME_BACK, period)),
        number_cell(step.new, who.of_bridge(Part.NEW, period)),
        number_cell(step.end, who.of_bridge(Part.BOUGHT, period)),
    )


def draw(values: list[dict[str, Any]], shares: list[dict[str, Any]]) -> dict[str, Any]:
    """Who came above zero and who left below it, period by period; the share that stayed at the foot of each bar."""
    labels = list(dict.fromkeys(row["label"] for row in values))
    x = alt.X(
        "label:N",
        sort=[*labels, BESIDE],
        scale=alt.Scale(domain=[*labels, BESIDE]),
        axis=alt.Axis(labelAngle=0, ticks=False, domain=False, labelPadding=8, labelOverlap="greedy"),
    )
    y = alt.Y("customers:Q", stack="zero", axis=alt.Axis(tickCount=5, format=",d", domain=False, ticks=False))
    tooltip = [
        alt.Tooltip("days:N", title=_("Period")),
        alt.Tooltip("what:N", title=_("What they did")),
        alt.Tooltip("said:Q", title=_("Customers"), format=",d"),
    ]
    bars = (
        over(values)
        .mark_bar(cornerRadius=2)
        .encode(x=x, y=y, color=alt.Color("colour:N", scale=None), order="order:O", tooltip=tooltip)
    )
    if values[0]["href"]:
        bars = bars.encode(href="href:N")
    zero = over([{"zero": 0}]).mark_rule(color="var(--sg-quiet)").encode(y="zero:Q")
    words = (
        over(shares)
        .mark_text(baseline="bottom", dy=-5, color="var(--sg-on-green)", fontWeight=600, fontSize=12)
        .encode(x=x, y=alt.datum(0), text="share:N")
    )
    names = (
        over(_names(values))
        .mark_text(align="left", dx=-16, baseline="middle", fontWeight=600, fontSize=12)
        .encode(x=x, y="at:Q", text="what:N", color=alt.Color("colour:N", scale=None))
    )
    return spec_of(alt.layer(bars, zero, words, names), 320)


def _names(values: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The name of each part beside the last bar, at its height, and so far from the next that both can be read."""
    last = [row for row in values if row["period"] == values[-1]["period"]]
    tall = max(sum(row["said"] for row in values if row["period"] == period) for period in {row["period"] for row in values})
    gap = tall * LEAST_GAP
    names, top, reached = [], 0, float("-inf")
    for row in last:
        if row["customers"] < 0:
            at = min(row["customers"] / 2, -gap)
        else:
            at = max(top + row["customers"] / 2, reached + gap)
            top, reached = top + row["customers"], at
        names.append({"label": BESIDE, "what": row["what"], "at": at, "colour": row["colour"]})
    return names
