"""A simulation in words: the sentence, the figures that decide, the pictures with their tables, and how to read them."""

from collections.abc import Sequence
from typing import Any

import altair as alt
from django.utils.translation import gettext as _

from stamgast.console import reader
from stamgast.console.charts import over, spec_of
from stamgast.console.home_words import GREEN, LIGHT, Card
from stamgast.console.insights.shape import Cell, Page, Picture, Table, between
from stamgast.console.programme_words import rule_label
from stamgast.console.simulation_notes import notes_of
from stamgast.console.words import currency_label
from stamgast.flows.simulation.answering import Answer, CurrencyAnswer, MonthLine, Pair
from stamgast.insights.sampling import Estimate
from stamgast.insights.simulation import Share

LARGE_MINOR = 100_000


def simulation_page(answer: Answer) -> Page:
    """The page. The currency of which most is given leads."""
    ordered = sorted(answer.currencies, key=lambda one: -max(one.given.before.value, one.given.after.value))
    lead = _("Loyal customers: %(before)s by the programme in force, %(after)s by the draft.") % {
        "before": estimate(answer.loyal_before),
        "after": estimate(answer.loyal_after),
    }
    pictures = [_rules(answer)]
    for one in ordered:
        pictures += [_given(one), _outstanding(one), _running_off(one)]
    pictures += [_members(answer, tier) for tier in dict.fromkeys(one.tier for one in answer.tiers)]
    return Page(_title(ordered[0]) if ordered else _("Neither programme gives anything"), lead, _cards(answer, ordered),
        tuple(pictures), tuple(notes_of(answer)))  # fmt: skip


def estimate(one: Estimate) -> str:
    """A number, with its interval where it is an estimate."""
    if one.is_exact:
        return reader.number(one.value)
    numbers = {name: reader.number(getattr(one, name)) for name in ("value", "low", "high")}
    return _("about %(value)s (%(low)s to %(high)s)") % numbers


def _title(one: CurrencyAnswer) -> str:
    more = one.given.difference.value
    words = {
        "currency": currency_label(one.currency),
        "change": reader.number(abs(more)),
        "after": reader.number(one.given.after.value),
        "before": reader.number(one.given.before.value),
    }
    if not one.given.difference.is_exact:
        low, high = one.given.difference.low, one.given.difference.high
        if low <= 0 <= high:
            return _("Whether the draft gives more or less cannot be told from this sample")
        if more > 0:
            return _("The draft gives about %(change)s more: %(currency)s, about %(after)s instead of %(before)s") % words
        return _("The draft gives about %(change)s less: %(currency)s, about %(after)s instead of %(before)s") % words
    if not more:
        return _("The draft gives as much as the programme in force: %(currency)s, %(after)s") % words
    if more > 0:
        return _("The draft gives %(change)s more: %(currency)s, %(after)s instead of %(before)s") % words
    return _("The draft gives %(change)s less: %(currency)s, %(after)s instead of %(before)s") % words


def _cards(answer: Answer, ordered: Sequence[CurrencyAnswer]) -> tuple[Card, ...]:
    cards = []
    for one in ordered[:1]:
        if one.cost_minor is not None:
            cost = one.cost_minor
            cards.append(
                Card(
                    _("Cost"),
                    _money(cost.after.value, answer),
                    _("%(before)s in force") % {"before": _money(cost.before.value, answer)},
                    "",
                    _icon(cost),
                    _range([_money(limit, answer) for limit in _limits(cost.after)]),
                    _("What was given times what you say that one of it costs, as if all of it were redeemed."),
                )
            )
        cards.append(
            _card(
                _("Outstanding at the end"),
                one.outstanding,
                _("What was given and neither redeemed nor expired by then, under the behaviour that you chose."),
            )
        )
        sides = ((one.is_spendable_before, one.breakage_before), (one.is_spendable_after, one.breakage_after))
        if all(share is not None or not is_spendable for is_spendable, share in sides):
            before, after = (
                reader.percent(share.value) if share is not None else _("does not apply") for _spendable, share in sides
            )
            share = one.breakage_after
            interval = [reader.percent(share.low), reader.percent(share.high)] if share and share.low < share.high else []
            definition = _("Of what was given, the share that nobody will redeem, whether it expires or not: breakage.")
            if not (one.is_spendable_before and one.is_spendable_after):
                definition = _("What is only counted and cannot be spent is not redeemed, so that it has no breakage.")
            change = _("%(before)s in force") % {"before": before}
            cards.append(Card(_("Never redeemed"), after, change, "", "", _range(interval), definition))
    if answer.tiers:
        limits = _range([reader.number(limit) for limit in _limits(answer.moved)])
        definition = _("Members whose level at the end is another by the draft than by the programme in force.")
        cards.append(Card(_("Another level"), reader.number(answer.moved.value), "", "", "", limits, definition))
    cards.append(
        Card(
            _("Get more"),
            reader.number(answer.gaining.value),
            _("%(losing)s get less") % {"losing": reader.number(answer.losing.value)},
            "",
            "",
            _range([reader.number(limit) for limit in _limits(answer.gaining)]),
            _("Customers whom the draft gives more of a currency than the programme in force."),
        )
    )
    return tuple(cards)


def _money(minor: int, answer: Answer) -> str:
    """An amount, without what is beside the point in a large one."""
    return reader.money(minor, answer.money, is_rounded=abs(minor) >= LARGE_MINOR)


def _card(label: str, pair: Pair, definition: str) -> Card:
    change = _("%(before)s in force") % {"before": reader.number(pair.before.value)}
    limits = _range([reader.number(limit) for limit in _limits(pair.after)])
    return Card(label, reader.number(pair.after.value), change, "", _icon(pair), limits, definition)


def _icon(pair: Pair) -> str:
    more = pair.difference.value
    return "arrow-up-right" if more > 0 else "arrow-down-right" if more < 0 else ""


def _limits(one: Estimate) -> list[int]:
    return [] if one.is_exact else [one.low, one.high]


def _range(limits: Sequence[str]) -> str:
    return _("between %(low)s and %(high)s") % {"low": limits[0], "high": limits[1]} if limits else ""


def _cells(pair: Pair) -> tuple[Cell, ...]:
    """Both sides, what the draft adds, and how sure that is."""
    more = pair.difference
    certain = Cell(
        reader.NOTHING if more.is_exact else f"{reader.signed(more.low)} \N{EN DASH} {reader.signed(more.high)}",
        "" if more.is_exact else f"{more.low}/{more.high}",
    )
    return (
        Cell(reader.number(pair.before.value), pair.before.value),
        Cell(reader.number(pair.after.value), pair.after.value),
        Cell(reader.signed(more.value), more.value),
        certain,
    )


def _heads(first: str) -> tuple[str, ...]:
    return (first, _("In force"), _("Draft"), _("Difference"), _("Interval of the difference"))


def _given(one: CurrencyAnswer) -> Picture:
    label = currency_label(one.currency)
    return Picture(
        f"given-{one.currency}",
        _("Given by month: %(currency)s") % {"currency": label},
        _("by the programme in force and by the draft"),
        _summary(one.given),
        _lines([(row.month.isoformat(), row.given) for row in one.months]),
        Table(_heads(_("Month")), tuple(
            (Cell(reader.month(row.month), f"{row.month:%Y-%m}"), *_cells(row.given)) for row in reversed(one.months)
        )),
    )  # fmt: skip


def _outstanding(one: CurrencyAnswer) -> Picture:
    return Picture(
        f"outstanding-{one.currency}",
        _("Outstanding at the end of each month: %(currency)s") % {"currency": currency_label(one.currency)},
        _("the liability in units, under the behaviour that you chose")
        if one.is_spendable_before or one.is_spendable_after
        else _("what was given and has not expired; it is only counted and cannot be spent"),
        _summary(one.outstanding),
        _lines([(row.month.isoformat(), row.outstanding) for row in one.months]),
        _liability_table(one, list(reversed(one.months))),
    )


def _running_off(one: CurrencyAnswer) -> Picture:
    """What becomes of what is outstanding, month by month to come, what is left of this month first."""
    rows = [*one.months[-2:-1], *one.ahead]
    return Picture(
        f"ahead-{one.currency}",
        _("What is outstanding now, running off: %(currency)s") % {"currency": currency_label(one.currency)},
        _("the months to come, if nothing more were given, under the behaviour that you chose")
        if one.is_spendable_before or one.is_spendable_after
        else _("the months to come, if nothing more were given; it is only counted and cannot be spent"),
        _summary(one.ahead[-1].outstanding if one.ahead else one.outstanding),
        _lines([(row.month.isoformat(), row.outstanding) for row in rows]),
        _liability_table(one, one.ahead),
    )


def _liability_table(one: CurrencyAnswer, months: Sequence[MonthLine]) -> Table:
    """Outstanding at the end of each month by either programme, with what was redeemed and expired in it; nothing is said of
    the redemption of what cannot be spent."""
    heads = (
        *_heads(_("Month")), _("Redeemed, in force"), _("Redeemed, draft"), _("Expired, in force"), _("Expired, draft"),
    )  # fmt: skip
    rows = [
        (
            Cell(reader.month(row.month), f"{row.month:%Y-%m}"),
            *_cells(row.outstanding),
            *(
                Cell(reader.number(side.value), side.value) if is_told else Cell(reader.NOTHING, "")
                for side, is_told in (
                    (row.redeemed.before, one.is_spendable_before),
                    (row.redeemed.after, one.is_spendable_after),
                    (row.expired.before, True),
                    (row.expired.after, True),
                )
            ),
        )
        for row in months
    ]
    return Table(heads, tuple(rows))


def _members(answer: Answer, tier: str) -> Picture:
    """How many members hold one level."""
    rows = [(one.month, Pair(one.before, one.after, _apart(one.before, one.after))) for one in answer.tiers if one.tier == tier]
    heads = (_("Month"), _("In force"), _("Draft"), _("Difference"))
    return Picture(
        f"members-{[one.tier for one in answer.tiers].index(tier)}",
        _("Members at the end of each month: %(level)s") % {"level": tier},
        _("who holds the level by the programme in force and by the draft"),
        _summary(rows[-1][1]),
        _lines([(month.isoformat(), pair) for month, pair in rows]),
        Table(heads, tuple((Cell(reader.month(month), f"{month:%Y-%m}"), *_cells(pair)[:3]) for month, pair in reversed(rows))),
    )


def _apart(before: Estimate, after: Estimate) -> Estimate:
    return Estimate(*[after.value - before.value] * 3)


def _rules(answer: Answer) -> Picture:
    has_costs = any(one.cost_minor for one in answer.rules)
    heads = (*_heads(_("Rule")), *((_("Cost in force"), _("Cost of the draft")) if has_costs else ()))
    rows = []
    values = []
    for one in answer.rules:
        name = f"{rule_label(one.rule)} · {currency_label(one.currency)}"
        costs: tuple[Cell, ...] = ()
        if has_costs:
            sides = (one.cost_minor.before.value, one.cost_minor.after.value) if one.cost_minor else (None, None)
            costs = tuple(Cell(reader.money(side, answer.money), "" if side is None else side) for side in sides)
        rows.append((Cell(name, f"{one.rule}/{one.currency}"), *_cells(one.points), *costs))
        values += [
            {"rule": name, "side": side, "order": order, "points": found.value, "colour": colour}
            for order, (side, found, colour) in enumerate(
                ((_("In force"), one.points.before, LIGHT), (_("Draft"), one.points.after, GREEN))
            )
        ]
    return Picture(
        "rules",
        _("What each rule gives"),
        _("by the programme in force and by the draft"),
        "; ".join(f"{row['rule']}, {row['side']}: {reader.number(row['points'])}" for row in values),
        _bars(values) if values else {},
        Table(heads, tuple(rows)),
    )


def _summary(pair: Pair) -> str:
    words = {"before": estimate(pair.before), "after": estimate(pair.after)}
    return _("%(before)s by the programme in force, %(after)s by the draft.") % words


def _lines(rows: Sequence[tuple[str, Pair]]) -> dict[str, Any]:
    """Two lines from zero, each with its name at the end."""
    if len(rows) < 2:
        return {}
    sides = ((_("In force"), "before", LIGHT), (_("Draft"), "after", GREEN))
    values = [
        {"month": month, "side": name, "points": getattr(pair, side).value, "colour": colour}
        for month, pair in rows
        for name, side, colour in sides
    ]
    x = alt.X("month:T", axis=alt.Axis(format="%b %Y", tickCount=6, grid=False, labelOverlap="greedy"))
    y = alt.Y("points:Q", scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=5, format=",d", domain=False, ticks=False))
    tooltip = [
        alt.Tooltip("month:T", title=_("Month"), format="%b %Y"),
        alt.Tooltip("side:N", title=_("Programme")),
        alt.Tooltip("points:Q", title=_("Amount"), format=",d"),
    ]
    colour = alt.Color("colour:N", scale=None)
    shown = over(values)
    lines = shown.mark_line(strokeWidth=2.25).encode(x=x, y=y, color=colour, detail="side:N")
    dots = shown.mark_point(filled=True, size=40, opacity=1).encode(x=x, y=y, color=colour, tooltip=tooltip)
    last = values[-2:]
    tall = max(row["points"] for row in values) or 1
    is_near = abs(last[0]["points"] - last[1]["points"]) < tall * 0.08
    shift = 9 if is_near else 0
    higher = 0 if last[0]["points"] > last[1]["points"] else 1
    names = [
        over([row])
        .mark_text(align="left", dx=9, dy=-shift if place == higher else shift, fontWeight=600, fontSize=12)
        .encode(x=x, y=y, text="side:N", color=colour)
        for place, row in enumerate(last)
    ]
    return spec_of(alt.layer(lines, dots, *names), 280)


def _bars(values: list[dict[str, Any]]) -> dict[str, Any]:
    """Two bars a rule, from zero, with their number at the end."""
    rules = list(dict.fromkeys(row["rule"] for row in values))
    largest = max(row["points"] for row in values) or 1
    y = alt.Y("rule:N", sort=rules, axis=alt.Axis(domain=False, ticks=False, labelColor="var(--sg-ink)", labelLimit=150))
    offset = alt.YOffset("order:O")
    x = alt.X("points:Q", scale=alt.Scale(domain=[0, largest * 1.35]), axis=None)
    tooltip = [
        alt.Tooltip("rule:N", title=_("Rule")),
        alt.Tooltip("side:N", title=_("Programme")),
        alt.Tooltip("points:Q", title=_("Amount"), format=",d"),
    ]
    told = [{**row, "text": f"{reader.number(row['points'])} {row['side']}"} for row in values]
    shown = over(told)
    bars = shown.mark_bar(cornerRadiusEnd=3).encode(
        x=x, y=y, yOffset=offset, color=alt.Color("colour:N", scale=None), tooltip=tooltip
    )
    words = shown.mark_text(align="left", dx=6, fontSize=12).encode(x=x, y=y, yOffset=offset, text="text:N")
    return spec_of(alt.layer(bars, words), 60 * len(rules) + 20)


def share_text(share: Share) -> str:
    """A share with its interval, where it has one."""
    if share.low == share.high:
        return reader.percent(share.value)
    return f"{reader.percent(share.value)} ({between(share.low, share.high)})"
