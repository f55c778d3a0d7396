"""The condition of a rule in the programme's editor: what its fields show."""

from collections.abc import Sequence
from typing import Any

from babel.dates import get_day_names
from django.http import QueryDict
from django.utils.translation import gettext as _

from stamgast.conditions.fields import WEEKDAYS
from stamgast.console import reader
from stamgast.console.condition_fields import DIFFERENT, PERIODS, STREAKS
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
        "amount": value("least", None if values.amount is None else reader.decimal(values.amount)),
        "is_over": value("over", "over" if values.is_over else "") == "over",
        "is_birthday": f"birthday {place}" in typed if is_typed else values.is_birthday,
    }


def turn_shown(place: int, turn: TurnValues, typed: QueryDict) -> dict[str, Any]:
    """On which of the activities that fit it gives."""
    is_first = turn.kind == "nth" and turn.count == 1
    chosen = typed.get(f"turn {place}", "first" if is_first else turn.kind)
    different = typed.get(f"different {place}", turn.different or DIFFERENT[0])
    labels = {
        "properties.store_id": _("stores"),
        "kind": _("kinds of activity"),
        "source": _("sources"),
        "properties.channel": _("channels"),
    }
    return {
        "chosen": chosen,
        "count": typed.get(f"count {place}", 10 if is_first or turn.kind == "each" else turn.count),
        "streak": typed.get(f"streak {place}", turn.per if turn.kind == "streak" else STREAKS[1]),
        "challenge": typed.get(f"challenge {place}", turn.per if turn.kind == "challenge" else PERIODS[2]),
        "different": different,
        "differents": [(name, labels.get(name, name)) for name in dict.fromkeys([*DIFFERENT, turn.different]) if name],
    }


def turns() -> list[tuple[str, str]]:
    """The ways in which a rule counts that the form knows."""
    return [
        ("each", _("each time")),
        ("first", _("the first time of a customer")),
        ("nth", _("once, at a customer's number")),
        ("every", _("once in every so many of a customer")),
        ("streak", _("after so many in a row")),
        ("challenge", _("after so many different ones")),
    ]


def streaks() -> list[tuple[str, str]]:
    """What can stand in a row."""
    return list(zip(STREAKS, (_("days in a row"), _("weeks in a row"), _("months in a row")), strict=True))
