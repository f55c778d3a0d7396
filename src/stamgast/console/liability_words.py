"""The page of the liability: what is outstanding, what will be redeemed, what the books put off, and the charts of it."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import altair as alt
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stamgast.console import reader
from stamgast.console.charts import over, spec_of
from stamgast.console.home_words import Card
from stamgast.console.insights.shape import Cell, Page, Picture, Table, between, number_cell, share_cell
from stamgast.console.ledger_words import books_account, entry_label
from stamgast.console.words import currency_label
from stamgast.flows.measure_liability import CurrencyLiability, Liability

GREEN, AMBER = "var(--sg-green)", "var(--sg-amber)"
SOON_MONTHS = 3
FEW_ENTRIES = 60


def liability_page(found: Liability, one: CurrencyLiability, today: date) -> Page:
    """The page of one currency."""
    expected = one.expectation
    words = {"amount": reader.number(one.outstanding), "currency": currency_label(one.currency, one.outstanding)}
    title = _("%(amount)s %(currency)s outstanding.") % words
    if expected.share is None:
        lead = _("What share of them will be redeemed shows once a whole month is over.")
    elif not expected.is_firm:
        lead = _("The history is too short to say what share of them will be redeemed.")
    else:
        share = {"share": reader.percent(expected.share), "between": between(expected.low, expected.high)}
        lead = _("Of all that was given, we expect %(share)s to be redeemed in the end (%(between)s).") % share
    pictures = [_over_time(one), _by_expiry(one), _vintages(one)]
    if one.price_minor is not None:
        pictures.append(_journal(found, one))
    return Page(title, lead, tuple(_cards(found, one, today)), tuple(pictures), tuple(_notes(one)))


def _cards(found: Liability, one: CurrencyLiability, today: date) -> list[Card]:
    expected = one.expectation
    soon = sum(
        row.points for row in one.by_age_and_expiry if row.expires and _months(row.expires) - _months(today) < SOON_MONTHS
    )
    books = reader.NOTHING if one.deferred_minor is None else reader.money(one.deferred_minor, found.money)
    priced = _("no price was decided yet") if one.deferred_minor is None else _at_the_end_of(found.through)
    return [
        Card(
            _("Outstanding"), reader.number(one.outstanding), "", "", "", "",
            _("What members have available, pending and set aside: given, less what was redeemed and what expired."),
        ),
        Card(
            _("Redeemed in the end"), reader.percent(expected.share) if expected.is_firm else reader.NOTHING,
            _at_the_end_of(expected.through) if expected.is_firm else _("too early to say"), "", "",
            between(expected.low, expected.high) if expected.is_firm and expected.share is not None else "",
            _(
                "Points of one age behave alike, whenever they were earned, and go on as they did. The interval takes in that "
                "months differ, and that we do not know what becomes of points older than any we have seen."
            ),
        ),
        Card(
            _("Put off in the books"), books, priced, "", "", "",
            _(
                "The part of what was sold that belongs to points which are still to be redeemed, after IFRS 15 and ASC 606."
            ),
        ),
        Card(
            _("Expires soon"), reader.number(soon),
            ngettext("within %(count)s month", "within %(count)s months", SOON_MONTHS) % {"count": SOON_MONTHS}, "", "", "",
            _("Outstanding points whose last day is in this month or the two after it, if nothing happens."),
        ),
    ]  # fmt: skip


def _notes(one: CurrencyLiability) -> list[str]:
    notes = []
    if not one.expectation.is_firm:
        notes.append(
            _(
                "The history is too short to rely on: %(tail)s of new points are still outstanding at the oldest age we have "
                "seen. The books take the share that was decided on."
            )
            % {"tail": reader.percent(one.expectation.tail)}
        )
    return notes


def _at_the_end_of(month: date) -> str:
    return _("at the end of %(month)s") % {"month": reader.month(month)}


def _months(day: date) -> int:
    return 12 * day.year + day.month


def _over_time(one: CurrencyLiability) -> Picture:
    values = [{"month": row.month.isoformat(), "points": row.outstanding} for row in one.months]
    heads = (_("Month"), _("Given"), _("Redeemed"), _("Expired"), _("Outstanding at the end"))
    rows = tuple(
        (
            Cell(reader.month(row.month), row.month.isoformat()[:7]),
            number_cell(row.given), number_cell(row.redeemed), number_cell(row.expired), number_cell(row.outstanding),
        )
        for row in reversed(one.months)
    )  # fmt: skip
    summary = "; ".join(f"{reader.month(row.month)}: {reader.number(row.outstanding)}" for row in one.months[-3:])
    return Picture(
        "outstanding",
        _("Outstanding, month by month"),
        _("what members have at the end of each month"),
        summary,
        _draw_months(values, _("Outstanding"), is_line=True) if len(values) > 1 else {},
        Table(heads, rows),
    )


def _by_expiry(one: CurrencyLiability) -> Picture:
    by_expiry: Counter[date | None] = Counter()
    by_age: dict[date | None, Counter[date]] = {}
    for row in one.by_age_and_expiry:
        by_expiry[row.expires] += row.points
        by_age.setdefault(row.expires, Counter())[row.earned] += row.points
    months = sorted(by_expiry, key=lambda month: (month is None, month or date.min))
    values = [{"month": month.isoformat(), "points": by_expiry[month]} for month in months if month]
    rows = []
    for month in months:
        earned = sorted(by_age[month])
        span = (
            reader.month(earned[0]) if len(earned) == 1 else f"{reader.month(earned[0])} \N{EN DASH} {reader.month(earned[-1])}"
        )
        name = reader.month(month) if month else _("never")
        rows.append((Cell(name, month.isoformat()[:7] if month else ""), number_cell(by_expiry[month]), Cell(span, span)))
    summary = "; ".join(f"{row[0].text}: {row[1].text}" for row in rows[:3])
    return Picture(
        "expiry",
        _("Outstanding, by the month in which it expires"),
        _("if nobody redeems anything any more"),
        summary,
        _draw_months(values, _("Expires"), is_line=False) if values else {},
        Table((_("Expires in"), _("Points"), _("Earned in")), tuple(rows)),
    )


def _vintages(one: CurrencyLiability) -> Picture:
    heads = (
        _("Earned in"), _("Given"), _("Redeemed"), _("Expired"), _("Outstanding"), _("Still expected"),
        _("Redeemed in the end"),
    )  # fmt: skip
    rows = []
    for row in reversed(one.vintages):
        share = (row.redeemed + row.expected) / row.given if row.given > 0 else None
        ripe = "" if row.is_mature else _("not ripe: an estimate")
        name = reader.month(row.month) + ("" if row.is_mature else " *")
        rows.append(
            (
                Cell(name, row.month.isoformat()[:7], note=ripe),
                number_cell(row.given), number_cell(row.redeemed), number_cell(row.expired), number_cell(row.outstanding),
                number_cell(row.expected), share_cell(share, note=ripe, tone="" if row.is_mature else "sg-quiet"),
            )
        )  # fmt: skip
    return Picture(
        "vintages",
        _("What became of each month's points"),
        _("with * more than 5 % is still outstanding, so the end is an estimate"),
        "",
        {},
        Table(heads, tuple(rows)),
        is_table=True,
    )


def _journal(found: Liability, one: CurrencyLiability) -> Picture:
    entries = [entry for entry in found.entries if entry.currency == one.currency]
    heads = (_("Month"), _("Points of"), _("Why"), _("Debit"), _("Credit"), _("Amount"), _("Of which by another estimate"))
    rows = tuple(
        (
            Cell(reader.month(entry.month), entry.month.isoformat()[:7]),
            Cell(reader.month(entry.vintage), entry.vintage.isoformat()[:7]),
            Cell(entry_label(entry.kind), entry.kind),
            Cell(books_account(entry.debit), entry.debit),
            Cell(books_account(entry.credit), entry.credit),
            Cell(reader.money(entry.amount_minor, found.money), entry.amount_minor),
            Cell(
                reader.money(entry.revision_minor, found.money) if entry.revision_minor else reader.NOTHING,
                entry.revision_minor,
            ),
        )
        for entry in list(reversed(entries))[:FEW_ENTRIES]
    )
    return Picture(
        "journal",
        _("Journal entries"),
        _("the last %(count)s; the file holds all of them") % {"count": FEW_ENTRIES},
        "",
        {},
        Table(heads, rows),
        is_table=True,
    )


def _draw_months(values: Sequence[dict[str, Any]], label: str, *, is_line: bool) -> dict[str, Any]:
    """Points by month: a line over an area, or bars, from zero."""
    shown = over(list(values))
    axis = alt.Axis(format="%b %Y", tickCount=6, grid=False, labelOverlap="greedy")
    y = alt.Y(
        "points:Q", scale=alt.Scale(zero=True, nice=True), axis=alt.Axis(tickCount=5, format=",d", domain=False, ticks=False)
    )
    tooltip = [
        alt.Tooltip("month:T", title=_("Month"), format="%B %Y"),
        alt.Tooltip("points:Q", title=label, format=",d"),
    ]
    if not is_line:
        x = alt.X("yearmonth(month):T", axis=axis)
        bars = shown.mark_bar(color=AMBER, cornerRadiusEnd=2).encode(x=x, y=y, tooltip=tooltip)
        return spec_of(alt.layer(bars), 220)
    x = alt.X("month:T", axis=axis)
    near = alt.selection_point(fields=["month"], nearest=True, on="pointermove", empty=False, clear="pointerout")
    area = shown.mark_area(color=GREEN, opacity=0.12).encode(x=x, y=y)
    line = shown.mark_line(color=GREEN, strokeWidth=2.25).encode(x=x, y=y)
    dots = (
        shown.mark_point(color=GREEN, filled=True, size=70)
        .encode(x=x, y=y, tooltip=tooltip, opacity=alt.condition(near, alt.value(1), alt.value(0)))
        .add_params(near)
    )
    last = over(list(values[-1:])).mark_point(color=GREEN, filled=True, size=55, opacity=1).encode(x=x, y=y)
    return spec_of(alt.layer(area, line, dots, last), 260)
