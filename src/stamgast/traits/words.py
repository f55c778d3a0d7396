"""A definition as a sentence, English and Dutch, and a value as machines read it."""

from datetime import datetime
from decimal import Decimal

from stamgast.kit.money import to_major
from stamgast.traits.definition import Definition
from stamgast.traits.types import MILLIONTHS, Aggregate, Shape, Value

WORDS = {
    "en": {
        Aggregate.COUNT: "the number of activities",
        Aggregate.SUM: "the sum of {of}",
        Aggregate.AVERAGE: "the average of {of}",
        Aggregate.MIN: "the lowest value of {of}",
        Aggregate.MAX: "the highest value of {of}",
        Aggregate.FIRST: "the first value of {of}",
        Aggregate.LAST: "the last value of {of}",
        Aggregate.MOST_FREQUENT: "the most frequent value of {of}",
        Aggregate.DISTINCT: "the number of different values of {of}",
        Aggregate.FIRST_AT: "the moment of the first activity",
        Aggregate.LAST_AT: "the moment of the last activity",
        Aggregate.DAYS_SINCE_LAST: "the number of days since the last activity",
        "currency": " in {currency}",
        "lines": ", of the lines for which {lines}",
        "when": ", where {when}",
        "day": ", today",
        "days": ", in the last {days} days",
    },
    "nl": {
        Aggregate.COUNT: "het aantal activiteiten",
        Aggregate.SUM: "de som van {of}",
        Aggregate.AVERAGE: "het gemiddelde van {of}",
        Aggregate.MIN: "de laagste waarde van {of}",
        Aggregate.MAX: "de hoogste waarde van {of}",
        Aggregate.FIRST: "de eerste waarde van {of}",
        Aggregate.LAST: "de laatste waarde van {of}",
        Aggregate.MOST_FREQUENT: "de meest voorkomende waarde van {of}",
        Aggregate.DISTINCT: "het aantal verschillende waarden van {of}",
        Aggregate.FIRST_AT: "het moment van de eerste activiteit",
        Aggregate.LAST_AT: "het moment van de laatste activiteit",
        Aggregate.DAYS_SINCE_LAST: "het aantal dagen sinds de laatste activiteit",
        "currency": " in {currency}",
        "lines": ", van de regels waarvoor geldt: {lines}",
        "when": ", waarvoor geldt: {when}",
        "day": ", vandaag",
        "days": ", in de laatste {days} dagen",
    },
}
"""Both languages have the same keys and places, which a test holds."""


def say_definition(definition: Definition, language: str) -> str:
    """``The number of activities, where the activity is Order Completed, in the last 90 days.``"""
    words, taking = WORDS[language], definition.taking
    of = dict(taking.labels)[language] if taking else ""
    text = words[definition.aggregate].format(of=of)
    if definition.currency:
        text += words["currency"].format(currency=definition.currency)
    lines = getattr(taking, "filter", None)
    if lines is not None:
        text += words["lines"].format(lines=lines.part.sentence(language, is_nested=True))
    if definition.when is not None:
        text += words["when"].format(when=definition.when.sentence(language))
    if definition.days is not None:
        text += words["day" if definition.days == 1 else "days"].format(days=definition.days)
    return f"{text[0].upper()}{text[1:]}."


def plain_value(definition: Definition, value: Value | None) -> int | str | None:
    """A value for the API and for files: money and numbers as decimal text, a moment in UTC, whole numbers as they are."""
    if isinstance(value, datetime):
        return value.isoformat()
    if value is None or isinstance(value, str):
        return value
    if definition.shape is Shape.MONEY:
        return str(to_major(value, definition.currency or ""))
    return f"{number_of(value):f}" if definition.shape is Shape.NUMBER else value


def number_of(millionths: int) -> Decimal:
    """A number that is kept in millionths, without zeros at its end."""
    number = (Decimal(millionths) / MILLIONTHS).normalize()
    return number if number != number.to_integral() else number.quantize(Decimal(1))
