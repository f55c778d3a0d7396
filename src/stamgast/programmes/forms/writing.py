"""The values of a form, written into the document that they came from: each difference in its own place."""

from collections.abc import Sequence
from typing import Any

from stamgast.programmes.documents import Document
from stamgast.programmes.forms.conditions import change_condition
from stamgast.programmes.forms.text import Path, Text
from stamgast.programmes.forms.values import (
    CardValues,
    LevelValues,
    LifeValues,
    NewCard,
    NewCurrency,
    NewLevel,
    NewRule,
    RuleValues,
    Span,
    TierValues,
    Values,
    stated_values,
)
from stamgast.programmes.reading import read

New = NewRule | NewLevel | NewCard | NewCurrency


def rewrite(document: Document, values: Values, *, removed: Sequence[Path] = (), added: Sequence[New] = ()) -> str:
    """The text of ``document`` with these values, without what stands at the places ``removed`` (no two in one list), and
    with what is ``added``.

    ``values`` has the rules, currencies and levels of the document, in its order. Raises InvalidProgramme where the text is
    written in a way in which an item cannot be taken out or put in. The result is not checked: ``load`` does.
    """
    text, content = Text(document.text), read(document.text)[0]
    before = stated_values(document, content)
    for place, (was, new) in enumerate(zip(before.rules, values.rules, strict=True)):
        _change_rule(text, ("earn", place), was, new)
        if was.when is not None and new.when is not None and new.when != was.when:
            change_condition(text, ("earn", place, "when"), content["earn"][place]["when"], was.when, new.when)
    for was_life, life in zip(before.lives, values.lives, strict=True):
        _change_life(text, ("currencies", life.currency), was_life, life)
    for place, (was_card, card) in enumerate(zip(before.cards, values.cards, strict=True)):
        _change_card(text, ("cards", place), was_card, card)
    if before.tiers is not None and values.tiers is not None:
        _change_tiers(text, before.tiers, values.tiers)
    levels: list[LevelValues] = list(values.tiers.levels) if values.tiers is not None else []
    lists: dict[str, list[Any]] = {"earn": list(values.rules), "tiers": levels, "cards": list(values.cards)}
    for path in removed:
        kept = lists[str(path[0])]
        del kept[int(path[-1])]
        text.drop(path if kept else path[:1])
    for one in added:
        _add(text, one, levels, lists["cards"])
    return text.text


def _add(text: Text, new: New, levels: Sequence[LevelValues], cards: Sequence[CardValues]) -> None:
    match new:
        case NewRule():
            text.add(("earn",), {"name": new.name, "when": {"activity": new.kind}, "give": {new.currency: new.amount}})
        case NewLevel():
            _add_level(text, new, levels)
        case NewCurrency():
            text.put(("currencies", new.name), {})
        case NewCard(card):
            stated = {"name": card.name, "of": card.currency, "each": card.each, "give": dict(card.gives)}
            if cards:
                text.add(("cards",), stated)
            else:
                text.put(("cards",), [stated])


def end_rule(document: Document, rule: str, until: str) -> str:
    """The text with the last day, or the moment, of one rule; ``until`` as documents write it. The result is not checked."""
    text = Text(document.text)
    place = next(place for place, one in enumerate(document.rules) if one.name == rule)
    text.put(("earn", place, "until"), until)
    return text.text


def _change_rule(text: Text, path: Path, was: RuleValues, new: RuleValues) -> None:
    if was.turn is not None and new.turn is not None and new.turn != was.turn:
        if new.turn.kind != "each":
            text.put((*path, new.turn.kind), new.turn.count)
        if was.turn.kind not in ("each", new.turn.kind):
            text.drop((*path, was.turn.kind))
    for before, give in zip(was.gives, new.gives, strict=True):
        here = (*path, "give", give.currency)
        if give.amount != before.amount:
            text.put((*here, "amount") if give.per is not None else here, give.amount)
        if give.per != before.per:
            text.put((*here, "per"), give.per)
    caps_before = {give.currency: give.cap for give in was.gives if give.cap is not None}
    caps = {give.currency: give.cap for give in new.gives if give.cap is not None}
    if (caps, new.cap_period) == (caps_before, was.cap_period) or not new.gives:  # what multiplies keeps its cap
        return
    if not caps:
        text.drop((*path, "cap"))
    elif caps.keys() == caps_before.keys():
        for currency, amount in caps.items():
            if amount != caps_before[currency]:
                text.put((*path, "cap", currency), amount)
        if new.cap_period != was.cap_period:
            text.put((*path, "cap", "per"), new.cap_period)
    else:
        text.put((*path, "cap"), {**caps, "per": new.cap_period})


def _change_life(text: Text, path: Path, was: LifeValues, new: LifeValues) -> None:
    if new == was:
        return
    expires = (*path, "expires")
    if new.count is None:
        if was.count is not None:
            text.drop(expires)
        return
    after = str(Span(new.count, new.unit))
    if was.count is None:
        text.put(expires, {"after": after} | ({"at": new.at} if new.at != "exact" else {}))
        return
    if (new.count, new.unit) != (was.count, was.unit):
        text.put((*expires, "after"), after)
    if new.at != was.at:
        text.put((*expires, "at"), new.at)


def _change_tiers(text: Text, was: TierValues, new: TierValues) -> None:
    if new.currency != was.currency and new.currency is not None:
        text.put(("tiers", "qualify_on"), new.currency)
    if (new.rolling is None) != (was.rolling is None):
        text.put(("tiers", "period"), _period(new))
    elif new.rolling is not None and new.rolling != was.rolling:
        text.put(("tiers", "period", "rolling"), str(new.rolling))
    elif new.rolling is None:
        if new.calendar != was.calendar:
            text.put(("tiers", "period", "calendar"), new.calendar)
        if new.month != was.month:
            text.put(("tiers", "period", "from"), new.month)
    _put_or_drop(text, ("tiers", "grace"), was.grace and str(was.grace), new.grace and str(new.grace))
    if new.is_soft != was.is_soft:
        text.put(("tiers", "downgrade"), "one level" if new.is_soft else "to what was earned")
    for place, (before, level) in enumerate(zip(was.levels, new.levels, strict=True)):
        _change_level(text, ("tiers", "levels", place), before, level)


def _period(tiers: TierValues) -> dict[str, str]:
    if tiers.rolling is not None:
        return {"rolling": str(tiers.rolling)}
    return {"calendar": tiers.calendar, "from": tiers.month}


def _change_level(text: Text, path: Path, was: LevelValues, new: LevelValues) -> None:
    if new.name != was.name:
        text.put((*path, "name"), new.name)
    if new.threshold != was.threshold and new.threshold is not None:
        text.put((*path, "from"), new.threshold)
    before, after = dict(was.multiplies), dict(new.multiplies)
    if before.keys() == after.keys():
        for currency, factor in after.items():
            if factor != before[currency]:
                text.put((*path, "multiply", currency), factor)
    else:
        _put_or_drop(text, (*path, "multiply"), before or None, after or None)


def _change_card(text: Text, path: Path, was: CardValues, new: CardValues) -> None:
    for name, before, after in (("name", was.name, new.name), ("of", was.currency, new.currency), ("each", was.each, new.each)):
        if before != after:
            text.put((*path, name), after)
    before_gives, gives = dict(was.gives), dict(new.gives)
    if before_gives.keys() == gives.keys():
        for currency, amount in gives.items():
            if amount != before_gives[currency]:
                text.put((*path, "give", currency), amount)
    else:
        text.put((*path, "give"), gives)


def _put_or_drop(text: Text, path: Path, was: Any, new: Any) -> None:
    """Writes what may be there or not."""
    if new == was:
        return
    if new is None:
        text.drop(path)
    else:
        text.put(path, new)


def _add_level(text: Text, new: NewLevel, levels: Sequence[LevelValues]) -> None:
    """A level stands before those that need more. With the first one tiers begin, by the calendar's year."""
    stated = {"name": new.name, "from": new.threshold}
    if not levels:
        qualify = new.qualify_on or {"spend": {"activity": new.kinds[0] if len(new.kinds) == 1 else list(new.kinds)}}
        text.put(("tiers",), {"qualify_on": qualify, "period": {"calendar": "year"}, "levels": [stated]})
        return
    higher = [place for place, one in enumerate(levels) if one.threshold is not None and one.threshold > new.threshold]
    text.add(("tiers", "levels"), stated, higher[0] if higher else None)
