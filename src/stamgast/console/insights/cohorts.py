"""Cohorts: who came back of those who first bought in one month or week."""

from datetime import date
from typing import Any

import altair as alt
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stamgast.console import reader
from stamgast.console.charts import over, spec_of
from stamgast.console.home_words import card_of, points, share_points
from stamgast.console.insights.shape import Cell, Page, Picture, Table, counted_card, number_cell, share_cell
from stamgast.console.insights.who import Who
from stamgast.flows.insights.cohorts import AGES, TOLD, Cohorts
from stamgast.insights.cohorts import PATIENCE
from stamgast.insights.types import Step

MOST_HEAT = 8


def cohorts_page(cohorts: Cohorts, step: Step, who: Who, *, is_or_later: bool) -> Page:
    """The page."""
    first = TOLD[step][0]
    share = cohorts.shares.get(first)
    cards = [
        card_of(
            age_label(age, step, is_or_later=is_or_later),
            figure,
            reader.percent,
            (points, share_points),
            _definition(step, is_or_later=is_or_later),
        )
        for age, figure in cohorts.shares.items()
    ]
    cards.append(
        counted_card(
            _("New customers"),
            cohorts.customers,
            cohorts.customers_before,
            _("They bought for the first time in one of these cohorts; before: in as many cohorts earlier."),
            "",
            is_better=True,
        )
    )
    title = _title(cohorts, share.value if share else None, step, is_or_later=is_or_later)
    return Page(
        title,
        _lead(cohorts, step),
        tuple(cards),
        (_picture(cohorts, step, who, is_or_later=is_or_later),),
        _notes(step, is_or_later=is_or_later),
    )


def age_label(age: int, step: Step, *, is_or_later: bool) -> str:
    """The name of an age: one month on, two weeks on or later."""
    words = {"count": reader.number(age)}
    if step is Step.MONTH:
        if is_or_later:
            return ngettext("%(count)s month on, or later", "%(count)s months on, or later", age) % words
        return ngettext("%(count)s month on", "%(count)s months on", age) % words
    if is_or_later:
        return ngettext("%(count)s week on, or later", "%(count)s weeks on, or later", age) % words
    return ngettext("%(count)s week on", "%(count)s weeks on", age) % words


def cohort_label(starts_on: date, step: Step) -> str:
    """The name of a cohort: its month, or the day on which its week begins."""
    return reader.month(starts_on) if step is Step.MONTH else reader.day(starts_on)


def _title(cohorts: Cohorts, value: float | None, step: Step, *, is_or_later: bool) -> str:
    if value is None:
        return _("These cohorts are too young to say who came back.")
    words = {"value": reader.percent(value)}
    if step is Step.MONTH:
        if is_or_later:
            return _("%(value)s of new customers come back in a later month.") % words
        return _("%(value)s of new customers buy again in the month after.") % words
    if is_or_later:
        return _("%(value)s of new customers come back in a later week.") % words
    return _("%(value)s of new customers buy again in the week after.") % words


def _lead(cohorts: Cohorts, step: Step) -> str:
    if not cohorts.curve:
        return ""
    first, last = cohorts.curve[0], cohorts.curve[-1]
    words = {
        "label": age_label(last.age, step, is_or_later=False),
        "first": reader.percent(first.value),
        "last": reader.percent(last.value),
        "cohorts": reader.number(last.cohorts),
    }
    return (
        ngettext(
            "In the oldest cohort it goes from %(first)s to %(last)s, %(label)s.",
            "In the %(cohorts)s oldest cohorts it goes from %(first)s to %(last)s, %(label)s.",
            last.cohorts,
        )
        % words
    )


def _definition(step: Step, *, is_or_later: bool) -> str:
    if is_or_later:
        return _(
            "Of the customers who first bought in these cohorts, the share that bought that much later or later still. Only "
            "cohorts that have been followed long enough count; before: as many cohorts earlier."
        )
    return _(
        "Of the customers who first bought in these cohorts, the share that bought in exactly that month or week. Only cohorts "
        "whose month or week is over count; before: as many cohorts earlier."
    )


def _notes(step: Step, *, is_or_later: bool) -> tuple[str, ...]:
    if is_or_later:
        patience = PATIENCE[step]
        open_text = (
            ngettext("%(count)s whole month", "%(count)s whole months", patience)
            if step is Step.MONTH
            else ngettext("%(count)s whole week", "%(count)s whole weeks", patience)
        ) % {"count": reader.number(patience)}
        marked = _("A number with * may still rise: fewer than %(lapse)s have passed since. It is in no average.") % {
            "lapse": open_text
        }
    else:
        marked = _("A number with * may still rise: its month or week is not over. It is in no average.")
    return (
        marked,
        _(
            "The thick line follows the same cohorts all the way, those that have come as far as its end. So it never rises "
            "because weaker cohorts drop out."
        ),
    )


def _picture(cohorts: Cohorts, step: Step, who: Who, *, is_or_later: bool) -> Picture:
    ages = max((cell.age for cell in cohorts.cells), default=0)
    short = [reader.number(age) for age in range(1, ages + 1)]
    cells = {(cell.starts_on, cell.age): cell for cell in cohorts.cells}
    rows = []
    for starts_on, size in cohorts.sizes.items():
        row = [
            Cell(cohort_label(starts_on, step), starts_on.isoformat()),
            number_cell(size, who.of_cohort(starts_on)),
        ]
        for age in range(1, ages + 1):
            cell = cells.get((starts_on, age))
            if cell is None or cell.value is None:
                row.append(Cell("", ""))
                continue
            mark = "" if cell.is_mature else "*"
            shown = share_cell(
                cell.value, who.of_cohort(starts_on, age), "" if cell.is_mature else _("may still rise"), _heat(cell.value)
            )
            row.append(
                Cell(f"{reader.percent(cell.value, 0)}{mark}", f"{cell.value:.6f}{mark}", shown.behind, shown.note, shown.tone)
            )
        rows.append(tuple(row))
    if cohorts.curve:
        average = [Cell(_("The thick line"), "steady"), number_cell(cohorts.curve[0].customers)]
        average += [share_cell(point.value) for point in cohorts.curve]
        average += [Cell("", "")] * (ages - len(cohorts.curve))
        rows.append(tuple(average))
    first_head = _("First bought in") if step is Step.MONTH else _("First bought in the week of")
    title = _("How many come back, month by month") if step is Step.MONTH else _("How many come back, week by week")
    note = _("by months since the first order") if step is Step.MONTH else _("by weeks since the first order")
    summary = "; ".join(
        f"{age_label(point.age, step, is_or_later=is_or_later)}: {reader.percent(point.value)}" for point in cohorts.curve
    )
    return Picture(
        "cohorts",
        title,
        note,
        summary or _("No cohort is old enough for a line yet."),
        draw(cohorts, step, who) if any(cell.is_mature and cell.customers for cell in cohorts.cells) else {},
        Table((first_head, _("New"), *short), tuple(rows)),
    )


def _heat(value: float) -> str:
    """The shade of a cell: darker is more. Its number is in it, so the shade only helps."""
    return f"sg-heat-{min(int(value * MOST_HEAT * 1.25), MOST_HEAT)}"


def draw(cohorts: Cohorts, step: Step, who: Who) -> dict[str, Any]:
    """Each cohort as a thin line and the same cohorts together as a thick one with its interval."""
    thin: list[dict[str, Any]] = [
        {
            "age": cell.age, "share": cell.value, "cohort": cohort_label(cell.starts_on, step), "customers": cell.customers,
            "returned": cell.returned, "href": who.of_cohort(cell.starts_on, cell.age),
        }
        for cell in cohorts.cells
        if cell.is_mature and cell.value is not None
    ]  # fmt: skip
    thick = [
        {"age": point.age, "share": point.value, "low": point.low, "high": point.high, "customers": point.customers}
        for point in cohorts.curve
    ]
    x = alt.X(
        "age:Q",
        scale=alt.Scale(domain=[1, max((row["age"] for row in thin), default=AGES[step])], nice=False),
        axis=alt.Axis(format="d", grid=False, tickMinStep=1),
    )
    y = alt.Y(
        "share:Q", scale=alt.Scale(zero=True, nice=True), axis=alt.Axis(format=".0%", tickCount=5, domain=False, ticks=False)
    )
    age_title = _("Months on") if step is Step.MONTH else _("Weeks on")
    share = alt.Tooltip("share:Q", title=_("Share"), format=".1%")
    tooltip = [
        alt.Tooltip("cohort:N", title=_("First bought in")),
        alt.Tooltip("age:Q", title=age_title, format="d"),
        share,
        alt.Tooltip("returned:Q", title=_("Customers"), format=",d"),
        alt.Tooltip("customers:Q", title=_("of"), format=",d"),
    ]
    lines = over(thin).mark_line(color="var(--sg-slate)", strokeWidth=1, opacity=0.55).encode(x=x, y=y, detail="cohort:N")
    dots = over(thin).mark_point(color="var(--sg-slate)", filled=True, size=26, opacity=0.7).encode(x=x, y=y, tooltip=tooltip)
    if thin and thin[0]["href"]:
        dots = dots.encode(href="href:N")
    band = over(thick).mark_area(color="var(--sg-green)", opacity=0.16).encode(x=x, y="low:Q", y2="high:Q")
    bold_tooltip = [
        alt.Tooltip("age:Q", title=age_title, format="d"),
        share,
        alt.Tooltip("low:Q", title=_("at least"), format=".1%"),
        alt.Tooltip("high:Q", title=_("at most"), format=".1%"),
        alt.Tooltip("customers:Q", title=_("Customers"), format=",d"),
    ]
    bold = over(thick).mark_line(
        color="var(--sg-green)", strokeWidth=3, point=alt.OverlayMarkDef(color="var(--sg-green)", size=60)
    )
    bold = bold.encode(x=x, y=y, tooltip=bold_tooltip)
    ends = over(
        [{**row, "label": reader.percent(row["share"], 0)} for row in (thick[:1] + thick[-1:] if len(thick) > 1 else thick)]
    )
    words = ends.mark_text(dy=-14, fontWeight=600, fontSize=13, color="var(--sg-green)").encode(x=x, y=y, text="label:N")
    return spec_of(alt.layer(lines, dots, band, bold, words), 320)
