"""What a form of the programme sent, read into the document. No database.

The fields were made from a text, which came along; the document pane may hold another. What was typed in the pane counts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from stamgast.conditions.words import LANGUAGES
from stamgast.console.card_fields import new_card, new_currency, read_cards
from stamgast.console.field_values import InvalidField, one_of, optional, words_of
from stamgast.console.pages import LONGEST_REASON, shop_zone
from stamgast.console.refusal_words import refusal_sentence
from stamgast.console.rule_fields import new_multiplier, new_rule, read_rule
from stamgast.console.tier_fields import new_level, read_tiers
from stamgast.console.words import currency_label
from stamgast.kit.errors import StamgastError
from stamgast.programmes.documents import Document, load
from stamgast.programmes.drafts import LONGEST_TITLE
from stamgast.programmes.errors import InvalidProgramme
from stamgast.programmes.expiry import Expiry, parse_duration
from stamgast.programmes.forms import UNITS, LifeValues, New, Span, Values, names_of, rewrite, values_of
from stamgast.programmes.forms.text import Path

STACKINGS = ("base", "standing")
ROUNDINGS = ("down", "nearest", "up")
USES = ("spend", "count")
LONGEST_WORD = 40
ENDS = ("exact", "end of day", "end of month")


@dataclass(frozen=True, slots=True)
class Sent:
    """What the reader wants besides the document: from when, why, what the draft is called, and what a unit is worth."""

    is_dated: bool
    day: str
    time: str
    reason: str
    title: str
    worths: Mapping[str, str]

    @classmethod
    def of(cls, post: QueryDict) -> "Sent":
        """What came with the form."""
        prefix = "worth "
        return cls(
            post.get("from") == "day",
            post.get("day", ""),
            post.get("time", ""),
            post.get("reason", "").strip()[:LONGEST_REASON],
            post.get("title", "").strip()[:LONGEST_TITLE],
            {name.removeprefix(prefix): post.get(name, "").strip() for name in post if name.startswith(prefix)},
        )

    def effective_from(self, now: datetime) -> datetime:
        """The moment from which it is to hold. Raises InvalidProgramme for a day or a time that is none."""
        if not self.is_dated:
            return now
        try:
            moment = time.fromisoformat(self.time) if self.time else time()
            return datetime.combine(date.fromisoformat(self.day), moment, shop_zone())
        except ValueError:
            raise InvalidProgramme(_("Choose the day from which it holds.")) from None


@dataclass(frozen=True, slots=True)
class Written:
    """The document after what was sent: ``typed`` in the pane, ``document`` where that is sound, else what is wrong with it.

    ``fields`` is the sound text that the fields show; ``problem`` what was wrong with a field, and ``field`` which one.
    """

    typed: str
    document: Document | None
    fields: str
    problems: Sequence[Mapping[str, Any]]
    problem: str
    field: str = ""


def read_form(post: QueryDict, start: str, otherwise: str) -> Written:
    """The document as it stands after what was sent: a pane that was typed in counts, else the fields.

    ``start`` is the text where nothing was sent, and ``otherwise`` a sound one for the fields where it is not sound itself.
    """
    act, _separator, place = post.get("act", "").partition(" ")
    fields = plain_text(post.get("draft", ""))
    typed = plain_text(post.get("document", "")) if "document" in post else fields or start
    problem = field = ""
    if act and act != "document" and typed == fields and is_sound(fields):
        try:
            typed = _rewritten(load(fields), post, act, place)
            load(typed)
        except ValueError:
            problem, typed = _("A number that was sent is not a number. Nothing was changed."), fields
        except StamgastError as error:
            problem, typed = refusal_sentence(error), typed if is_sound(typed) else fields
            field = error.field if isinstance(error, InvalidField) else ""
    try:
        return Written(typed, load(typed), typed, (), problem, field)
    except InvalidProgramme as error:
        found: Any = error.details.get("problems", [])
        sound = fields if fields and is_sound(fields) else otherwise
        return Written(typed, None, sound, found, problem, field)


def added_by(post: QueryDict, written: Written) -> set[str]:
    """The parts of the form, by kind and name, that the document has since something was added."""
    if not post.get("act", "").startswith("add") or written.document is None or written.problem:
        return set()
    return _parts_of(written.document) - _parts_of(load(plain_text(post.get("draft", ""))))


def _parts_of(document: Document) -> set[str]:
    parts = {f"rule {rule.name}" for rule in document.rules} | {f"card {card.name}" for card in document.cards}
    levels = document.tiers.levels if document.tiers else ()
    return parts | {f"level {level.name}" for level in levels} | {f"currency {name}" for name in document.currencies}


def plain_text(text: str) -> str:
    """A text as it was before a browser sent it."""
    return text.replace("\r\n", "\n")


def is_sound(text: str) -> bool:
    try:
        load(text)
    except InvalidProgramme:
        return False
    return True


def _rewritten(base: Document, post: QueryDict, act: str, place: str) -> str:
    """The document with the fields in it. A field that was not sent keeps its value."""
    before, taken = values_of(base), names_of(base)
    stacking: Any = one_of(post.get("stacking"), STACKINGS, before.stacking)
    rounding: Any = one_of(post.get("rounding"), ROUNDINGS, before.rounding)
    values = Values(
        tuple(read_rule(post, number, rule, base, taken) for number, rule in enumerate(before.rules)),
        tuple(_life(post, life) for life in before.lives),
        before.tiers and read_tiers(post, before.tiers, base, taken),
        read_cards(post, before.cards, base, taken),
        stacking,
        rounding,
    )
    lists: dict[str, Path] = {"remove": ("earn",), "remove-level": ("tiers", "levels"), "remove-card": ("cards",)}
    levels = before.tiers.levels if before.tiers else ()
    counts = {"remove": len(before.rules), "remove-level": len(levels), "remove-card": len(before.cards)}
    removed: list[Path] = []
    if act in lists:
        if not place.isdecimal() or int(place) >= counts[act]:
            raise ValueError(place)
        removed = [(*lists[act], int(place))]
    makers: dict[str, Callable[[QueryDict, Document, set[str]], New]] = {
        "add": new_rule, "add-more": new_multiplier, "add-level": new_level, "add-card": new_card, "add-currency": new_currency,
    }  # fmt: skip
    return rewrite(base, values, removed=removed, added=[makers[act](post, base, taken)] if act in makers else [])


def _life(post: QueryDict, life: LifeValues) -> LifeValues:
    where, field, wait = currency_label(life.currency), f"life {life.currency}", f"wait {life.currency}"
    count = optional(field, where, post.get(field), life.count)
    ends: Any = one_of(post.get(f"end {life.currency}"), ENDS, life.at) if count is not None else "exact"
    read = replace(
        life,
        count=count,
        unit=one_of(post.get(f"unit {life.currency}"), UNITS, life.unit),
        at=ends,
        pending=_pending(post, wait, where, life.pending),
        is_spendable=one_of(post.get(f"use {life.currency}"), USES, USES[not life.is_spendable]) == USES[0],
        called=_called(post, where, life),
    )
    lasts = None if read.count is None else _duration(field, where, Span(read.count, read.unit))
    waits = None if read.pending is None else _duration(wait, where, read.pending)
    if lasts is not None and waits is not None and waits.longest_days >= lasts.shortest_days:
        raise InvalidField(wait, where, _("it would expire before it can be used."))
    return read


def _called(post: QueryDict, where: str, life: LifeValues) -> Mapping[str, tuple[str, str]]:
    """What one and what many of it are called. A word stands for both until the other is typed, and so does a language."""
    found: dict[str, tuple[str, str]] = {}
    for language in LANGUAGES:
        stood = life.called.get(language, ("", ""))
        one, many = (
            words_of(field, where, post.get(field), was, LONGEST_WORD)
            for field, was in zip(called_fields(life.currency, language), stood, strict=True)
        )
        if one or many:
            found[language] = (one or many, many or one)
    return {language: found.get(language) or next(iter(found.values())) for language in LANGUAGES} if found else {}


def called_fields(currency: str, language: str) -> tuple[str, str]:
    """The fields with the word for one and the word for many."""
    return f"one {language} {currency}", f"many {language} {currency}"


def _pending(post: QueryDict, field: str, where: str, was: Span | None) -> Span | None:
    """How long after the activity something can be used."""
    count = optional(field, where, post.get(field), was.count if was else None)
    unit = one_of(post.get(field.replace("wait", "wait unit", 1)), UNITS, was.unit if was else "day")
    return None if count is None else Span(count, unit)


def _duration(field: str, where: str, span: Span) -> Expiry:
    try:
        return parse_duration(str(span))
    except ValueError:
        raise InvalidField(field, where, _("that is longer than a hundred years.")) from None
