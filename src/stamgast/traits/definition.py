"""Definitions of traits: from a document to a checked ``Definition``. Reads no clock and no database."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from stamgast.conditions import Condition, ConditionError, activity_fields, parse
from stamgast.conditions.fields import PropertyField
from stamgast.conditions.tree import AnyLine
from stamgast.kit.money import InvalidMoney, minor_digits
from stamgast.traits.errors import InvalidTrait
from stamgast.traits.taking import Amount, Column, OfLines, Property, Taking
from stamgast.traits.types import Aggregate, Shape, Value

MOST_DAYS = 3_650
LONGEST_LABEL = 80
KEYS = ("name", "label", "when", "lines", "aggregate", "of", "as", "currency", "days")
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
OF_ACTIVITIES = frozenset(
    {Aggregate.COUNT, Aggregate.FIRST_AT, Aggregate.LAST_AT, Aggregate.DAYS_SINCE_LAST}
)  # the others take something of each
OF_NUMBERS = frozenset({Aggregate.SUM, Aggregate.AVERAGE, Aggregate.MIN, Aggregate.MAX})
OF_TEXTS = frozenset({Aggregate.DISTINCT, Aggregate.MOST_FREQUENT})
TEXTS = {
    "kind": (("en", "the activity"), ("nl", "de activiteit")),
    "source": (("en", "the source"), ("nl", "de bron")),
    "order_id": (("en", "the order number"), ("nl", "het ordernummer")),
}
AMOUNT = (("en", "the amount"), ("nl", "het bedrag"))
LINES = {
    "lines.product_id": ("product_id", Shape.TEXT, (("en", "the product"), ("nl", "het product"))),
    "lines.category": ("category", Shape.TEXT, (("en", "the category"), ("nl", "de categorie"))),
    "lines.quantity": ("quantity", Shape.WHOLE, (("en", "the quantity of the lines"), ("nl", "het aantal van de regels"))),
    "lines.amount": ("amount_minor", Shape.MONEY, (("en", "the amount of the lines"), ("nl", "het bedrag van de regels"))),
}
OF = ("amount", *TEXTS, *LINES, "properties.…")


@dataclass(frozen=True)
class Definition:
    """A checked definition: which activities, what is taken of each, and how that becomes one value.

    ``when`` is None for all activities, ``taking`` where the activities themselves are counted, ``days`` for the whole
    history. Days begin and end in ``zone``. ``currency`` is that of every amount in it: others are left out, never converted.
    """

    name: str
    label: str
    when: Condition | None
    aggregate: Aggregate
    taking: Taking | None
    currency: str | None
    days: int | None
    zone: str
    document: Mapping[str, Any]

    @property
    def shape(self) -> Shape:
        """What its values are."""
        if self.aggregate in (Aggregate.FIRST_AT, Aggregate.LAST_AT):
            return Shape.MOMENT
        if self.aggregate in (Aggregate.COUNT, Aggregate.DISTINCT, Aggregate.DAYS_SINCE_LAST):
            return Shape.WHOLE
        assert self.taking is not None
        if self.aggregate is Aggregate.AVERAGE and self.taking.shape is Shape.WHOLE:
            return Shape.NUMBER  # an average of whole numbers is one only by chance
        return self.taking.shape

    @property
    def nothing(self) -> Value | None:
        """The value of who has nothing that counts: nothing was counted or added up, and of nothing there is no last."""
        return 0 if self.aggregate in (Aggregate.COUNT, Aggregate.SUM, Aggregate.DISTINCT) else None

    @property
    def columns(self) -> frozenset[str]:
        """The columns of activities that it reads, beside customer, activity and moment."""
        of_when = self.when.columns if self.when else frozenset()
        return of_when | (self.taking.columns if self.taking else frozenset())

    @property
    def needs_body(self) -> bool:
        """Whether it reads more of an activity than its own columns: properties or lines."""
        return not {"properties", "lines"}.isdisjoint(self.columns)

    def since(self, at: datetime) -> datetime | None:
        """The first moment of the window at a moment: the midnight that began the first of so many days, today the last.

        So a value changes by what happens, and at midnight, and not with every minute. Where a clock change skips midnight,
        the day begins with the change.
        """
        if self.days is None:
            return None
        zone = ZoneInfo(self.zone)
        first = at.astimezone(zone).date() - timedelta(days=self.days - 1)
        return datetime.combine(first, time(), zone).astimezone(at.tzinfo)


def read_definition(document: object, *, zone: str, currency: str) -> Definition:
    """The definition that a document says; raises InvalidTrait with the place and what may stand there.

    ``currency`` is the shop's own: in it are amounts where the document names none.
    """
    if not isinstance(document, Mapping):
        raise InvalidTrait("", "A trait is a mapping with a name, a label and an aggregate.")
    strange = next((str(key)[:40] for key in document if key not in KEYS), None)
    if strange is not None:
        raise InvalidTrait(strange, f"is not known here. The keys are {', '.join(KEYS)}.")
    name, label = document.get("name"), document.get("label")
    if not isinstance(label, str) or not 1 <= len(label.strip()) <= LONGEST_LABEL or not label.isprintable():
        raise InvalidTrait("label", f"A label is what people call it, in 1 to {LONGEST_LABEL} characters.")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InvalidTrait("name", "A name has 1 to 40 small letters, digits and underscores, and begins with a letter.")
    try:
        aggregate = Aggregate(cast("str", document.get("aggregate")))
    except ValueError:
        raise InvalidTrait("aggregate", f"The aggregates are {', '.join(Aggregate)}.") from None
    days = document.get("days")
    if days is not None and (not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= MOST_DAYS):
        raise InvalidTrait("days", f"A window has 1 to {MOST_DAYS:,} days; leave it out for the whole history.")
    own = document.get("currency", currency)
    try:
        minor_digits(str(own))
    except InvalidMoney as error:
        raise InvalidTrait("currency", error.message) from None
    when = _condition(document, "when", zone)
    taking = _taking(document, aggregate, str(own), zone)
    is_money = taking is not None and taking.shape is Shape.MONEY
    if not is_money and "currency" in document:
        raise InvalidTrait("currency", "Only amounts have a currency, and this takes none.")
    return Definition(
        name, label.strip(), when, aggregate, taking, str(own) if is_money else None, days, zone, dict(document)
    )  # fmt: skip


def _condition(document: Mapping[str, Any], key: str, zone: str) -> Condition | None:
    inner = document.get(key)
    if inner is None:
        return None
    try:
        return parse({"any_line": inner} if key == "lines" else inner, activity_fields(zone), key)
    except ConditionError as error:
        raise InvalidTrait(error.path, error.problem) from None


def _taking(document: Mapping[str, Any], aggregate: Aggregate, currency: str, zone: str) -> Taking | None:
    of, as_ = document.get("of"), document.get("as")
    lines = _condition(document, "lines", zone)
    if lines is not None and of not in LINES:
        raise InvalidTrait("lines", f"Lines are looked at where something of them is taken: {', '.join(LINES)}.")
    if aggregate in OF_ACTIVITIES:
        if of is not None or as_ is not None:
            raise InvalidTrait("of", f"{aggregate} counts the activities themselves and takes nothing of them.")
        return None
    taking = _find(of, as_, aggregate, currency, zone, cast("AnyLine | None", lines))
    if aggregate in OF_NUMBERS and taking.shape is Shape.TEXT:
        raise InvalidTrait("of", f"{aggregate} takes numbers, and {of} is text.")
    if aggregate in OF_TEXTS and taking.shape is not Shape.TEXT:
        raise InvalidTrait("of", f"{aggregate} takes texts, and {of} is a number.")
    return taking


def _find(of: object, as_: object, aggregate: Aggregate, currency: str, zone: str, lines: AnyLine | None) -> Taking:
    if not isinstance(of, str):
        raise InvalidTrait("of", f"Say what is taken of each activity: {', '.join(OF)}.")
    field = activity_fields(zone).find(of) if of.startswith("properties.") else None
    if isinstance(field, PropertyField):
        if as_ not in (None, "number", "text"):
            raise InvalidTrait("as", "A property is taken as number or as text.")
        shape = Shape.NUMBER if as_ == "number" or (as_ is None and aggregate in OF_NUMBERS) else Shape.TEXT
        return Property(field, shape)
    if as_ is not None:
        raise InvalidTrait("as", "Only properties are taken as number or as text: everything else is one of them.")
    if of == "amount":
        return Amount(currency, AMOUNT)
    if of in TEXTS:
        return Column(of, TEXTS[of])
    if of in LINES:
        column, shape, labels = LINES[of]
        return OfLines(column, shape, labels, lines, currency if shape is Shape.MONEY else None)
    raise InvalidTrait("of", f"There is no {of[:80]!r} to take. There are {', '.join(OF)}.")
