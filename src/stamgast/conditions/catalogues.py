"""The catalogues that the product has: of activities and their lines, and of balances."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from stamgast.conditions.fields import BirthdayMonth, Catalogue, Field, LocalField, PropertyField, TextColumn, WholeColumn
from stamgast.conditions.money import MoneyColumn
from stamgast.conditions.tree import Condition
from stamgast.conditions.types import Operator

_PATH = re.compile(r"[\w -]{1,80}(\.[\w -]{1,80}){0,7}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")

BIRTHDAY_MONTH = "birthday_month"
_BIRTHDAY = (
    (
        "en",
        (
            "it is the member's birthday month",
            "it is not the member's birthday month",
            "the member's birthday is known",
            "the member's birthday is not known",
        ),
    ),
    (
        "nl",
        (
            "het is de verjaardagsmaand van het lid",
            "het is niet de verjaardagsmaand van het lid",
            "de verjaardag van het lid is bekend",
            "de verjaardag van het lid is niet bekend",
        ),
    ),
)
LINES = Catalogue(
    {
        "product_id": TextColumn("product_id", "product_id", (("en", "the product"), ("nl", "het product"))),
        "category": TextColumn("category", "category", (("en", "the category"), ("nl", "de categorie"))),
        "quantity": WholeColumn("quantity", "quantity", (("en", "the quantity"), ("nl", "het aantal"))),
        "amount": MoneyColumn("amount", "amount_minor", (("en", "the amount"), ("nl", "het bedrag"))),
    }
)


@lru_cache(maxsize=64)
def activity_fields(timezone: str) -> Catalogue:
    """What is asked of an activity. ``amount`` is net of refunds, in major units; times are in the given zone."""
    return Catalogue(
        fields={
            "kind": TextColumn("kind", "kind", (("en", "the activity"), ("nl", "de activiteit"))),
            "source": TextColumn("source", "source", (("en", "the source"), ("nl", "de bron"))),
            "amount": MoneyColumn("amount", "amount_minor", (("en", "the amount"), ("nl", "het bedrag"))),
            "currency": TextColumn("currency", "currency", (("en", "the currency"), ("nl", "de valuta"))),
            "order_id": TextColumn("order_id", "order_id", (("en", "the order number"), ("nl", "het ordernummer"))),
            "weekday": LocalField("weekday", timezone, (("en", "the weekday"), ("nl", "de weekdag"))),
            "hour": LocalField("hour", timezone, (("en", "the hour"), ("nl", "het uur"))),
            "date": LocalField("date", timezone, (("en", "the date"), ("nl", "de datum"))),
        },
        families={"properties": _property},
        shorthands={"activity": "kind"},
        lines=LINES,
    )


@lru_cache(maxsize=64)
def rule_fields(timezone: str) -> Catalogue:
    """What a rule may ask: of an activity, and of the birthday of who did it."""
    of_activity = activity_fields(timezone)
    birthday = BirthdayMonth(BIRTHDAY_MONTH, timezone, (("en", "the birthday month"), ("nl", "de verjaardagsmaand")), _BIRTHDAY)
    return replace(
        of_activity,
        fields={**of_activity.fields, BIRTHDAY_MONTH: birthday},
        shorthands={**of_activity.shorthands, BIRTHDAY_MONTH: BIRTHDAY_MONTH},
    )


def kinds_of(condition: Condition) -> dict[str, str]:
    """The kinds of activities that a condition names as what must be, each with its path."""
    named: dict[str, str] = {}
    for comparison in condition.comparisons():
        if comparison.field.name == "kind" and comparison.operator in (Operator.IS, Operator.IN):
            literal = comparison.literal
            for value in literal if isinstance(literal, tuple) else (literal,):
                named.setdefault(str(value), comparison.path)
    return named


def _property(path: str) -> Field | None:
    if not _PATH.fullmatch(path):
        return None
    labels = (("en", f"the property {path}"), ("nl", f"de eigenschap {path}"))
    return PropertyField(f"properties.{path}", tuple(path.split(".")), labels)


SCORE = "score"  # one number that somebody has, where points and stamps are things of which somebody has so many
SCORE_LABELS = (("en", "the score"), ("nl", "de score"))


def _balance(absent: int | None) -> Callable[[str], Field | None]:
    def make(currency: str) -> Field | None:
        if not _NAME.fullmatch(currency):
            return None
        name = f"balance.{currency}"
        labels = (("en", f"the balance of {currency}"), ("nl", f"het saldo van {currency}"))
        return WholeColumn(name, name, SCORE_LABELS if currency == SCORE else labels, absent)

    return make


CUSTOMER_FIELDS = Catalogue(fields={}, families={"balance": _balance(0)})
"""What a segment may ask of a customer: ``balance.<currency>``, which is zero where nothing was ever given."""
