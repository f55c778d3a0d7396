"""Budgets in words and pictures: how each stands, the sentence of its forecast, and its line against the budget."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import accumulate
from typing import Any

import altair as alt
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from stamgast.console import reader
from stamgast.console.charts import over, spec_of
from stamgast.console.home_words import AMBER, BRICK, GREEN
from stamgast.console.insights.shape import Cell, Picture, Table
from stamgast.console.programme_words import rule_label
from stamgast.console.words import currency_label
from stamgast.flows.watch_budgets import Watched
from stamgast.programmes.budgets import WARN_SHARE, Forecast

DRAWN_DAYS = 366


def budgets_title(watched: Sequence[Watched], today: date) -> str:
    """The page in one sentence."""
    if not watched:
        return _("No rule has a budget")
    warned = sum(one.forecast.warns(today) for one in watched)
    if not warned:
        return ngettext("%(count)s budget, and it lasts", "%(count)s budgets, and they last", len(watched)) % {
            "count": reader.number(len(watched))
        }
    text = ngettext("%(count)s budget asks for attention", "%(count)s budgets ask for attention", warned)
    return text % {"count": reader.number(warned)}


def budget_rows(watched: Sequence[Watched], today: date) -> list[dict[str, Any]]:
    """Each budget as the page shows it."""
    return [
        {
            "rule": one.forecast.budget.rule,
            "label": rule_label(one.forecast.budget.rule),
            "currency": currency_label(one.forecast.budget.currency, one.forecast.left),
            "state": _state(one.forecast, today),
            "amount": one.forecast.budget.amount,
            "given": one.forecast.given,
            "reached": min(one.forecast.given, one.forecast.budget.amount),
            "left": one.forecast.left,
            "share": reader.percent(one.forecast.share, 0),
            "per_day": reader.number(one.forecast.per_day, 1) if one.forecast.per_day else "",
            "sentence": forecast_sentence(one.forecast),
            "ends": reader.day(one.ends_at) if one.ends_at else "",
            "picture": _picture(place, one, today),
        }
        for place, one in enumerate(watched)
    ]


def warning_sentences(found: Sequence[Forecast], today: date) -> list[str]:
    """A sentence for each budget that asks for attention."""
    return [
        _("%(rule)s: %(share)s of the budget is given. %(forecast)s")
        % {"rule": rule_label(one.budget.rule), "share": reader.percent(one.share, 0), "forecast": forecast_sentence(one)}
        for one in found
        if one.warns(today)
    ]


def forecast_sentence(one: Forecast) -> str:
    """When it will be spent, with the interval, or why that cannot be said."""
    if not one.left:
        more = one.given - one.budget.amount
        words = {"day": reader.day(one.day), "more": reader.number(more)}
        return (
            _("It was spent on %(day)s; %(more)s more was given since.") % words
            if more
            else _("It was spent on %(day)s.") % words
        )
    if one.earliest is None:
        if not one.per_day:
            return _("Nothing was given of it in the last four weeks, so no day can be foreseen.")
        return _("It lasts ten years or more, going on like this.")
    words = {"day": reader.day(one.day), "first": reader.day(one.earliest), "last": reader.day(one.latest)}
    if one.day is None:
        return _("It may be spent on %(first)s, or last ten years or more.") % words
    if one.latest is None:
        return _("It will be spent on %(day)s, going on like this, and on %(first)s at the earliest.") % words
    if one.earliest == one.latest:
        return _("It will be spent on %(day)s, going on like this.") % words
    return _("It will be spent on %(day)s, going on like this: between %(first)s and %(last)s.") % words


def _state(one: Forecast, today: date) -> tuple[str, str]:
    """The word and the look of how it stands."""
    if not one.left:
        return pgettext("budget", "spent"), "sg-badge-bad"
    if one.share >= WARN_SHARE:
        return _("nearly spent"), "sg-badge-loyal"
    if one.warns(today):
        return _("spent within two weeks"), "sg-badge-loyal"
    return _("lasts"), "sg-badge-good"


def _picture(place: int, one: Watched, today: date) -> Picture:
    """What was given together, day after day, against the budget; the days on which they may meet lie on its line."""
    budget = one.forecast.budget
    days = [day for day, _given in one.given_by_day]
    totals = list(accumulate(given for _day, given in one.given_by_day))
    rows = [
        (Cell(reader.day(day), day.isoformat()), Cell(reader.number(given), given), Cell(reader.number(total), total))
        for (day, given), total in zip(one.given_by_day, totals, strict=True)
    ]
    first = today - timedelta(days=DRAWN_DAYS)
    before = max((total for day, total in zip(days, totals, strict=True) if day < first), default=0)
    line = [(day, total) for day, total in zip(days, totals, strict=True) if day >= first]
    begin = first if before else (line[0][0] - timedelta(days=1) if line else today)
    line = [(begin, before), *line, *([] if line and line[-1][0] >= today else [(today, totals[-1] if totals else 0)])]
    return Picture(
        f"budget-{place}",
        _("%(rule)s: %(currency)s given to all together")
        % {"rule": rule_label(budget.rule), "currency": currency_label(budget.currency)},
        _("against the budget of %(amount)s") % {"amount": reader.number(budget.amount)},
        forecast_sentence(one.forecast),
        _draw(line, one.forecast, today) if totals else {},
        Table((_("Day"), _("Given"), _("Together")), tuple(reversed(rows))),
    )


def _draw(line: Sequence[tuple[date, int]], one: Forecast, today: date) -> dict[str, Any]:
    budget = one.budget.amount
    colour = BRICK if not one.left else AMBER if one.share >= WARN_SHARE else GREEN
    last = max(filter(None, (today, one.day, one.latest or one.day)))
    x = alt.X("day:T", axis=alt.Axis(format="%-d %b %Y", tickCount=5, grid=False, labelOverlap="greedy"))
    y = alt.Y("total:Q", scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=5, format=",d", domain=False, ticks=False))
    tooltip = [
        alt.Tooltip("day:T", title=_("Day"), format="%-d %b %Y"),
        alt.Tooltip("total:Q", title=_("Together"), format=",d"),
    ]
    values = [{"day": day.isoformat(), "total": total} for day, total in line]
    given = over(values)
    layers = [
        over([{"day": day.isoformat(), "total": budget} for day in (line[0][0], last)])
        .mark_line(color="var(--sg-ink)", strokeDash=[6, 4], strokeWidth=1.25)
        .encode(x=x, y=y),
        over([{"day": line[0][0].isoformat(), "total": budget, "text": _("budget")}])
        .mark_text(align="left", dy=-9, fontWeight=600, fontSize=12)
        .encode(x=x, y=y, text="text:N"),
        given.mark_area(color=colour, opacity=0.12, interpolate="step-after").encode(x=x, y=y),
        given.mark_line(color=colour, strokeWidth=2.25, interpolate="step-after").encode(x=x, y=y),
        given.mark_point(color=colour, filled=True, size=30, opacity=0.01).encode(x=x, y=y, tooltip=tooltip),
    ]
    if one.left and one.day is not None:
        path = [{"day": day.isoformat(), "total": total} for day, total in ((today, one.given), (one.day, budget))]
        layers.append(over(path).mark_line(color=colour, strokeDash=[2, 4], strokeWidth=2).encode(x=x, y=y))
        until = one.latest or one.day
        span = [{"day": day.isoformat(), "total": budget} for day in (one.earliest or one.day, until)]
        layers.append(over(span).mark_line(color=colour, strokeWidth=8, opacity=0.35).encode(x=x, y=y))
        layers.append(over(path[-1:]).mark_point(color=colour, filled=True, size=80, opacity=1).encode(x=x, y=y))
    return spec_of(alt.layer(*layers), 260)
