"""The condition of a rule in the programme's editor: what its fields show."""

from collections.abc import Sequence
from typing import Any

from babel.dates import get_day_names
from django.http import QueryDict
from django.utils.translation import gettext as _

from stamgast.conditions.fields import WEEKDAYS
from stamgast.console import reader
from stamgast.programmes.forms import ConditionValues, TurnValues


def condition_shown(
    place: int, values: ConditionValues | None, kinds: Sequence[str], sets: Sequence[str], typed: QueryDict
) -> dict[str, Any] | None:
    """The fields of a condition with their values, or with what was ``typed``; None where the form cannot change it."""
    if values is None:
        return None

    def value(name: str, stands: object) -> object:
        return typed.get(f"{name} {place}", "" if stands is None else stands)

    is_typed = f"when {place}" in typed
    chosen = [kind for kind in typed.getlist(f"kind {place}") if kind] if is_typed else list(values.kinds)
    days = typed.getlist(f"weekday {place}") if is_typed else values.weekdays
    known, names = dict.fromkeys([*kinds, *values.kinds]), get_day_names("abbreviated", locale=reader.locale())
    return {
        "slots": [*chosen, ""],
        "kinds": list(known),
        "weekdays": [(day, names[number], day in days) for number, day in enumerate(WEEKDAYS)],
        "hour_from": value("hour from", values.hour_from),
        "hour_until": value("hour until", values.hour_until),
        "set": value("set", values.product_set),
        "sets": sets,
        "category": value("category", ", ".join(values.categories)),
        "source": value("source", ", ".join(values.sources)),
        "store": value("store", ", ".join(values.stores)),
        "channel": value("channel", ", ".join(values.channels)),
        "amount": value("least", None if values.amount is None else f"{values.amount:f}"),
        "is_over": value("over", "over" if values.is_over else "") == "over",
    }


def turn_shown(place: int, turn: TurnValues | None, typed: QueryDict) -> dict[str, Any] | None:
    """On which of the activities that fit it gives; None where it counts in a way that the form cannot change."""
    if turn is None:
        return None
    is_first = turn.kind == "nth" and turn.count == 1
    chosen = typed.get(f"turn {place}", "first" if is_first else turn.kind)
    return {"chosen": chosen, "count": typed.get(f"count {place}", 10 if is_first or turn.kind == "each" else turn.count)}


def turns() -> list[tuple[str, str]]:
    """The ways in which a rule counts that the form knows."""
    return [
        ("each", _("each time")),
        ("first", _("the first time of a customer")),
        ("nth", _("once, at a customer's number")),
        ("every", _("once in every so many of a customer")),
    ]
