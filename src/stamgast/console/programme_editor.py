"""What the editor of the programme shows: fields, the document line by line with what was found, and what it would do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import QueryDict
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from stamgast.conditions.words import LANGUAGES
from stamgast.console import reader
from stamgast.console.folds import Fold, Opened
from stamgast.console.programme_fields import USES, Sent, Written, called_fields
from stamgast.console.programme_words import card_sentences, currency_line, differences, rule_label
from stamgast.console.rule_editor import rules_shown
from stamgast.console.tier_editor import tiers_shown
from stamgast.console.words import currencies_called, currency_label, customer_name
from stamgast.customers.queries import summarise_customers
from stamgast.flows.weigh_programme import Effect
from stamgast.insights.sampling import Estimate
from stamgast.kit.database import Cursor
from stamgast.programmes.documents import Document, load
from stamgast.programmes.errors import InvalidProgramme
from stamgast.programmes.forms import UNITS, CardValues, LifeValues, values_of
from stamgast.programmes.linting import Level, lint, say_finding
from stamgast.programmes.terms import Card, Currency

FEWEST_LINES = 18


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was found, at its line: an ``error``, a ``warning`` or a ``note``."""

    level: str
    label: str
    line: int
    sentence: str


def findings_of(written: Written, kinds: Sequence[str], sent: Sent, now: datetime, language: str) -> list[Found]:
    """What keeps the text from being a programme, or, where it is one, what cannot be meant."""
    document = written.document
    if document is None:
        return [
            Found("error", _("error"), int(one["line"]), f"{one['path']}: {one['problem']}" if one["path"] else one["problem"])
            for one in written.problems
        ]
    labels = {Level.ERROR: _("error"), Level.WARNING: _("warning"), Level.NOTE: _("note")}
    at = max(moment for moment in [now, _moment(sent, now)] if moment is not None)
    worths = {currency: worth for currency, text in sent.worths.items() if (worth := _worth(text)) is not None}
    return [
        Found(one.level, labels[one.level], one.line, say_finding(one, language, document.timezone))
        for one in lint(document, at=at, kinds=kinds, worths=worths).findings
    ]


def _moment(sent: Sent, now: datetime) -> datetime | None:
    try:
        return sent.effective_from(now)
    except InvalidProgramme:
        return None


def _worth(text: str) -> Decimal | None:
    try:
        worth = Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None
    return worth if worth.is_finite() and worth > 0 else None


def worths_of(document: Document, sent: Sent) -> list[tuple[str, str, str]]:
    """The currencies that can be spent, with their label and what the reader said that one is worth."""
    return [
        (name, currency_label(name), sent.worths.get(name, ""))
        for name, currency in document.currencies.items()
        if currency.is_spendable
    ]


def lines_of(text: str, found: Sequence[Found]) -> list[tuple[int, str]]:
    """The number of every line, with the worst that was found there."""
    worst: dict[int, str] = {}
    for level in ("note", "warning", "error"):
        worst |= {one.line: level for one in found if one.level == level}
    return [(number, worst.get(number, "")) for number in range(1, max(text.count("\n") + 1, FEWEST_LINES) + 1)]


def context_of(
    written: Written, in_force: Document, kinds: Sequence[str], sent: Sent, now: datetime, typed: QueryDict, opened: Opened
) -> dict[str, Any]:
    """What both panes show: the values of the document, or what was ``typed`` into fields and could not be taken; the text
    line by line with what was found."""
    document = load(written.fields)
    with currencies_called(lambda: [document]):
        return _context_of(document, written, in_force, kinds, sent, now, typed, opened)


def _context_of(
    document: Document,
    written: Written,
    in_force: Document,
    kinds: Sequence[str],
    sent: Sent,
    now: datetime,
    typed: QueryDict,
    opened: Opened,
) -> dict[str, Any]:
    values, language = values_of(document), get_language() or "en"
    multipliers = [rule.name for rule in document.rules if rule.multiplies]
    multipliers += [level.name for level in document.tiers.levels if level.multiplies] if document.tiers else []
    found = findings_of(written, kinds, sent, now, language)
    rules = rules_shown(document, values.rules, kinds, typed, opened, language)
    cards = [
        _card(place, card, stated, typed, opened)
        for place, (card, stated) in enumerate(zip(values.cards, document.cards, strict=True))
    ]
    tiers = tiers_shown(values.tiers, document, kinds, typed, opened, language)
    lives = [_life(life, document.currencies[life.currency], typed, opened) for life in values.lives]
    folded = [*rules["rules"], *cards, *([tiers] if "fold" in tiers else []), *tiers.get("levels", []), *lives]
    return {
        "fields": written.fields,
        "typed": written.typed,
        "is_sound": written.document is not None,
        "found": found,
        "lines": lines_of(written.typed, found),
        **rules,
        "folds": [part["fold"] for part in folded],
        "wrong_field": written.field,
        "cards": cards,
        "new_card": {name: typed.get(f"new card {name}", text) for name, text in _NEW_CARD.items()},
        "new_name": typed.get("new name", ""),
        "new_currency": typed.get("new currency name", ""),
        "tiers": tiers,
        "lives": lives,
        "stacking": typed.get("stacking", values.stacking),
        "stackings": [("base", _("side by side: 2 and 1.5 make 2.5")), ("standing", _("on each other: 2 and 1.5 make 3"))],
        "rounding": typed.get("rounding", values.rounding),
        "roundings": [("down", _("is left out")), ("nearest", _("is rounded to the nearest")), ("up", _("counts as a whole"))],
        "multipliers": [rule_label(name) for name in multipliers],
        "units": [(unit, _unit_label(unit)) for unit in UNITS],
        "ends": [
            ("exact", _("to the minute")), ("end of day", _("to the end of that day")),
            ("end of month", _("to the end of that month")),
        ],
        "kinds": kinds,
        "currencies": [(name, currency_label(name)) for name in document.currencies],
        "differences": differences(in_force, document, language) if written.fields != in_force.text else [],
        "worths": worths_of(document, sent),
    }  # fmt: skip


_NEW_CARD = {"name": "", "of": "", "each": "10", "amount": "1", "give": ""}


def _card(place: int, card: CardValues, stated: Card, typed: QueryDict, opened: Opened) -> dict[str, Any]:
    named = f"card name {place}"
    name, label = typed.get(named, card.name), rule_label(card.name)
    is_open = opened.has("card", name, [f"card {field} {place}" for field in ("name", "each", "amount", "give")])
    return {
        "fold": Fold("card", f"card-{place}", label, " ".join(card_sentences(stated).gives), is_open, named),
        "place": place,
        "label": card.name,
        "name": name,
        "of": typed.get(f"card of {place}", card.currency),
        "each": typed.get(f"card each {place}", card.each),
        "slots": [
            (slot, typed.get(f"card give {place} {slot}", currency), typed.get(f"card amount {place} {slot}", amount))
            for slot, (currency, amount) in enumerate(card.gives)
        ],
    }


def _life(life: LifeValues, currency: Currency, typed: QueryDict, opened: Opened) -> dict[str, Any]:
    shown = {
        "life": "" if life.count is None else life.count,
        "unit": life.unit,
        "end": life.at,
        "wait": life.pending.count if life.pending else "",
        "wait unit": life.pending.unit if life.pending else "day",
        "use": USES[not life.is_spendable],
    }
    typed_over = {name.replace(" ", "_"): typed.get(f"{name} {life.currency}", value) for name, value in shown.items()}
    label, name = currency_label(life.currency), life.currency
    words = {language: called_fields(name, language) for language in LANGUAGES}
    is_open = opened.has("currency", name, [f"life {name}", f"wait {name}", *words["en"], *words["nl"]])
    fold = Fold(f"currency {name}", f"currency-{name}", label[:1].upper() + label[1:], currency_line(currency), is_open)
    called = {
        language: [(one, typed.get(one, word)) for one, word in zip(fields, life.called.get(language, ("", "")), strict=True)]
        for language, fields in words.items()
    }
    return {"fold": fold, "currency": name, "label": label, "called": called, **typed_over}


def _unit_label(unit: str) -> str:
    labels = {
        "second": _("seconds"),
        "minute": _("minutes"),
        "hour": _("hours"),
        "day": _("days"),
        "week": _("weeks"),
        "month": _("months"),
        "year": _("years"),
    }
    return labels[unit]


def told(cursor: Cursor, effect: Effect) -> dict[str, Any]:
    """An effect as the page tells it."""
    named = {
        one.id: customer_name(one.name, one.email, one.identifier)
        for one in summarise_customers(cursor, [*effect.first_entering, *effect.first_leaving])
    }
    return {
        "effect": effect,
        "before": _estimate(effect.before),
        "after": _estimate(effect.after),
        "entering": _estimate(effect.entering),
        "leaving": _estimate(effect.leaving),
        "first_entering": [(one, named[one]) for one in effect.first_entering if one in named],
        "first_leaving": [(one, named[one]) for one in effect.first_leaving if one in named],
        "sums": [(currency_label(name), _estimate(before), _estimate(after)) for name, (before, after) in effect.sums.items()],
    }


def _estimate(estimate: Estimate) -> str:
    """A number, with its interval where it is an estimate."""
    if estimate.low == estimate.high:
        return reader.number(estimate.value)
    numbers = {name: reader.number(getattr(estimate, name)) for name in ("value", "low", "high")}
    return _("about %(value)s (%(low)s to %(high)s)") % numbers
