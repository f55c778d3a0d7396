"""Conditions in words, English and Dutch."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from babel.dates import format_date
from babel.numbers import format_decimal

from stamgast.conditions.types import PRESENCE, Failure, Literal, Operator, Says

LANGUAGES = ("en", "nl")
AND = {"en": " and ", "nl": " en "}
OR = {"en": " or ", "nl": " of "}
NOT = {"en": "not ({0})", "nl": "niet ({0})"}
ANY_LINE = {"en": "there is a line for which {0}", "nl": "er is een regel waarvoor geldt: {0}"}
YES_NO = {"en": ("no", "yes"), "nl": ("nee", "ja")}
DAYS = {
    "monday": "maandag",
    "tuesday": "dinsdag",
    "wednesday": "woensdag",
    "thursday": "donderdag",
    "friday": "vrijdag",
    "saturday": "zaterdag",
    "sunday": "zondag",
}

_STATES = {
    "en": {
        Operator.IS: "{0} is {1}",
        Operator.IS_NOT: "{0} is not {1}",
        Operator.IN: "{0} is {1}",
        Operator.OVER: "{0} is over {1}",
        Operator.AT_LEAST: "{0} is at least {1}",
        Operator.UNDER: "{0} is under {1}",
        Operator.AT_MOST: "{0} is at most {1}",
        Operator.CONTAINS: "{0} contains {1}",
        Operator.EXISTS: "{0} is known",
        Operator.MISSING: "{0} is not known",
    },
    "nl": {
        Operator.IS: "{0} is {1}",
        Operator.IS_NOT: "{0} is niet {1}",
        Operator.IN: "{0} is {1}",
        Operator.OVER: "{0} is hoger dan {1}",
        Operator.AT_LEAST: "{0} is minstens {1}",
        Operator.UNDER: "{0} is lager dan {1}",
        Operator.AT_MOST: "{0} is hoogstens {1}",
        Operator.CONTAINS: "{0} bevat {1}",
        Operator.EXISTS: "{0} is bekend",
        Operator.MISSING: "{0} is niet bekend",
    },
}
_MUSTS = {
    "en": {
        Operator.IS: ("must be {0}", "must not be {0}"),
        Operator.IS_NOT: ("must not be {0}", "must be {0}"),
        Operator.IN: ("must be {0}", "must not be {0}"),
        Operator.OVER: ("must be over {0}", "must not be over {0}"),
        Operator.AT_LEAST: ("must be at least {0}", "must be under {0}"),
        Operator.UNDER: ("must be under {0}", "must be at least {0}"),
        Operator.AT_MOST: ("must be at most {0}", "must be over {0}"),
        Operator.CONTAINS: ("must contain {0}", "must not contain {0}"),
        Operator.EXISTS: ("must be known", "must not be known"),
        Operator.MISSING: ("must not be known", "must be known"),
    },
    "nl": {
        Operator.IS: ("moet {0} zijn", "mag niet {0} zijn"),
        Operator.IS_NOT: ("mag niet {0} zijn", "moet {0} zijn"),
        Operator.IN: ("moet {0} zijn", "mag niet {0} zijn"),
        Operator.OVER: ("moet hoger zijn dan {0}", "mag niet hoger zijn dan {0}"),
        Operator.AT_LEAST: ("moet minstens {0} zijn", "moet lager zijn dan {0}"),
        Operator.UNDER: ("moet lager zijn dan {0}", "moet minstens {0} zijn"),
        Operator.AT_MOST: ("mag hoogstens {0} zijn", "moet hoger zijn dan {0}"),
        Operator.CONTAINS: ("moet {0} bevatten", "mag {0} niet bevatten"),
        Operator.EXISTS: ("moet bekend zijn", "mag niet bekend zijn"),
        Operator.MISSING: ("mag niet bekend zijn", "moet bekend zijn"),
    },
}
_ACTUAL = {"en": "{0} is {1} and {2}", "nl": "{0} is {1} en {2}"}
_UNKNOWN = {"en": "{0} is not known and {1}", "nl": "{0} is niet bekend en {1}"}
_IN_LINES = {"en": "no line fits: {0} {1}", "nl": "geen regel past: {0} {1}"}
_OF_ANOTHER_SHAPE = {"en": "a list or an object", "nl": "een lijst of een object"}


def say_value(value: object, language: str) -> str:
    """A value as a person writes it: ``41,20`` and ``dinsdag`` in Dutch."""
    if isinstance(value, tuple):
        return OR[language].join(
            ", ".join(say_value(one, language) for one in part) for part in (value[:-1], value[-1:]) if part
        )
    if isinstance(value, bool):
        return YES_NO[language][value]
    if isinstance(value, Decimal | int | float):
        return say_number(Decimal(str(value)), language)
    if isinstance(value, date):
        return format_date(value, "long", locale=language)
    if isinstance(value, str):
        return DAYS.get(value, value) if language == "nl" else value
    return _OF_ANOTHER_SHAPE[language]


def say_number(value: Decimal, language: str) -> str:
    """A number with the digits that it was written with."""
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        return str(value)
    decimals = max(-exponent, 0)
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    return format_decimal(value, format=pattern, locale=language, decimal_quantization=False)


def say_comparison(label: str, operator: Operator, literal: Literal | None, language: str) -> str:
    """``the amount is over 0``."""
    return _STATES[language][operator].format(label, say_value(literal, language))


def say_truth(says: Says, operator: Operator, literal: Literal | None, language: str) -> str:
    """``it is the member's birthday month``: a comparison of a field that says itself what it is."""
    yes, no, known, unknown = dict(says)[language]
    if operator in PRESENCE:
        return known if operator is Operator.EXISTS else unknown
    return yes if (operator is Operator.IS) == literal else no


def say_failure(failure: Failure, language: str) -> str:
    """``the amount is 0.00 and must be over 0``."""
    if failure.says:
        yes, no, known, unknown = dict(failure.says)[language]
        if failure.actual is None:
            return unknown
        return known if failure.operator in PRESENCE else yes if failure.actual else no
    label = dict(failure.labels)[language]
    must = _MUSTS[language][failure.operator][failure.is_negated].format(say_value(failure.expected, language))
    if failure.is_in_lines:
        return _IN_LINES[language].format(label, must)
    if failure.actual is None:
        return _UNKNOWN[language].format(label, must)
    return _ACTUAL[language].format(label, say_value(failure.actual, language), must)


def join(sentences: Sequence[str], words: dict[str, str], language: str) -> str:
    """Sentences with ``and`` or ``or`` between them."""
    return words[language].join(sentences)
