"""The charts of the console as Vega-Lite, one message each. Colours are names of the style sheet; the browser reads them.

Charts come without their table: the page draws it beneath, from the same rows.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import altair as alt

_CONFIG: dict[str, Any] = {
    "background": "transparent",
    "font": "Figtree Variable, system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--sg-quiet)",
        "labelFontSize": 12,
        "domainColor": "var(--sg-field)",
        "tickColor": "var(--sg-field)",
        "gridColor": "var(--sg-line)",
        "title": None,
        "labelPadding": 6,
    },
    "text": {"font": "Figtree Variable, system-ui, sans-serif", "fontSize": 13, "fill": "var(--sg-ink)"},
}
FEW_DAYS = 90


def draw_members(rows: Sequence[tuple[date, int]], label: str, day_label: str) -> dict[str, Any]:
    """How many customers were in a segment, day by day, as one area from zero with its last value beside it."""
    values = [{"day": day.isoformat(), "members": members} for day, members in rows]
    x = alt.X(
        "day:T",
        axis=alt.Axis(format="%-d %b" if len(rows) <= FEW_DAYS else "%b", tickCount=6, grid=False, labelOverlap="greedy"),
    )
    y = alt.Y(
        "members:Q", scale=alt.Scale(zero=True, nice=True), axis=alt.Axis(tickCount=5, format=",d", domain=False, ticks=False)
    )
    tooltip = [alt.Tooltip("day:T", title=day_label, format="%-d %b %Y"), alt.Tooltip("members:Q", title=label, format=",d")]
    near = alt.selection_point(fields=["day"], nearest=True, on="pointermove", empty=False, clear="pointerout")
    shown = over(values)
    area = shown.mark_area(color="var(--sg-green)", opacity=0.12).encode(x=x, y=y)
    line = shown.mark_line(color="var(--sg-green)", strokeWidth=2.25).encode(x=x, y=y)
    dots = (
        shown.mark_point(color="var(--sg-green)", filled=True, size=70)
        .encode(x=x, y=y, tooltip=tooltip, opacity=alt.condition(near, alt.value(1), alt.value(0)))
        .add_params(near)
    )
    last = over(values[-1:])
    label_mark = last.mark_text(align="left", baseline="middle", dx=9, fontSize=14, fontWeight=600, color="var(--sg-green)")
    point = last.mark_point(color="var(--sg-green)", filled=True, size=55, opacity=1).encode(x=x, y=y)
    return spec_of(
        alt.layer(area, line, dots, point, label_mark.encode(x=x, y=y, text=alt.Text("members:Q", format=",d"))), 330
    )


def draw_bridge(rows: Sequence[tuple[str, int, str]], what_label: str, count_label: str) -> dict[str, Any]:
    """Stayed, came back, new, left: bars from zero with the number at their end. ``rows`` are label, customers, colour."""
    values = [{"what": what, "customers": customers, "colour": colour} for what, customers, colour in rows]
    names = [what for what, _customers, _colour in rows]
    largest = max([customers for _what, customers, _colour in rows] or [0]) or 1
    shown = over(values)
    y = alt.Y(
        "what:N",
        sort=names,
        axis=alt.Axis(domain=False, ticks=False, labelColor="var(--sg-ink)", labelFontSize=13, labelLimit=120),
    )
    x = alt.X("customers:Q", scale=alt.Scale(domain=[0, largest * 1.25]), axis=None)
    bars = shown.mark_bar(cornerRadiusEnd=3, size=18).encode(
        x=x,
        y=y,
        color=alt.Color("colour:N", scale=None),
        tooltip=[alt.Tooltip("what:N", title=what_label), alt.Tooltip("customers:Q", title=count_label, format=",d")],
    )
    words = shown.mark_text(align="left", dx=6).encode(x=x, y=y, text=alt.Text("customers:Q", format=",d"))
    return spec_of(alt.layer(bars, words), 160)


def over(values: list[dict[str, Any]]) -> alt.Chart:
    """A chart of rows, before it says how they are drawn."""
    return alt.Chart(alt.Data(values=values))  # type: ignore[no-untyped-call]


def spec_of(chart: alt.LayerChart | alt.FacetChart, height: int) -> dict[str, Any]:
    """What the browser draws: as wide as its place, in the colours of the style sheet."""
    spec: dict[str, Any] = chart.properties(width="container", height=height).to_dict()
    spec["config"] = _CONFIG
    spec["autosize"] = {"type": "fit", "contains": "padding"}
    return spec
