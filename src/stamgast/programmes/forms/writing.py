"""The values of a form, written into the document that they came from: each difference in its own place."""

from collections.abc import Mapping, Sequence
from typing import Any

from stamgast.programmes.documents import Document
from stamgast.programmes.forms.conditions import change_condition, stated_condition
from stamgast.programmes.forms.text import Path, Text
from stamgast.programmes.forms.values import (
    BenefitValues,
    CardValues,
    GiveValues,
    LevelValues,
    LifeValues,
    NewCard,
    NewCurrency,
    NewLevel,
    NewRule,
    RuleValues,
    Span,
    TierValues,
    TurnValues,
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
    _put_or_drop(text, ("stacking",), before.stacking, values.stacking)
    _put_or_drop(text, ("round",), before.rounding, values.rounding)
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
            text.add(("earn",), _stated_rule(new))
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


def _stated_rule(new: NewRule) -> dict[str, Any]:
    worth = {"give": {new.currency: new.amount}} if new.factor is None else {"multiply": {new.currency: new.factor}}
    time = {key: moment for key, moment in (("from", new.begins), ("until", new.ends)) if moment is not None}
    return {"name": new.name, "when": stated_condition(new.when), **time, **worth}


def end_rule(document: Document, rule: str, until: str) -> str:
    """The text with the last day, or the moment, of one rule; ``until`` as documents write it. The result is not checked."""
    text = Text(document.text)
    place = next(place for place, one in enumerate(document.rules) if one.name == rule)
    text.put(("earn", place, "until"), until)
    return text.text


def _change_rule(text: Text, path: Path, was: RuleValues, new: RuleValues) -> None:
    if new.name != was.name:
        text.put((*path, "name"), new.name)
    _put_or_drop(text, (*path, "from"), was.begins, new.begins)
    _put_or_drop(text, (*path, "until"), was.ends, new.ends)
    if new.turn != was.turn:
        _change_turn(text, path, was.turn, new.turn)
    for before, give in zip(was.gives, new.gives, strict=True):
        _change_give(text, (*path, "give", give.currency), before, give)
    factors = [{one.currency: one.factor for one in rule.multiplies} for rule in (was, new)]
    _change_entries(text, (*path, "multiply"), *factors)
    _change_entries(text, (*path, "cap"), *(_stated_caps(rule) for rule in (was, new)))
    _change_entries(text, (*path, "budget"), was.budgets, new.budgets)


def _stated_caps(rule: RuleValues) -> dict[str, Any]:
    return {**rule.caps, "per": rule.cap_period} if rule.caps else {}


def _change_turn(text: Text, path: Path, was: TurnValues, new: TurnValues) -> None:
    if new.kind == was.kind:
        stated, before = _stated_turn(new), _stated_turn(was)
        if isinstance(stated, dict):
            _change_entries(text, (*path, new.kind), before, stated)
        else:
            text.put((*path, new.kind), stated)
        return
    if new.kind != "each":
        text.put((*path, new.kind), _stated_turn(new))
    if was.kind != "each":
        text.drop((*path, was.kind))


def _stated_turn(turn: TurnValues) -> Any:
    if turn.kind == "streak":
        return {"count": turn.count, "per": turn.per}
    if turn.kind == "challenge":
        return {"count": turn.count, "different": turn.different, "per": turn.per}
    return turn.count


def _change_give(text: Text, path: Path, was: GiveValues, new: GiveValues) -> None:
    if new.per is None:
        if (new.amount, new.per) != (was.amount, was.per):
            text.put(path, new.amount)
        return
    if was.per is None:
        of = {"of": new.of} if new.of == "quantity" else {}
        text.put(path, {"amount": new.amount, "per": new.per} | of)
        return
    if new.amount != was.amount:
        text.put((*path, "amount"), new.amount)
    if new.per != was.per:
        text.put((*path, "per"), new.per)
    _put_or_drop(text, (*path, "of"), was.of, new.of)


def _change_life(text: Text, path: Path, was: LifeValues, new: LifeValues) -> None:
    _change_expiry(text, (*path, "expires"), was, new)
    _put_or_drop(text, (*path, "pending"), was.pending and str(was.pending), new.pending and str(new.pending))
    if new.is_spendable != was.is_spendable:
        text.put((*path, "spendable"), new.is_spendable)
    if new.called != was.called:
        _change_called(text, (*path, "called"), *(_stated_words(life.called) for life in (was, new)))


def _change_called(text: Text, path: Path, was: Any, new: Any) -> None:
    """What is called alike in both languages stands as one pair."""
    if isinstance(was, dict) and isinstance(new, dict):
        _change_entries(text, path, was, new)
    else:
        _put_or_drop(text, path, was, new)


def _stated_words(called: Mapping[str, tuple[str, str]]) -> Any:
    pairs = {language: list(words) for language, words in called.items()}
    alike = [pair for pair in pairs.values() if all(pair == other for other in pairs.values())]
    return alike[0] if alike else pairs or None


def _change_expiry(text: Text, path: Path, was: LifeValues, new: LifeValues) -> None:
    if new.count is None:
        if was.count is not None:
            text.drop(path)
        return
    after = str(Span(new.count, new.unit))
    if was.count is None:
        text.put(path, {"after": after} | ({"at": new.at} if new.at != "exact" else {}))
        return
    if (new.count, new.unit) != (was.count, was.unit):
        text.put((*path, "after"), after)
    if new.at != was.at:
        text.put((*path, "at"), new.at)


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
    _change_entries(text, (*path, "multiply"), dict(was.multiplies), dict(new.multiplies))
    benefits = [{one.name: one for one in level.benefits} for level in (was, new)]
    _change_benefits(text, (*path, "benefits"), *benefits)


def _change_benefits(text: Text, path: Path, was: Mapping[str, BenefitValues], new: Mapping[str, BenefitValues]) -> None:
    """What is said in both languages alike stands as one text."""
    stated, before = ({name: _stated_benefit(one) for name, one in benefits.items()} for benefits in (new, was))
    for name, words in stated.items():
        if isinstance(words, dict) and isinstance(before.get(name), dict):
            _change_entries(text, (*path, name), before[name], words)
            before[name] = words
    _change_entries(text, path, before, stated)


def _stated_benefit(benefit: BenefitValues) -> Any:
    return benefit.en if benefit.en == benefit.nl else {"en": benefit.en, "nl": benefit.nl}


def _change_card(text: Text, path: Path, was: CardValues, new: CardValues) -> None:
    for name, before, after in (("name", was.name, new.name), ("of", was.currency, new.currency), ("each", was.each, new.each)):
        if before != after:
            text.put((*path, name), after)
    _change_entries(text, (*path, "give"), dict(was.gives), dict(new.gives))


def _change_entries(text: Text, path: Path, was: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """A mapping, which is not there while it is empty: each entry in its own place."""
    if not was or not new:
        _put_or_drop(text, path, was or None, dict(new) or None)
        return
    for name, one in new.items():
        _put_or_drop(text, (*path, name), was.get(name), one)
    for name in was:
        if name not in new:
            text.drop((*path, name))


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
