"""What the tiers' part of the form sent, read into their values. No database."""

import re
from collections.abc import Container
from dataclasses import replace
from decimal import Decimal
from itertools import chain, count

from django.http import QueryDict
from django.utils.translation import gettext as _

from stamgast.console.field_values import InvalidField, factor_of, name_of, one_of, whole, words_of
from stamgast.programmes.documents import CALENDAR, MONTHS, Document
from stamgast.programmes.forms import BenefitValues, LevelValues, NewLevel, Span, TierValues

PERIOD_UNITS = ("day", "week", "month", "year")
GRACE_UNITS = ("day", "week", "month")
MONEY_KINDS = ("Order Completed", "Till Sale")
LONGEST_BENEFIT = 200
MOST_BENEFITS = 50
_NOT_IN_NAMES = re.compile("[^a-z0-9]+")


def read_tiers(post: QueryDict, before: TierValues, document: Document, taken: set[str]) -> TierValues:
    """The tiers with the fields in them. A field that was not sent keeps its value."""
    levels: list[LevelValues] = []
    for place, was in enumerate(before.levels):
        level = _level(post, place, was, document, taken)
        lower = next((one for one in reversed(levels) if one.threshold is not None), None)
        if lower and lower.threshold is not None and level.threshold is not None and level.threshold <= lower.threshold:
            problem = _("it has to need more than %(lower)s, which needs %(amount)s.")
            words = {"lower": lower.name, "amount": lower.threshold}
            raise InvalidField(f"level from {place}", level.name, problem % words)
        levels.append(level)
    currency = post.get("tier on", before.currency or "")
    return replace(
        _held(post, before),
        currency=currency if before.currency is not None and currency in document.currencies else before.currency,
        levels=tuple(levels),
    )


def _held(post: QueryDict, before: TierValues) -> TierValues:
    """In what time a level is reached, and for how long it is held."""
    where = _("Levels")
    period, month = post.get("tier period", ""), post.get("tier month", before.month)
    rolling = before.rolling
    if period == "rolling":
        was = before.rolling or Span(12, "month")
        count = whole("tier rolling", where, post.get("tier rolling"), was.count, most=1116)
        rolling = Span(count, one_of(post.get("tier rolling unit"), PERIOD_UNITS, was.unit))
    elif period in CALENDAR:
        rolling = None
    grace, sent = before.grace, post.get("tier grace")
    if sent is not None:
        was = before.grace or Span(1, "day")
        unit = one_of(post.get("tier grace unit"), GRACE_UNITS, was.unit)
        grace = Span(whole("tier grace", where, sent, 1, most=372), unit) if sent.strip() else None
    return replace(
        before,
        calendar=period if period in CALENDAR else before.calendar,
        month=one_of(month, MONTHS, before.month),
        rolling=rolling,
        grace=grace,
        is_soft=post.get("tier down", "soft" if before.is_soft else "") == "soft",
    )


def _level(post: QueryDict, place: int, was: LevelValues, document: Document, taken: set[str]) -> LevelValues:
    name = name_of(f"level name {place}", post.get(f"level name {place}"), was.name, taken)
    threshold = was.threshold
    if threshold is not None:
        threshold = whole(f"level from {place}", name, post.get(f"level from {place}"), threshold, least=0)
    multiplies = was.multiplies
    slots = [slot for slot in range(len(document.currencies)) if f"level times {place} {slot}" in post]
    if slots:
        read = [_multiply(post, place, slot, name, document) for slot in slots]
        multiplies = tuple(one for one in read if one is not None)
        if len({currency for currency, _factor in multiplies}) < len(multiplies):
            raise InvalidField(f"level of {place} {slots[-1]}", name, _("it multiplies one thing twice."))
    return LevelValues(name, threshold, multiplies, _benefits(post, place, name, was.benefits))


def _benefits(post: QueryDict, place: int, level: str, before: tuple[BenefitValues, ...]) -> tuple[BenefitValues, ...]:
    """What else a level gives. Without words there is none, and words in one language stand for both.

    Which benefit a field changes comes along with it: others may have gone since the fields were made.
    """
    slots = [slot for slot in range(MOST_BENEFITS) if f"benefit en {place} {slot}" in post]
    named = [post.get(f"benefit {place} {slot}", "") for slot in slots]
    stood, found = {one.name: one for one in before}, dict[str, BenefitValues]()
    for slot, name in zip(slots, named, strict=True):
        was = stood.get(name, BenefitValues(name, "", ""))
        fields = [(f"benefit {tongue} {place} {slot}", words) for tongue, words in (("en", was.en), ("nl", was.nl))]
        en, nl = (words_of(field, level, post.get(field), words, LONGEST_BENEFIT) for field, words in fields)
        if en or nl:
            name = name if name in stood else _free_name(en or nl, {*named, *found})
            found[name] = BenefitValues(name, en or nl, nl or en)
    return tuple(found.values()) if slots else before


def _free_name(words: str, taken: Container[str]) -> str:
    """A name for what is said in these words: ``free_delivery``."""
    wanted = _NOT_IN_NAMES.sub("_", words.casefold()).strip("_")[:30]
    if not wanted[:1].isalpha():
        wanted = f"benefit_{wanted}".rstrip("_")
    return next(name for name in chain([wanted], (f"{wanted}_{number}" for number in count(2))) if name not in taken)


def _multiply(post: QueryDict, place: int, slot: int, name: str, document: Document) -> tuple[str, Decimal] | None:
    field = f"level times {place} {slot}"
    sent = post.get(field, "").strip()
    if not sent:
        return None
    factor = factor_of(field, name, sent)
    return one_of(post.get(f"level of {place} {slot}"), list(document.currencies), next(iter(document.currencies))), factor


def new_level(post: QueryDict, document: Document, taken: set[str]) -> NewLevel:
    """The level that is to be added."""
    where, tiers = _("A new level"), document.tiers
    name = name_of("new level name", post.get("new level name"), None, taken)
    threshold = whole("new level from", where, post.get("new level from"), 0, least=0)
    on = post.get("new level on", "")
    is_currency = on in document.currencies
    kinds = tuple(kind for kind in MONEY_KINDS if kind in on.removeprefix("money ").split(", ")) or MONEY_KINDS[:1]
    level = NewLevel(name, threshold, on if is_currency else None, () if is_currency else kinds)
    scale = 1 if tiers is None or tiers.currency is not None else 100
    if tiers is not None and any(one.threshold == threshold * scale for one in tiers.levels):
        raise InvalidField("new level from", where, _("there is a level that is reached from there on already."))
    return level
