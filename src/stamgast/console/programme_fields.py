"""What a form of the programme sent, read into the document. No database.

The fields were made from a text, which came along; the document pane may hold another. What was typed in the pane counts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from stamgast.console.card_fields import new_card, new_currency, read_cards
from stamgast.console.condition_fields import read_condition, read_turn
from stamgast.console.field_values import InvalidField, amount_of_money, optional, whole
from stamgast.console.pages import LONGEST_REASON, shop_zone
from stamgast.console.programme_words import rule_label
from stamgast.console.refusal_words import refusal_sentence
from stamgast.console.tier_fields import new_level, read_tiers
from stamgast.console.words import currency_label
from stamgast.kit.errors import StamgastError
from stamgast.programmes.documents import Document, load
from stamgast.programmes.drafts import LONGEST_TITLE
from stamgast.programmes.errors import InvalidProgramme
from stamgast.programmes.forms import UNITS, LifeValues, New, NewRule, RuleValues, Values, rewrite, values_of
from stamgast.programmes.forms.text import Path

PERIODS = ("day", "week", "month", "year", "lifetime")
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
    before = values_of(base)
    values = Values(
        tuple(_rule(post, number, rule) for number, rule in enumerate(before.rules)),
        tuple(_life(post, life) for life in before.lives),
        before.tiers and read_tiers(post, before.tiers, base),
        read_cards(post, before.cards, base),
    )
    lists: dict[str, Path] = {"remove": ("earn",), "remove-level": ("tiers", "levels"), "remove-card": ("cards",)}
    levels = before.tiers.levels if before.tiers else ()
    counts = {"remove": len(before.rules), "remove-level": len(levels), "remove-card": len(before.cards)}
    removed: list[Path] = []
    if act in lists:
        if not place.isdecimal() or int(place) >= counts[act]:
            raise ValueError(place)
        removed = [(*lists[act], int(place))]
    makers: dict[str, Callable[[QueryDict, Document], New]] = {
        "add": _new_rule, "add-level": new_level, "add-card": new_card, "add-currency": new_currency,
    }  # fmt: skip
    return rewrite(base, values, removed=removed, added=[makers[act](post, base)] if act in makers else [])


def _rule(post: QueryDict, place: int, rule: RuleValues) -> RuleValues:
    where = rule_label(rule.name)
    gives = []
    for give in rule.gives:
        amount, per, cap = (f"{part} {place} {give.currency}" for part in ("amount", "per", "cap"))
        gives.append(
            replace(
                give,
                amount=whole(amount, where, post.get(amount), give.amount),
                per=give.per if give.per is None else amount_of_money(per, where, post.get(per), give.per),
                cap=optional(cap, where, post.get(cap), give.cap),
            )
        )
    is_capped = any(give.cap is not None for give in gives)
    period = post.get(f"period {place}", rule.cap_period or PERIODS[0])
    chosen: Any = period if period in PERIODS else PERIODS[0]
    return replace(
        rule,
        gives=tuple(gives),
        cap_period=chosen if is_capped else None,
        when=rule.when and read_condition(post, place, where, rule.when),
        turn=rule.turn and read_turn(post, place, where, rule.turn),
    )


def _life(post: QueryDict, life: LifeValues) -> LifeValues:
    unit, end = post.get(f"unit {life.currency}", life.unit), post.get(f"end {life.currency}", life.at)
    field = f"life {life.currency}"
    count = optional(field, currency_label(life.currency), post.get(field), life.count)
    ends: Any = end if end in ENDS and count is not None else "exact"
    return replace(life, count=count, unit=unit if unit in UNITS else life.unit, at=ends)


def _new_rule(post: QueryDict, base: Document) -> NewRule:
    kind = post.get("new kind", "").strip()
    if not kind:
        raise InvalidField("new kind", _("Something else"), _("Choose the kind of activity that is worth something."))
    currency = post.get("new currency", "")
    taken = {rule.name for rule in base.rules}
    name = wanted = kind.casefold().replace("/", " ")[:70]
    number = 1
    while name in taken:
        number += 1
        name = f"{wanted} {number}"
    amount = whole("new amount", _("Something else"), post.get("new amount"), 1)
    return NewRule(name, kind, currency if currency in base.currencies else next(iter(base.currencies)), amount)
