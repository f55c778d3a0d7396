"""Repeat purchase: how soon new customers buy again, and how often customers buy."""

from typing import Any

import altair as alt
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stamgast.console import reader
from stamgast.console.charts import over, spec_of
from stamgast.console.home_words import Card, card_of, points, share_points
from stamgast.console.insights.shape import Cell, Page, Picture, Table, between, number_cell, share_cell
from stamgast.console.insights.who import Who
from stamgast.flows.insights.repeat import TOLD, Repeat

ROWS = (1, 7, 14, 30, 60, 90, 120, 180, 270, 365)
LONGEST = 365
MANY = 10


def repeat_page(repeat: Repeat, who: Who) -> Page:
    """The page."""
    known = [days for days in TOLD if days in repeat.shares]
    if known:
        days = known[min(1, len(known) - 1)]
        words = {"value": reader.percent(repeat.shares[days].value), "days": reader.days(days)}
        title = _("%(value)s of new customers buy again within %(days)s.") % words
    else:
        title = _("There are too few new customers in this period to say how soon they buy again.")
    new = {"count": reader.number(repeat.customers)}
    lead = ngettext(
        "Of the %(count)s customer who was new in this period, followed up to yesterday.",
        "Of the %(count)s customers who were new in this period, followed up to yesterday.",
        repeat.customers,
    )
    cards = [
        card_of(
            _("Within %(days)s") % {"days": reader.days(days)},
            figure,
            reader.percent,
            (points, share_points),
            _(
                "The share of the new customers that has bought a second time by then. Who is new since shorter than that "
                "counts for as long as they are known (Kaplan and Meier), so last week's customers do not lower it."
            ),
            behind=who.of_second_order(days),
        )
        for days, figure in repeat.shares.items()
    ]
    gap, before = repeat.gaps.median, repeat.gaps_before.median
    cards.append(
        Card(
            _("Usually between two orders"),
            reader.days(gap),
            _("%(days)s in the period before") % {"days": reader.days(before)} if before is not None else "",
            "",
            "",
            _("half of them between %(low)s and %(high)s days")
            % {"low": reader.number(repeat.gaps.lower), "high": reader.number(repeat.gaps.upper)}
            if gap is not None
            else "",
            _(
                "The median number of days from one order to the next, over the orders of the period that are not a first. Who "
                "buys often counts more often."
            ),
        )
    )
    return Page(title, lead % new, tuple(cards), (_curve(repeat, who), _numbers(repeat, who)), _notes())


def _notes() -> tuple[str, ...]:
    return (
        _(
            "Behind a share are the customers who have bought again so far. They are fewer than the share says of all, because "
            "not everybody has been followed that long yet."
        ),
    )


def _curve(repeat: Repeat, who: Who) -> Picture:
    rows = []
    for days in ROWS:
        point = repeat.at(days)
        if point is None:
            break
        again = sum(day.again for day in repeat.curve if day.days <= days)
        rows.append(
            (
                Cell(reader.days(days), days),
                share_cell(point.value),
                Cell(between(point.low, point.high), "" if point.low is None else f"{point.low:.6f}/{point.high:.6f}"),
                number_cell(again, who.of_second_order(days)),
            )
        )
    heads = (_("Within"), _("Bought again"), _("Interval"), _("Customers so far"))
    return Picture(
        "repeat-purchase",
        _("How soon they buy again"),
        _("share of new customers by days since their first order; the band is the interval"),
        "; ".join(f"{row[0].text}: {row[1].text}" for row in rows),
        draw(repeat) if repeat.curve else {},
        Table(heads, tuple(rows)),
    )


def _numbers(repeat: Repeat, who: Who) -> Picture:
    rows = [(_number_label(row.orders), row) for row in repeat.numbers]
    table = tuple(
        (
            Cell(label, row.orders),
            number_cell(row.customers, who.of_order_number(row.orders)),
            share_cell(row.value),
            Cell(between(row.low, row.high), f"{row.low:.6f}/{row.high:.6f}"),
        )
        for label, row in rows
    )
    values: list[dict[str, Any]] = [
        {"orders": label, "customers": row.customers, "share": row.value, "href": who.of_order_number(row.orders)}
        for label, row in rows
    ]
    x = alt.X("orders:N", sort=[row["orders"] for row in values], axis=alt.Axis(labelAngle=0, ticks=False, domain=False))
    y = alt.Y("customers:Q", axis=alt.Axis(tickCount=4, format=",d", domain=False, ticks=False))
    tooltip = [
        alt.Tooltip("orders:N", title=_("Orders")),
        alt.Tooltip("customers:Q", title=_("Customers"), format=",d"),
        alt.Tooltip("share:Q", title=_("Share"), format=".1%"),
    ]
    bars = over(values).mark_bar(color="var(--sg-green)", cornerRadiusEnd=3).encode(x=x, y=y, tooltip=tooltip)
    if values and values[0]["href"]:
        bars = bars.encode(href="href:N")
    labelled = [{**row, "label": reader.percent(row["share"], 0)} for row in values]
    words = over(labelled).mark_text(dy=-8, fontSize=12).encode(x=x, y=y, text="label:N")
    return Picture(
        "numbers-of-orders",
        _("How many orders customers made in the period"),
        _("customers by their number of orders"),
        "; ".join(f"{label}: {reader.number(row.customers)}" for label, row in rows),
        spec_of(alt.layer(bars, words), 240) if values else {},
        Table((_("Orders"), _("Customers"), _("Share"), _("Interval")), table),
    )


def _number_label(orders: int) -> str:
    return _("10 or more") if orders == MANY else reader.number(orders)


def draw(repeat: Repeat) -> dict[str, Any]:
    """The curve as steps, with its interval as a band and its height at the days that the cards tell."""
    values: list[dict[str, Any]] = [
        {"days": day.days, "share": day.value, "low": day.low, "high": day.high, "risk": day.at_risk}
        for day in repeat.curve
        if day.days <= LONGEST
    ]
    longest = max((row["days"] for row in values), default=LONGEST) or 1
    x = alt.X("days:Q", scale=alt.Scale(domain=[0, longest], nice=False), axis=alt.Axis(format="d", grid=False, tickCount=8))
    y = alt.Y(
        "share:Q", scale=alt.Scale(zero=True, nice=True), axis=alt.Axis(format=".0%", tickCount=5, domain=False, ticks=False)
    )
    tooltip = [
        alt.Tooltip("days:Q", title=_("Days"), format=",d"),
        alt.Tooltip("share:Q", title=_("Bought again"), format=".1%"),
        alt.Tooltip("low:Q", title=_("at least"), format=".1%"),
        alt.Tooltip("high:Q", title=_("at most"), format=".1%"),
        alt.Tooltip("risk:Q", title=_("Still followed"), format=",d"),
    ]
    near = alt.selection_point(fields=["days"], nearest=True, on="pointermove", empty=False, clear="pointerout")
    banded = [row for row in values if row["low"] is not None]
    band = (
        over(banded)
        .mark_area(color="var(--sg-green)", opacity=0.16, interpolate="step-after")
        .encode(x=x, y="low:Q", y2="high:Q")
    )
    line = over(values).mark_line(color="var(--sg-green)", strokeWidth=2.5, interpolate="step-after").encode(x=x, y=y)
    dots = (
        over(values)
        .mark_point(color="var(--sg-green)", filled=True, size=70)
        .encode(x=x, y=y, tooltip=tooltip, opacity=alt.condition(near, alt.value(1), alt.value(0)))
        .add_params(near)
    )
    told = [
        {"days": min(days, longest), "share": point.value, "label": reader.percent(point.value, 0)}
        for days in TOLD
        if (point := repeat.at(days)) is not None
    ]
    marks = over(told).mark_point(color="var(--sg-green)", filled=True, size=60, opacity=1).encode(x=x, y=y)
    words = (
        over(told)
        .mark_text(dy=-13, align="right", fontWeight=600, fontSize=13, color="var(--sg-green)")
        .encode(x=x, y=y, text="label:N")
    )
    return spec_of(alt.layer(band, line, dots, marks, words), 320)
