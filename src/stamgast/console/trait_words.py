"""The console's own words for computed traits: aggregates, what is taken, values, and what is wrong with a form."""

from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stamgast.console import reader
from stamgast.console.refusal_words import refusal_sentence
from stamgast.kit.errors import StamgastError
from stamgast.traits.definition import Definition
from stamgast.traits.errors import InvalidTrait
from stamgast.traits.filters import TraitFilter
from stamgast.traits.types import Aggregate, Shape, Value
from stamgast.traits.words import number_of


def aggregate_choices() -> list[tuple[str, str]]:
    """The aggregates and what they are called in a form."""
    return [
        (Aggregate.COUNT, _("how many there are")),
        (Aggregate.SUM, _("the sum of")),
        (Aggregate.AVERAGE, _("the average of")),
        (Aggregate.MIN, _("the lowest")),
        (Aggregate.MAX, _("the highest")),
        (Aggregate.FIRST, _("the first")),
        (Aggregate.LAST, _("the last")),
        (Aggregate.MOST_FREQUENT, _("the most frequent")),
        (Aggregate.DISTINCT, _("how many different ones of")),
        (Aggregate.FIRST_AT, _("when the first was")),
        (Aggregate.LAST_AT, _("when the last was")),
        (Aggregate.DAYS_SINCE_LAST, _("days since the last")),
    ]


def taking_choices() -> list[tuple[str, str]]:
    """What can be taken of an activity."""
    return [
        ("amount", _("amount")),
        ("lines.product_id", _("product of its lines")),
        ("lines.category", _("category of its lines")),
        ("lines.quantity", _("quantity of its lines")),
        ("lines.amount", _("amount of its lines")),
        ("kind", _("kind of activity")),
        ("source", _("source")),
        ("order_id", _("order number")),
        ("properties", _("property, named below")),
    ]


def shape_label(shape: Shape) -> str:
    """What sort of value it is."""
    labels = {
        Shape.WHOLE: _("whole number"),
        Shape.MONEY: _("amount of money"),
        Shape.NUMBER: _("number"),
        Shape.TEXT: _("text"),
        Shape.MOMENT: _("moment"),
    }
    return labels[shape]


def value_text(definition: Definition, value: Value | None) -> str:
    """A value as the reader writes it; a dash where there is none."""
    if value is None:
        return reader.NOTHING
    if isinstance(value, datetime):
        return reader.weekday(value)
    if isinstance(value, str):
        return value
    if definition.shape is Shape.MONEY:
        return reader.money(value, definition.currency or "")
    if definition.shape is Shape.NUMBER:
        number = number_of(value)
        exponent = number.as_tuple().exponent
        return reader.number(number, digits=max(0, -exponent) if isinstance(exponent, int) else 0)
    return reader.days(value) if definition.aggregate is Aggregate.DAYS_SINCE_LAST else reader.number(value)


def counted_sentence(count: int, used: int, others: int, definition: Definition) -> str:
    """How many activities were counted, and how many of them had nothing to take."""
    parts = [ngettext("%(count)s activity counts.", "%(count)s activities count.", count) % {"count": reader.number(count)}]
    if others:
        text = ngettext(
            "%(count)s was in another currency than %(currency)s and is left out.",
            "%(count)s were in another currency than %(currency)s and are left out.",
            others,
        )
        parts.append(text % {"count": reader.number(others), "currency": definition.currency})
    missing = count - used - others
    if missing > 0:
        text = ngettext("%(count)s has no value.", "%(count)s have no value.", missing)
        parts.append(text % {"count": reader.number(missing)})
    return " ".join(parts)


def filter_words(wanted: TraitFilter, is_ready: bool) -> str:
    """What a filter of a list says."""
    label = wanted.definition.label
    if wanted.text is not None:
        words = _("%(trait)s is %(value)s") % {"trait": label, "value": wanted.text}
    elif wanted.low is not None and wanted.high is not None:
        ends = {"low": _end(wanted, wanted.low), "high": _end(wanted, wanted.high)}
        words = _("%(trait)s from %(low)s to %(high)s") % {"trait": label, **ends}
    elif wanted.low is not None:
        words = _("%(trait)s of at least %(low)s") % {"trait": label, "low": _end(wanted, wanted.low)}
    else:
        words = _("%(trait)s of at most %(high)s") % {"trait": label, "high": _end(wanted, wanted.high)}
    return words if is_ready else _("%(filter)s (being worked out)") % {"filter": words}


def _end(wanted: TraitFilter, end: Decimal | date | None) -> str:
    if not isinstance(end, Decimal):
        return reader.day(end)
    exponent = end.as_tuple().exponent
    text = reader.number(end, digits=max(0, -exponent) if isinstance(exponent, int) else 0)
    return f"{wanted.definition.currency}{reader.NO_BREAK}{text}" if wanted.definition.currency else text


def problem_sentence(error: StamgastError) -> str:
    """What is wrong with a form, in the reader's language where the place says enough."""
    if not isinstance(error, InvalidTrait):
        return refusal_sentence(error)
    sentences = {
        "label": _("Say what people call it, in 1 to 80 characters."),
        "name": _("A name has 1 to 40 small letters, digits and underscores, and begins with a letter."),
        "days": _("A window is a whole number of days, from 1 to 3,650. Leave it empty for the whole history."),
        "over": _("The amount to pass is not a number."),
        "currency": _("A currency is a code of three letters, such as EUR."),
        "of": _("This cannot be taken so. Amounts and quantities are added up and averaged; texts are told apart."),
        "as": _("Only a property is taken as a number or as text."),
    }
    return sentences.get(error.path) or error.message
