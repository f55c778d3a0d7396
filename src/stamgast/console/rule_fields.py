"""What the fields of the rules sent, read into their values. No database."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from stamgast.conditions.fields import WEEKDAYS
from stamgast.console.condition_fields import PERIODS, day_and_time, read_condition, read_moment, read_turn
from stamgast.console.field_values import InvalidField, amount_of_money, factor_of, name_of, one_of, optional, whole
from stamgast.console.programme_words import rule_label
from stamgast.programmes.documents import Document
from stamgast.programmes.forms import ConditionValues, GiveValues, MultiplyValues, NewRule, RuleValues

MEASURES = ("once", "amount", "quantity")


def read_rule(post: QueryDict, place: int, rule: RuleValues, document: Document, taken: set[str]) -> RuleValues:
    """A rule with the fields in it. A field that was not sent keeps its value."""
    where = rule_label(rule.name)
    gives = tuple(_give(post, place, where, give) for give in rule.gives)
    multiplies = _multiplies(post, place, where, rule.multiplies, document)
    period: Any = one_of(post.get(f"period {place}"), PERIODS, rule.cap_period or PERIODS[0])
    begins, ends = (
        read_moment(post, f"{name} {place}", where, was) for name, was in (("begins", rule.begins), ("ends", rule.ends))
    )
    _check_time(f"ends {place}", where, begins, ends)
    read = replace(
        rule,
        name=name_of(f"name {place}", post.get(f"name {place}"), rule.name, taken),
        gives=gives,
        multiplies=multiplies,
        cap_period=period,
        when=rule.when and read_condition(post, place, where, rule.when),
        turn=read_turn(post, place, where, rule.turn),
        begins=begins,
        ends=ends,
    )
    return read if read.caps else replace(read, cap_period=None)


def _give(post: QueryDict, place: int, where: str, give: GiveValues) -> GiveValues:
    amount, per, cap, of, budget = (f"{part} {place} {give.currency}" for part in ("amount", "per", "cap", "of", "budget"))
    measure: Any = give.of if give.has_lines else one_of(post.get(of), MEASURES, give.of)
    stood, each = give.per or Decimal(1), None
    if measure == "amount":
        each = amount_of_money(per, where, post.get(per), stood)
    elif measure == "quantity":
        pieces = whole(per, where, post.get(per), max(int(stood), 1))
        each = stood if stood == pieces else Decimal(pieces)
    return replace(
        give,
        amount=whole(amount, where, post.get(amount), give.amount),
        per=each,
        of=measure,
        cap=optional(cap, where, post.get(cap), give.cap),
        budget=optional(budget, where, post.get(budget), give.budget),
    )


def _multiplies(
    post: QueryDict, place: int, where: str, before: tuple[MultiplyValues, ...], document: Document
) -> tuple[MultiplyValues, ...]:
    """By what it multiplies. A field without a number multiplies nothing; one is needed."""
    slots = [slot for slot in range(len(document.currencies)) if f"times {place} {slot}" in post]
    if not before or not slots:
        return before
    stood, found = {one.currency: one for one in before}, dict[str, MultiplyValues]()
    for slot in slots:
        field = f"times {place} {slot}"
        sent = post.get(field, "").strip()
        if not sent:
            continue
        factor = factor_of(field, where, sent)
        currency = one_of(post.get(f"times of {place} {slot}"), list(document.currencies), next(iter(stood)))
        if currency in found:
            raise InvalidField(f"times of {place} {slot}", where, _("it multiplies one thing twice."))
        was = stood.get(currency, MultiplyValues(currency, factor))
        cap, budget = f"times cap {place} {slot}", f"times budget {place} {slot}"
        found[currency] = MultiplyValues(
            currency,
            was.factor if was.factor == factor else factor,
            optional(cap, where, post.get(cap), was.cap),
            optional(budget, where, post.get(budget), was.budget),
        )
    if not found:
        raise InvalidField(f"times {place} 0", where, _("say how many times as many it gives."))
    return tuple(found.values())


def _check_time(field: str, where: str, begins: str | None, ends: str | None) -> None:
    """A rule that ends before it begins would never hold. The last day belongs to it."""
    if begins is None or ends is None:
        return
    last = timedelta(days=0 if day_and_time(ends)[1] else 1)
    if datetime.fromisoformat(begins) - datetime.fromisoformat(ends) >= last:
        raise InvalidField(field, where, _("it ends before it begins."))


def new_rule(post: QueryDict, document: Document, taken: set[str]) -> NewRule:
    """The rule that is to be added; without a name, it is called after its kind."""
    kind, where = post.get("new kind", "").strip(), _("Something else")
    if not kind:
        raise InvalidField("new kind", where, _("choose the kind of activity that is worth something."))
    amount = whole("new amount", where, post.get("new amount"), 1)
    currency = one_of(post.get("new currency"), list(document.currencies), next(iter(document.currencies)))
    return NewRule(_new_name(post, "new name", kind, taken), ConditionValues(kinds=(kind,)), currency, amount)


def new_multiplier(post: QueryDict, document: Document, taken: set[str]) -> NewRule:
    """The rule that is to be added: on some days, of one kind, or both, there is more of something."""
    where = _("Days on which there is more")
    kind, days = post.get("more kind", "").strip(), post.getlist("more weekday")
    when = ConditionValues(kinds=(kind,) if kind else (), weekdays=tuple(day for day in WEEKDAYS if day in days))
    if when.is_empty:
        raise InvalidField("more kind", where, _("say when it applies: choose days or a kind of activity."))
    factor = factor_of("more times", where, post.get("more times", ""))
    begins, ends = (read_moment(post, f"more {name}", where, None) for name in ("begins", "ends"))
    _check_time("more ends", where, begins, ends)
    currency = one_of(post.get("more of"), list(document.currencies), next(iter(document.currencies)))
    name = _new_name(post, "more name", " ".join([*when.weekdays, kind]).strip(), taken)
    return NewRule(name, when, currency, factor=factor, begins=begins, ends=ends)


def _new_name(post: QueryDict, field: str, otherwise: str, taken: set[str]) -> str:
    """The name that was typed, else one that is free."""
    if post.get(field, "").strip():
        return name_of(field, post.get(field), None, taken)
    name = wanted = " ".join(otherwise.casefold().replace("/", " ").split())[:70]
    number = 1
    while name in taken:
        number += 1
        name = f"{wanted} {number}"
    return name
