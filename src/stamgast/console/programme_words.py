"""The rules of a programme as sentences in the reader's language. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from babel.dates import format_datetime, format_timedelta, get_timezone
from django.utils.translation import gettext as _

from stamgast.console import reader
from stamgast.console.tier_changes import tier_changes
from stamgast.console.words import currencies_called, currency_label, with_kinds
from stamgast.kit.money import minor_digits
from stamgast.programmes.budgets import budgets_of
from stamgast.programmes.comparing import Change, compare, write_value
from stamgast.programmes.documents import MILLI, Currency, Document, Give, Rule
from stamgast.programmes.expiry import Expiry
from stamgast.programmes.terms import Card, Level, Tiers, Turn

_UNITS: dict[str, tuple[Literal["second", "minute", "hour", "day", "week", "month", "year"], int]] = {
    "second": ("second", 1),
    "minute": ("minute", 60),
    "hour": ("hour", 3_600),
    "day": ("day", 86_400),
    "week": ("week", 604_800),
    "month": ("month", 2_629_746),
    "year": ("year", 31_556_952),
}
_DURATION = re.compile(r"(\d+) (\w+?)s?")

_SAID = {"when", "nth", "every", "streak", "challenge", "give", "multiply", "cap", "name", "from", "until", "budget"}
"""What of a rule is told in a sentence of its own."""


@dataclass(frozen=True, slots=True)
class RuleSentences:
    """One rule: its name, when it applies, and what it gives, each currency in a sentence."""

    name: str
    when: str
    gives: list[str]


def rule_sentences(rule: Rule, document: Document, language: str) -> RuleSentences:
    """A rule as it is read aloud."""
    condition = with_kinds(rule.when.sentence(language))
    if rule.turn is not None:
        condition += ", " + turn_sentence(rule.turn, language)
    when = _("When %(condition)s:") % {"condition": condition}
    if rule.begins_at or rule.ends_at:
        when = _("When %(condition)s, %(time)s:") % {"condition": condition, "time": held_at(rule, document.timezone)}
    gives = [_give(give, rule, document, language) for give in rule.gives]
    return RuleSentences(rule_label(rule.name), when, gives + [f"{text}." for text in _multiplied(rule)])


def rule_line(rule: Rule, timezone: str, language: str) -> str:
    """When a rule applies and what it gives, in one line; how long that lasts is not its own."""
    when = _applies(rule, timezone, language)
    return _("When %(when)s: %(gives)s.") % {"when": when, "gives": "; ".join(_given(rule, language))}


def card_sentences(card: Card) -> RuleSentences:
    """A card that a currency fills, as it is read aloud."""
    gives = [
        _("%(each)s make %(amount)s.") % {"each": amount_of(card.each, card.source), "amount": amount_of(amount, currency)}
        for currency, amount in card.gives.items()
    ]
    return RuleSentences(rule_label(card.name), _("When a card is full:"), gives)


def tier_sentences(tiers: Tiers, currency: str, language: str) -> list[RuleSentences]:
    """The levels, lowest first, as they are read aloud. ``currency`` is that of money."""
    return [_level(level, tiers, currency, language) for level in tiers.levels]


def _level(level: Level, tiers: Tiers, currency: str, language: str) -> RuleSentences:
    if level.invited is not None:
        when = _("By invitation, when %(condition)s.") % {"condition": with_kinds(level.invited.sentence(language))}
    elif not level.threshold:
        when = _("For every member.")
    elif tiers.currency is not None:
        when = _("From %(amount)s in a period on.") % {"amount": amount_of(level.threshold, tiers.currency)}
    else:
        amount = reader.money(level.threshold * 10 ** minor_digits(currency) // 100, currency)
        when = _("From %(amount)s in a period on.") % {"amount": amount}
    words = [f"{text}." for text in _multiplied(level)]
    return RuleSentences(level.name, when, [*words, *(told[language[:2]] for told in level.benefits.values())])


def level_line(level: Level, tiers: Tiers, currency: str, language: str) -> str:
    """How a level is reached and what it gives, in one line."""
    told = _level(level, tiers, currency, language)
    gives = "; ".join(text.removesuffix(".") for text in told.gives)
    return f"{told.when.removesuffix('.')}: {gives}." if gives else told.when


def currency_line(currency: Currency) -> str:
    """How long a currency lasts and what it is for, in one line."""
    return f"{_lasting(currency.expiry)} {_used(currency)}"


def turn_sentence(turn: Turn, language: str) -> str:
    """On which of the activities that fit a rule gives."""
    if turn.kind == "nth" and turn.count == 1:
        return _("for the first time")
    field = dict(turn.field.labels)[language] if turn.field is not None else ""
    pattern = {
        "nth": _("as number %(count)s of a customer"),
        "every": _("one in every %(count)s of a customer"),
        "streak": {
            "day": _("%(count)s days in a row"),
            "week": _("%(count)s weeks in a row"),
            "month": _("%(count)s months in a row"),
        }.get(turn.period, ""),
        "challenge": _("with %(count)s different values of %(field)s %(period)s"),
    }[turn.kind]
    return pattern % {"count": reader.number(turn.count), "field": field, "period": period_label(turn.period)}


def _multiplied(rule: Rule | Level) -> list[str]:
    texts = []
    for multiply in rule.multiplies:
        digits = next(digits for digits in range(3) if multiply.factor * 10**digits % 1 == 0)
        factor = reader.number(float(multiply.factor), digits)
        text = _("it gives %(factor)s times as many %(currency)s")
        text = text % {"factor": factor, "currency": currency_label(multiply.currency)}
        texts.append(text + (_at_most(rule, multiply.currency) if isinstance(rule, Rule) else ""))
    return texts


def differences(before: Document, after: Document, language: str) -> list[str]:
    """What a document says otherwise than another, a sentence for each difference; one that says so where none is heard."""
    with currencies_called(lambda: (before, after)):
        return _differences(before, after, language)


def _differences(before: Document, after: Document, language: str) -> list[str]:
    old, new = ({rule.name: rule for rule in document.rules} for document in (before, after))
    said = []
    for was_called, name in _renamed(old, new):
        said.append(_other_name(old[was_called], name, before))
        old[name] = old.pop(was_called)
    for name in dict.fromkeys([*old, *new]):
        label = rule_label(name)
        if name not in old:
            words = {
                "rule": label,
                "when": _applies(new[name], after.timezone, language),
                "gives": "; ".join(_given(new[name], language)),
            }
            said.append(_("%(rule)s is new. When %(when)s: %(gives)s.") % words)
        elif name not in new:
            said.append(_("%(rule)s gives nothing any more.") % {"rule": label})
        else:
            was, now = ("; ".join(_given(rules[name], language)) for rules in (old, new))
            if was != now:
                said.append(_("%(rule)s: %(now)s. Before: %(was)s.") % {"rule": label, "now": now, "was": was})
            was, now = (
                _applies(rules[name], zone, language) for rules, zone in ((old, before.timezone), (new, after.timezone))
            )
            if was != now:
                said.append(_("%(rule)s applies when %(now)s. Before: when %(was)s.") % {"rule": label, "now": now, "was": was})
    for name in dict.fromkeys([*before.currencies, *after.currencies]):
        was, now = (
            _lasting(document.currencies[name].expiry) if name in document.currencies else "" for document in (before, after)
        )
        if not was:
            now += " " + _used(after.currencies[name])
        if was != now:
            text = _("Of %(currency)s: %(now)s Before: %(was)s") if was and now else _("%(currency)s is new. %(now)s")
            text = text if now else _("%(currency)s is not given any more.")
            said.append(text % {"currency": currency_label(name), "now": now, "was": was})
        if name in before.currencies and name in after.currencies:
            called = after.currencies[name].called.get(language[:2])
            if called != before.currencies[name].called.get(language[:2]):
                words = {"currency": name, "one": (called or (name, name))[0], "many": (called or (name, name))[1]}
                said.append(_("Of %(currency)s one is called “%(one)s” and more “%(many)s”.") % words)
            was, now = (_used(document.currencies[name]) for document in (before, after))
            if was != now:
                text = _("Of %(currency)s: %(now)s Before: %(was)s")
                said.append(text % {"currency": currency_label(name), "now": now, "was": was})
    if before.timezone != after.timezone:
        said.append(
            _("Days begin and end in the zone %(now)s. Before: %(was)s.") % {"now": after.timezone, "was": before.timezone}
        )
    if before.rounding != after.rounding:
        said.append(_("What is left over of an amount is rounded in another way."))
    if before.stacking != after.stacking:
        is_side = after.stacking == "base"
        said.append(
            _("Multipliers that meet stand side by side.") if is_side else _("Multipliers that meet stand on each other.")
        )
    said += [*_budget_changes(before, after), *_card_changes(before, after)]
    said += tier_changes(before.tiers, after.tiers, language)
    said += [_other_change(change) for change in compare(before, after) if not _is_said(change)]
    return said or [_("It says the same, in other words.")]


def _renamed(old: Mapping[str, Rule], new: Mapping[str, Rule]) -> list[tuple[str, str]]:
    """Rules that are there under another name, as far as can be seen: all else is the same or, where no rule is that, the
    condition and the currencies are."""
    gone = [rule for name, rule in old.items() if name not in new]
    come = [rule for name, rule in new.items() if name not in old]
    pairs = []
    for likeness in (_all_but_name, _what_it_is_for):
        for rule in list(gone):
            found = next((one for one in come if likeness(one) == likeness(rule)), None)
            if found is not None:
                pairs.append((rule.name, found.name))
                gone.remove(rule)
                come.remove(found)
    return pairs


def _all_but_name(rule: Rule) -> object:
    return replace(rule, name="")


def _what_it_is_for(rule: Rule) -> object:
    return rule.when, {one.currency for one in rule.gives}, {one.currency for one in rule.multiplies}


def _other_name(rule: Rule, name: str, before: Document) -> str:
    """That a rule has another name; where something is counted by the name, that it is counted from zero again."""
    words = {"was": rule_label(rule.name), "now": rule_label(name)}
    if rule.caps or rule.turn is not None or any(one.rule == rule.name for one in budgets_of(before)):
        return _("%(was)s is called %(now)s now: its limits, turns and budget begin anew.") % words
    return _("%(was)s is called %(now)s now.") % words


def _given(rule: Rule, language: str) -> list[str]:
    """What a rule gives of each currency, and what it multiplies."""
    return [*(worth(give, rule, language) for give in rule.gives), *_multiplied(rule)]


def _applies(rule: Rule, timezone: str, language: str) -> str:
    """When a rule applies, on which of the activities that fit, and in what time."""
    turn = ", " + turn_sentence(rule.turn, language) if rule.turn is not None else ""
    return f"{with_kinds(rule.when.sentence(language))}{turn} {held_at(rule, timezone)}".rstrip()


def _budget_changes(before: Document, after: Document) -> list[str]:
    """Budgets that came, went and changed. With a rule that is gone its budget is."""
    old, new = ({(one.rule, one.currency): one.amount for one in budgets_of(document)} for document in (before, after))
    rules, said = {rule.name for rule in after.rules}, []
    for rule, currency in dict.fromkeys([*old, *new]):
        was, now = old.get((rule, currency)), new.get((rule, currency))
        if was == now or rule not in rules:
            continue
        words = {"rule": rule_label(rule), "now": amount_of(now or 0, currency), "was": amount_of(was or 0, currency)}
        if was is None:
            text = _("The budget of %(rule)s over all members is %(now)s.")
        elif now is None:
            text = _("%(rule)s has no budget any more. Before: %(was)s.")
        else:
            text = _("The budget of %(rule)s over all members is %(now)s instead of %(was)s.")
        said.append(text % words)
    return said


def _card_changes(before: Document, after: Document) -> list[str]:
    """Cards that came, went and changed."""
    old, new = ({card.name: " ".join(card_sentences(card).gives) for card in document.cards} for document in (before, after))
    said = []
    for name in dict.fromkeys([*old, *new]):
        words = {"card": rule_label(name), "now": new.get(name, ""), "was": old.get(name, "")}
        if name not in old:
            said.append(_("%(card)s is a new card. %(now)s") % words)
        elif name not in new:
            said.append(_("%(card)s is no card any more.") % words)
        elif old[name] != new[name]:
            said.append(_("%(card)s: %(now)s Before: %(was)s") % words)
    return said


def held_at(rule: Rule, timezone: str) -> str:
    """From when and before when a rule holds; empty where it always does."""
    words = [
        (_("from %(moment)s on"), rule.begins_at),
        (_("before %(moment)s"), rule.ends_at),
    ]
    return " ".join(
        text % {"moment": format_datetime(moment, "d MMMM y HH:mm", tzinfo=get_timezone(timezone), locale=reader.locale())}
        for text, moment in words
        if moment is not None
    )


def _is_said(change: Change) -> bool:
    """Whether ``differences`` has a sentence of its own for what stands at this place."""
    parts = change.place.split(".")
    if parts[0] in ("timezone", "round", "stacking", "tiers") or (parts[0] == "cards" and change.kind != "reordered"):
        return True
    if parts[0] == "currencies":
        return change.kind != "reordered"
    return parts[0] == "earn" and (len(parts) == 2 or parts[2] in _SAID)


def _other_change(change: Change) -> str:
    """A difference at a place that has no sentence of its own, as the document writes it."""
    pattern = {
        "added": _("%(place)s is new: %(now)s."),
        "removed": _("%(place)s is gone. Before: %(was)s."),
        "changed": _("%(place)s: %(now)s. Before: %(was)s."),
        "reordered": _("%(place)s stand in another order: %(now)s."),
    }[change.kind]
    return pattern % {"place": change.place, "now": _short(change.after), "was": _short(change.before)}


def _short(value: object) -> str:
    text = write_value(value)
    return text if len(text) <= 200 else text[:200] + "…"


def rule_label(name: str) -> str:
    """A rule's name; those of the first programme in the reader's language."""
    labels = {"purchase": _("Purchase"), "coupon": _("Coupon")}
    return labels.get(name, name[:1].upper() + name[1:])


def _give(give: Give, rule: Rule, document: Document, language: str) -> str:
    currency = document.currencies[give.currency]
    waiting = (
        " " + _("It can be used after %(duration)s.") % {"duration": _duration(currency.pending)} if currency.pending else ""
    )
    return f"{worth(give, rule, language)}.{waiting} {_lasting(currency.expiry)}"


def worth(give: Give, rule: Rule, language: str) -> str:
    """What a rule gives of one currency, and at most, without how long it lasts."""
    amount = amount_of(give.amount, give.currency)
    if give.per_milli is None:
        text = _("it gives %(amount)s") % {"amount": amount}
    else:
        is_money = give.of == "amount"
        per = reader.number(Decimal(give.per_milli) / MILLI, 2 if is_money else 0)
        if not is_money:
            one_each = give.per_milli == MILLI
            if give.lines is None:
                text = _("it gives %(amount)s for each piece") if one_each else _("it gives %(amount)s for each %(per)s pieces")
            elif one_each:
                text = _("it gives %(amount)s for each piece of what counts: %(lines)s")
            else:
                text = _("it gives %(amount)s for each %(per)s pieces of what counts: %(lines)s")
            text = text % {"amount": amount, "per": per, "lines": give.lines.sentence(language) if give.lines else ""}
        elif give.lines is not None:
            lines = give.lines.sentence(language)
            text = _("it gives %(amount)s for each whole %(per)s spent on what counts: %(lines)s")
            text = text % {"amount": amount, "per": per, "lines": lines}
        else:
            text = _("it gives %(amount)s for each whole %(per)s spent") % {"amount": amount, "per": per}
    return text + _at_most(rule, give.currency)


def _at_most(rule: Rule, currency: str) -> str:
    cap = rule.caps.get(currency)
    if cap is None:
        return ""
    return ", " + _("at most %(cap)s %(period)s") % {"cap": reader.number(cap), "period": period_label(str(rule.cap_period))}


def amount_of(amount: int, currency: str) -> str:
    """5 points; of the score, which is one number and not many things: 5 for the score."""
    pattern = _("%(amount)s for the score") if currency == "score" else _("%(amount)s %(currency)s")
    return pattern % {"amount": reader.number(amount), "currency": currency_label(currency, amount)}


def period_label(period: str) -> str:
    """For how long a cap counts."""
    words = {"day": _("a day"), "week": _("a week"), "month": _("a month"), "year": _("a year"), "lifetime": _("in all")}
    return words.get(period, period)


def _lasting(expiry: Expiry | None) -> str:
    if expiry is None:
        return _("It never expires.")
    sentences = {
        "exact": _("It lasts %(duration)s."),
        "end of day": _("It lasts %(duration)s, to the end of that day."),
        "end of month": _("It lasts %(duration)s, to the end of that month."),
    }
    return sentences[expiry.at] % {"duration": _duration(expiry)}


def _used(currency: Currency) -> str:
    """Whether it can be spent, and after how long."""
    if currency.pending is None:
        return _("It can be spent at once.") if currency.is_spendable else _("It is only counted.")
    text = _("It can be spent after %(duration)s.") if currency.is_spendable else _("It is only counted, after %(duration)s.")
    return text % {"duration": _duration(currency.pending)}


def _duration(duration: Expiry) -> str:
    found = _DURATION.fullmatch(duration.text)
    if found is None:
        return duration.text
    granularity, seconds = _UNITS[found[2]]
    return format_timedelta(int(found[1]) * seconds, granularity=granularity, threshold=10_000, locale=reader.locale())
