"""Best customers: how much hangs on how few."""

from typing import Any

import altair as alt
from django.utils.translation import gettext as _

from stamgast.console import reader
from stamgast.console.charts import over, spec_of
from stamgast.console.home_words import Card, card_of, money_of, points, share_points
from stamgast.console.insights.shape import Cell, Page, Picture, Table, counted_card, number_cell, share_cell
from stamgast.console.insights.who import Who
from stamgast.flows.insights.best import PERCENT, Best
from stamgast.kit.money import to_major

ROWS = (1, 2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)


def best_page(best: Best, who: Who) -> Page:
    """The page."""
    share = best.top_share
    if share.value is None:
        title = _("Nobody bought in this period.")
    else:
        title = _("The best 20 %% of your customers bring in %(value)s of the revenue.") % {
            "value": reader.percent(share.value)
        }
    half = best.half
    lead = (
        _("Half of the %(revenue)s comes from %(count)s of the %(customers)s customers.")
        % {
            "revenue": reader.money(best.revenue_minor, best.currency, is_rounded=True),
            "count": reader.number(half.customers),
            "customers": reader.number(best.customers),
        }
        if half
        else ""
    )
    cards = (
        card_of(
            _("Revenue of the best 20 %"),
            share,
            reader.percent,
            (points, share_points),
            _(
                "Of all revenue, the share from the fifth of your buyers who spent most. More is not better: it says how much "
                "hangs on a few."
            ),
            is_judged=False,
            behind=who.of_best(PERCENT),
        ),
        Card(
            _("Bring in half"),
            reader.percent(half.percent / 100, 0) if half else reader.NOTHING,
            "",
            "",
            "",
            _("of the customers"),
            _("The smallest whole percentage of the customers that brings in at least half of the revenue."),
            who.of_best(half.percent) if half else "",
        ),
        _money_card(best),
        counted_card(
            _("Customers who bought"),
            best.customers,
            best.customers_before,
            _("Everybody with an order above zero in the shop's currency."),
            who.of_best(100),
            is_better=True,
        ),
    )
    return Page(title, lead, cards, (_picture(best, who),))


def _money_card(best: Best) -> Card:
    now, before = best.revenue_minor, best.revenue_before_minor

    def write(minor: int) -> str:
        return reader.money(minor, best.currency, is_rounded=True)

    change, tone, icon = "", "", ""
    if before is None:
        change = _("no period before to compare with")
    elif now != before:
        words = {"change": write(abs(now - before)), "share": reader.percent(abs(now - before) / before) if before else ""}
        text = _("%(change)s more than before") if now > before else _("%(change)s less than before")
        change = f"{text % words} ({words['share']})" if before else text % words
        tone, icon = ("sg-good", "arrow-up-right") if now > before else ("sg-bad", "arrow-down-right")
    return Card(
        _("Revenue"),
        write(now),
        change,
        tone,
        icon,
        "",
        _("The net amounts of the period's orders in the shop's currency. What comes back later still lowers it."),
    )


def _picture(best: Best, who: Who) -> Picture:
    write = money_of(best.currency)
    points_at = {point.percent: point for point in best.curve}
    rows = tuple(
        (
            Cell(_("the best %(percent)s") % {"percent": reader.percent(percent / 100, 0)}, percent),
            number_cell(point.customers, who.of_best(percent)),
            Cell(write(point.least_minor), str(to_major(point.least_minor, best.currency))),
            Cell(write(point.revenue_minor), str(to_major(point.revenue_minor, best.currency))),
            share_cell(point.value),
        )
        for percent in ROWS
        if (point := points_at.get(percent))
    )
    heads = (_("Customers"), _("How many"), _("Each spent at least"), _("Together"), _("Share of revenue"))
    return Picture(
        "best-customers",
        _("How much comes from how few"),
        _("share of revenue by share of customers, the best first; the thin line is everybody alike"),
        "; ".join(f"{row[0].text}: {row[4].text}" for row in rows),
        draw(best, who) if best.curve else {},
        Table(heads, rows),
    )


def draw(best: Best, who: Who) -> dict[str, Any]:
    """The curve from the best customer to all, above the line on which everybody would spend alike."""
    values: list[dict[str, Any]] = [{"customers": 0.0, "share": 0.0, "count": 0, "percent": 0, "href": ""}]
    values += [
        {
            "customers": point.percent / 100, "share": point.value, "count": point.customers, "percent": point.percent,
            "href": who.of_best(point.percent),
        }
        for point in best.curve
    ]  # fmt: skip
    whole = alt.Scale(domain=[0, 1], nice=False)
    x = alt.X("customers:Q", scale=whole, axis=alt.Axis(format=".0%", grid=False, tickCount=5))
    y = alt.Y("share:Q", scale=whole, axis=alt.Axis(format=".0%", tickCount=5, domain=False, ticks=False))
    tooltip = [
        alt.Tooltip("customers:Q", title=_("Best customers"), format=".0%"),
        alt.Tooltip("count:Q", title=_("How many"), format=",d"),
        alt.Tooltip("share:Q", title=_("Share of revenue"), format=".1%"),
    ]
    near = alt.selection_point(fields=["percent"], nearest=True, on="pointermove", empty=False, clear="pointerout")
    alike = over([{"customers": 0, "share": 0}, {"customers": 1, "share": 1}])
    alike = alike.mark_line(color="var(--sg-quiet)", strokeWidth=1, strokeDash=[4, 4]).encode(x=x, y=y)
    area = over(values).mark_area(color="var(--sg-green)", opacity=0.12).encode(x=x, y=y)
    line = over(values).mark_line(color="var(--sg-green)", strokeWidth=2.5).encode(x=x, y=y)
    dots = over(values[1:]).mark_point(color="var(--sg-green)", filled=True, size=70)
    dots = dots.encode(x=x, y=y, tooltip=tooltip, opacity=alt.condition(near, alt.value(1), alt.value(0))).add_params(near)
    if len(values) > 1 and values[1]["href"]:
        dots = dots.encode(href="href:N")
    told = over([{**row, "label": reader.percent(row["share"], 0)} for row in values if row["percent"] == PERCENT])
    mark = told.mark_point(color="var(--sg-amber)", filled=True, size=80, opacity=1).encode(x=x, y=y)
    words = told.mark_text(align="left", dx=10, dy=6, fontWeight=600, fontSize=14, color="var(--sg-ink)").encode(
        x=x, y=y, text="label:N"
    )
    return spec_of(alt.layer(alike, area, line, dots, mark, words), 340)
