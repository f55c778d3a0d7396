"""The columns of the list of customers: which there are, what each shows on the page, and what it gives the file."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stamgast.console import reader
from stamgast.console.trait_words import value_text
from stamgast.console.words import currency_label, identifier_label, kind_label, segment_badge, segment_name
from stamgast.customers.types import CustomerSummary
from stamgast.flows.compute_traits import told_value
from stamgast.flows.list_customers import SCORE, Description, Need
from stamgast.kit.money import to_major
from stamgast.traits.definition import Definition
from stamgast.traits.types import Shape, Value
from stamgast.traits.words import plain_value

TRAIT = "trait."
USUAL = ("segments", "score", "orders", "last_seen")
IN_FILE = ("id.email", "first_seen", "last_seen", "score", "orders", "segments")
"""What a file has beside id and name where nobody chose."""
KINDS = ("user_id", "email", "phone", "card_number", "anonymous_id")
SHOWN = 2
"""So many identifiers of one kind stand on the page; the file has them all."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in the list: a text, or badges."""

    text: str
    badges: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """``name`` is what addresses say; ``heads`` and ``written`` are the columns that a file gets for it."""

    name: str
    label: str
    heads: tuple[str, ...]
    cell: Callable[[CustomerSummary, Description], Cell]
    written: Callable[[CustomerSummary, Description], Sequence[Any]]
    need: Need | None = None
    is_number: bool = field(default=False)
    trait: str = ""
    """The computed trait that it shows."""


def known_columns(
    currencies: Iterable[str],
    kinds: Iterable[str],
    traits: Iterable[tuple[Definition, bool]] = (),
    *,
    at: datetime | None = None,
) -> dict[str, Column]:
    """Every column by its name, in the order in which they are offered: for these currencies, kinds of identifiers and computed
    traits, each with whether its values are worked out; days since the last are those of ``at``.
    """
    columns = [
        Column("segments", _("Segments"), ("segments",), _badges, _segments, Need.SEGMENTS),
        _balance("score", SCORE, _("Score")),
        Column(
            "orders",
            _("Orders, before returns"),
            ("orders",),
            lambda _row, told: Cell(reader.number(told.orders)),
            lambda _row, told: (told.orders,),
            Need.ORDERS,
            is_number=True,
        ),
        Column("spend", _("Spend, before returns"), ("spend", "currency"), _spend, _amounts, Need.ORDERS, is_number=True),
        Column(
            "last_seen",
            _("Last seen"),
            ("last_seen",),
            lambda row, _told: Cell(reader.ago(row.last_seen)),
            lambda row, _told: (row.last_seen.isoformat(),),
        ),
        Column(
            "first_seen",
            _("First seen"),
            ("first_seen",),
            lambda row, _told: Cell(reader.day(row.first_seen)),
            lambda row, _told: (row.first_seen.isoformat(),),
        ),
        Column(
            "last_activity",
            _("Last activity"),
            ("last_activity",),
            lambda _row, told: Cell(kind_label(told.last.kind) if told.last else reader.NOTHING),
            lambda _row, told: (told.last.kind if told.last else "",),
            Need.LAST,
        ),
        Column(
            "last_source",
            _("Last heard from"),
            ("last_source",),
            lambda _row, told: Cell(told.last.source if told.last else reader.NOTHING),
            lambda _row, told: (told.last.source if told.last else "",),
            Need.LAST,
        ),
        *(_identifiers(kind) for kind in dict.fromkeys((*KINDS, *kinds))),
        *(
            _balance(f"balance.{currency}", currency, currency_label(currency).capitalize())
            for currency in dict.fromkeys(currencies)
            if currency != SCORE
        ),
        *(_trait(definition, is_ready, at) for definition, is_ready in traits if at is not None),
    ]
    return {column.name: column for column in columns}


def read_columns(typed: str, known: Mapping[str, Column]) -> tuple[str, ...]:
    """The names in an address that are columns, each once, in that order; the usual ones where there is none."""
    return tuple(dict.fromkeys(name for name in typed.split(",") if name in known)) or USUAL


def move(names: Sequence[str], name: str, by: int) -> tuple[str, ...]:
    """The names with one of them so many places later, or earlier where that is below zero."""
    moved = [other for other in names if other != name]
    if name in names:
        moved.insert(max(names.index(name) + by, 0), name)
    return tuple(moved)


def _balance(name: str, currency: str, label: str) -> Column:
    return Column(
        name,
        label,
        (currency,),
        lambda _row, told: Cell(reader.number(told.available.get(currency, 0))),
        lambda _row, told: (told.available.get(currency, 0),),
        Need.BALANCES,
        is_number=True,
    )


def _identifiers(kind: str) -> Column:
    def values(row: CustomerSummary) -> list[str]:
        found = [one.value for one in row.identifiers if one.kind == kind]
        return found or ([row.email] if kind == "email" and row.email else [])

    def cell(row: CustomerSummary, _told: Description) -> Cell:
        found = values(row)
        text = ", ".join(found[:SHOWN]) or reader.NOTHING
        if len(found) > SHOWN:
            more = len(found) - SHOWN
            text += " " + ngettext("and %(count)s more", "and %(count)s more", more) % {"count": reader.number(more)}
        return Cell(text)

    return Column(f"id.{kind}", identifier_label(kind), (kind,), cell, lambda row, _told: ("; ".join(values(row)),))


def _trait(definition: Definition, is_ready: bool, at: datetime) -> Column:
    def value(told: Description) -> Value | None:
        return told_value(definition, told.traits.get(definition.name), at)

    return Column(
        f"{TRAIT}{definition.name}",
        definition.label,
        (definition.name,),
        lambda _row, told: Cell(value_text(definition, value(told)) if is_ready else _("not yet")),
        lambda _row, told: (_in_file(definition, value(told)) if is_ready else "",),
        is_number=definition.shape in (Shape.WHOLE, Shape.MONEY, Shape.NUMBER),
        trait=definition.name,
    )


def _in_file(definition: Definition, value: Value | None) -> Any:
    """A number as a number, so that what is below zero is not taken for a formula."""
    plain = plain_value(definition, value)
    if plain is None:
        return ""
    return Decimal(plain) if definition.shape in (Shape.MONEY, Shape.NUMBER) else plain


def _badges(_row: CustomerSummary, told: Description) -> Cell:
    return Cell("", [segment_badge(one.slug, one.name) for one in told.memberships])


def _segments(_row: CustomerSummary, told: Description) -> Sequence[Any]:
    return ("; ".join(segment_name(one.slug, one.name) for one in told.memberships),)


def _spend(_row: CustomerSummary, told: Description) -> Cell:
    amounts = [reader.money(amount, currency) if currency else reader.number(amount) for currency, amount in told.spend.items()]
    return Cell(" · ".join(amounts) or reader.NOTHING)


def _amounts(_row: CustomerSummary, told: Description) -> Sequence[Any]:
    if not told.spend:
        return (0, "")
    amounts = [to_major(amount, currency) if currency else amount for currency, amount in told.spend.items()]
    return (amounts[0] if len(amounts) == 1 else "; ".join(map(str, amounts)), "; ".join(told.spend))
