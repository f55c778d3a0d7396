"""What a form of the programme sent, read into the document. No database.

The fields were made from a text, which came along; the document pane may hold another. What was typed in the pane counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from stamgast.console.pages import LONGEST_REASON, shop_zone
from stamgast.console.words import refusal_sentence
from stamgast.kit.errors import StamgastError
from stamgast.programmes.documents import Document, load
from stamgast.programmes.drafts import LONGEST_TITLE
from stamgast.programmes.errors import InvalidProgramme
from stamgast.programmes.forms import UNITS, NewRule, Values, rewrite, values_of

PERIODS = ("day", "week", "month", "year", "lifetime")
LARGEST = 1_000_000_000
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

    ``fields`` is the sound text that the fields show; ``problem`` what was wrong with a field.
    """

    typed: str
    document: Document | None
    fields: str
    problems: Sequence[Mapping[str, Any]]
    problem: str


def read_form(post: QueryDict, start: str, otherwise: str) -> Written:
    """The document as it stands after what was sent: a pane that was typed in counts, else the fields.

    ``start`` is the text where nothing was sent, and ``otherwise`` a sound one for the fields where it is not sound itself.
    """
    act, _separator, place = post.get("act", "").partition(" ")
    fields = plain_text(post.get("draft", ""))
    typed = plain_text(post.get("document", "")) if "document" in post else fields or start
    problem = ""
    if act and act != "document" and typed == fields and is_sound(fields):
        try:
            removed = int(place) if act == "remove" else None
            typed = _rewritten(load(fields), post, removed=removed, adds=act == "add")
            load(typed)
        except ValueError:
            problem, typed = _("A number that was sent is not a number. Nothing was changed."), fields
        except StamgastError as error:
            problem, typed = refusal_sentence(error), typed if is_sound(typed) else fields
    try:
        return Written(typed, load(typed), typed, (), problem)
    except InvalidProgramme as error:
        found: Any = error.details.get("problems", [])
        sound = fields if fields and is_sound(fields) else otherwise
        return Written(typed, None, sound, found, problem)


def plain_text(text: str) -> str:
    """A text as it was before a browser sent it."""
    return text.replace("\r\n", "\n")


def is_sound(text: str) -> bool:
    try:
        load(text)
    except InvalidProgramme:
        return False
    return True


def _rewritten(base: Document, post: QueryDict, *, removed: int | None, adds: bool) -> str:
    """The document with the fields in it. A field that was not sent keeps its value."""
    before = values_of(base)
    rules = []
    for place, rule in enumerate(before.rules):
        gives = tuple(
            replace(
                give,
                amount=_whole(post.get(f"amount {place} {give.currency}"), give.amount),
                per=give.per if give.per is None else _money(post.get(f"per {place} {give.currency}"), give.per),
                cap=_optional(post.get(f"cap {place} {give.currency}"), give.cap),
            )
            for give in rule.gives
        )
        is_capped = any(give.cap is not None for give in gives)
        period = post.get(f"period {place}", rule.cap_period or PERIODS[0])
        chosen: Any = period if period in PERIODS else PERIODS[0]
        rules.append(replace(rule, gives=gives, cap_period=chosen if is_capped else None))
    lives = []
    for life in before.lives:
        unit, end = post.get(f"unit {life.currency}", life.unit), post.get(f"end {life.currency}", life.at)
        count = _optional(post.get(f"life {life.currency}"), life.count)
        ends: Any = end if end in ENDS and count is not None else "exact"
        lives.append(replace(life, count=count, unit=unit if unit in UNITS else life.unit, at=ends))
    added = [_new_rule(base, post)] if adds else []
    return rewrite(
        base, Values(tuple(rules), tuple(lives)), removed=[] if removed is None else [removed % len(rules)], added=added
    )


def _new_rule(base: Document, post: QueryDict) -> NewRule:
    kind = post.get("new kind", "").strip()
    if not kind:
        raise InvalidProgramme(_("Choose the kind of activity that is worth something."))
    currency = post.get("new currency", "")
    taken = {rule.name for rule in base.rules}
    name = wanted = kind.casefold().replace("/", " ")[:70]
    number = 1
    while name in taken:
        number += 1
        name = f"{wanted} {number}"
    return NewRule(
        name, kind, currency if currency in base.currencies else next(iter(base.currencies)), _whole(post.get("new amount"), 1)
    )


def _whole(sent: str | None, otherwise: int) -> int:
    if sent is None or not sent.strip():
        return otherwise
    if not sent.strip().isdecimal() or not 1 <= int(sent) <= LARGEST:
        text = _("“%(text)s” does not fit. It is a whole number from 1 to 1,000,000,000.")
        raise InvalidProgramme(text % {"text": sent[:20]})
    return int(sent)


def _optional(sent: str | None, otherwise: int | None) -> int | None:
    if sent is None:
        return otherwise
    return _whole(sent, 0) if sent.strip() else None


def _money(sent: str | None, otherwise: Decimal) -> Decimal:
    if sent is None or not sent.strip():
        return otherwise
    try:
        amount = Decimal(sent.strip().replace(",", "."))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not Decimal("0.01") <= amount <= LARGEST:
        raise InvalidProgramme(_("“%(text)s” is not an amount of at least 0.01.") % {"text": sent[:20]})
    return otherwise if amount == otherwise else amount
