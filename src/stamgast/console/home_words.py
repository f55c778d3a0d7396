"""The measures of the home page in words: value, change against the period before, interval, definition; and the charts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stamgast.console import reader
from stamgast.console.charts import draw_bridge, draw_members
from stamgast.flows.measure import Figure, HomeMeasures

GREEN, AMBER, BRICK, LIGHT = "var(--sg-green)", "var(--sg-amber)", "var(--sg-brick)", "var(--sg-slate)"


@dataclass(frozen=True, slots=True)
class Card:
    """One measure as the page shows it. ``behind`` is the address of the customers that it counts."""

    label: str
    value: str
    change: str
    change_class: str
    change_icon: str
    interval: str
    definition: str
    behind: str = ""


def cards(measured: HomeMeasures, weeks: int) -> list[Card]:
    """The four measures that decide."""
    write_money = money_of(measured.currency)
    return [
        card_of(_("Retention"), measured.retention, reader.percent, (points, share_points), retention_words(weeks)),
        card_of(
            _("Repeat purchase"),
            measured.repeat_purchase_rate,
            reader.percent,
            (points, share_points),
            _("Of the customers who bought in this period, the share that bought at least twice in it."),
        ),
        card_of(
            _("Average order"),
            measured.average_order_value_minor,
            write_money,
            (write_money, write_money),
            _("Revenue divided by orders. What was returned is taken off; orders of zero are not counted."),
        ),
        card_of(
            _("Revenue of the best 20 %"),
            measured.top20_revenue_share,
            reader.percent,
            (points, share_points),
            _(
                "Of all revenue, the share from the fifth of your buyers who spent most. More is not better: it says how much "
                "hangs on a few."
            ),
            is_judged=False,
        ),
    ]


def card_of(
    label: str,
    figure: Figure,
    write: Callable[[float], str],
    units: tuple[Callable[[float], str], Callable[[float], str]],
    definition: str,
    *,
    is_judged: bool = True,
    behind: str = "",
) -> Card:
    """A card; ``write`` says a value, ``units`` a difference without its sign, in full and in short.

    Where ``is_judged``, more is better.
    """
    if figure.value is None:
        return Card(label, reader.NOTHING, "", "", "", _("Not enough data in this period yet."), definition, behind)
    interval = ""
    if figure.low is not None and figure.high is not None:
        low = write(figure.low).removesuffix(f"{reader.NO_BREAK}%")
        unit_before = low.partition(reader.NO_BREAK)[0] + reader.NO_BREAK if reader.NO_BREAK in low else ""
        interval = _("between %(low)s and %(high)s") % {"low": low, "high": write(figure.high).removeprefix(unit_before)}
    change, tone, icon = _change(figure, *units, is_judged=is_judged)
    return Card(label, write(figure.value), change, tone, icon, interval, definition, behind)


def _change(
    figure: Figure, unit: Callable[[float], str], brief: Callable[[float], str], *, is_judged: bool
) -> tuple[str, str, str]:
    """The change in words. Where its interval holds zero, the data do not say that anything changed, and neither do we."""
    change = figure.difference
    if change is None:
        return _("no period before to compare with"), "", ""
    size = unit(abs(change))
    if size == unit(0):
        return _("the same as before"), "", ""
    if not figure.is_change_certain:
        sign = "+" if change > 0 else reader.MINUS
        return _("about the same (%(change)s)") % {"change": f"{sign}{brief(abs(change))}"}, "", ""
    if change > 0:
        return _("%(change)s higher") % {"change": size}, "sg-good" if is_judged else "", "arrow-up-right"
    return _("%(change)s lower") % {"change": size}, "sg-bad" if is_judged else "", "arrow-down-right"


def points(share: float) -> str:
    """A difference of shares, in percentage points: "points" alone is what customers earn."""
    return _("%(count)s percentage points") % {"count": reader.number(share * 100, 1)}


def share_points(share: float) -> str:
    """The same beside a percentage, where the unit is plain."""
    return reader.number(share * 100, 1)


def money_of(currency: str) -> Callable[[float], str]:
    """Writes minor units of a currency."""
    return lambda minor: reader.money(round(minor), currency)


def members_context(rows: Sequence[tuple[date, int]]) -> dict[str, Any]:
    """The chart of loyal customers over time, its title and its table."""
    first, last = rows[0], rows[-1]
    words = {
        "count": reader.number(last[1]),
        "day": reader.day(last[0]),
        "before": reader.number(first[1]),
        "then": reader.day(first[0]),
    }
    more = last[1] - first[1]
    words["change"] = reader.number(abs(more))
    if more > 0:
        title = ngettext("%(change)s more loyal customer", "%(change)s more loyal customers", more)
    elif more < 0:
        title = ngettext("%(change)s fewer loyal customer", "%(change)s fewer loyal customers", -more)
    else:
        title = _("As many loyal customers as before")
    return {
        "members_title": title % words,
        "members_note": _("since %(then)s; score over 100") % words,
        "members_summary": _("%(count)s loyal customers on %(day)s; %(before)s on %(then)s. The table below has every day.")
        % words,
        "members_rows": list(reversed(rows)),
        "members_spec": draw_members(rows, _("Loyal customers"), _("Day")),
    }


def bridge_context(measured: HomeMeasures, weeks: int) -> dict[str, Any]:
    """Stayed, came back, new, left; and both formulas in words with their numbers."""
    bridge, value, classic = measured.bridge, measured.retention.value, measured.classic_retention
    rows = [
        (_("stayed"), bridge.retained, GREEN, _("bought in both periods")),
        (_("came back"), bridge.reactivated, LIGHT, _("bought before, not in the period before this one")),
        (_("new"), bridge.new, AMBER, _("bought for the first time ever")),
        (_("left"), bridge.lost, BRICK, _("bought in the period before, not in this one")),
    ]
    numbers = {
        "start": reader.number(bridge.start),
        "retained": reader.number(bridge.retained),
        "end": reader.number(bridge.end),
        "new": reader.number(bridge.new),
        "value": reader.percent(value),
        "classic": reader.percent(classic),
        "count": reader.number(weeks),
    }
    kept = _("Of the %(start)s who bought in the period before, %(retained)s bought again: %(value)s stayed.") % numbers
    formula = _(
        "The textbook formula, (buyers now %(end)s − new %(new)s) ÷ buyers before %(start)s, gives %(classic)s: "
        "it counts who came back as if they had never been away."
    )
    return {
        "bridge_rows": rows,
        "bridge_note": ngettext("against the week before", "against the %(count)s weeks before", weeks) % numbers,
        "bridge_summary": "; ".join(f"{what}: {reader.number(count)}" for what, count, _colour, _words in rows),
        "bridge_kept": kept if value is not None else _("Nobody bought in the period before."),
        "bridge_classic": formula % numbers if classic is not None else "",
        "bridge_spec": draw_bridge(
            [(what, count, colour) for what, count, colour, _words in rows], _("What they did"), _("Customers")
        ),
    }


def trend(measured: HomeMeasures, weeks: int) -> str:
    """What moved, as the second sentence of the page: who came for the first time, and who stayed away."""
    bridge = measured.bridge
    if not bridge.start:
        return ""
    first = ngettext(
        "In the last week %(new)s bought for the first time.",
        "In the last %(count)s weeks %(new)s bought for the first time.",
        weeks,
    )
    away = ngettext(
        "%(lost)s who bought the week before stayed away.",
        "%(lost)s who bought in the %(count)s weeks before stayed away.",
        weeks,
    )
    numbers = {"count": reader.number(weeks), "new": reader.number(bridge.new), "lost": reader.number(bridge.lost)}
    return f"{first % numbers} {away % numbers}"


def retention_words(weeks: int) -> str:
    """How retention is counted."""
    text = ngettext(
        "Of the customers who bought in the week before, the share that bought again in the last week.",
        "Of the customers who bought in the %(count)s weeks before, the share that bought again in the last %(count)s weeks.",
        weeks,
    )
    return text % {"count": reader.number(weeks)}
