"""What is compared and how, and which records are looked at together: a Fellegi–Sunter model in the terms of Splink.

Each field has levels, the strongest agreement first and ``different`` last. A level's ``m`` is how often the records of one
person agree like that, its ``u`` how often those of two do. Those below are for a shop too small to learn them from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SAME, SWAPPED, ALIKE, CLOSE, DIFFERENT = "same", "swapped", "alike", "close", "different"


@dataclass(frozen=True, slots=True)
class Level:
    """One way in which two records agree on a field: the condition on the columns of both, and the odds."""

    code: str
    condition: str
    m: float
    u: float
    rarity_of: str | None = None  # the column whose rare values prove more than common ones


def _pair(column: str) -> tuple[str, str]:
    return f"{column}_l", f"{column}_r"


def _exact(column: str, m: float, u: float, rarity_of: str | None = None) -> Level:
    left, right = _pair(column)
    return Level(SAME, f"{left} = {right}", m, u, rarity_of)


def _letters_apart(column: str, code: str, most: int, shortest: int, m: float, u: float) -> Level:
    """Typed wrongly: so many letters added, left out, changed or exchanged, in a value that is long enough to say so."""
    left, right = _pair(column)
    condition = f"length({left}) >= {shortest} AND damerau_levenshtein({left}, {right}) <= {most}"
    return Level(code, condition, m, u)


def _sounding(column: str, code: str, least: float, m: float, u: float) -> Level:
    left, right = _pair(column)
    return Level(code, f"jaro_winkler_similarity({left}, {right}) >= {least}", m, u)


def _otherwise(m: float, u: float) -> Level:
    return Level(DIFFERENT, "ELSE", m, u)


NAMES_SWAPPED = (
    "jaro_winkler_similarity(given_l, surname_r) >= 0.9 AND jaro_winkler_similarity(surname_l, given_r) >= 0.9"
    " AND jaro_winkler_similarity(given_l, given_r) < 0.9"
)
_INITIAL = "least(length(given_l), length(given_r)) = 1 AND left(given_l, 1) = left(given_r, 1)"
_MONTH_AND_DAY = (
    "left(born_l, 4) = left(born_r, 4)"
    " AND substr(born_l, 5, 2) = substr(born_r, 7) AND substr(born_l, 7) = substr(born_r, 5, 2)"
)

PARTS: Mapping[str, str] = {
    "street": "jaro_winkler_similarity(street_l, street_r) >= 0.9",
    "number": "number_l = number_r",
    "postcode": "postcode_l = postcode_r OR (length(postcode_l) >= 4 AND damerau_levenshtein(postcode_l, postcode_r) <= 1)",
    "city": "jaro_winkler_similarity(city_l, city_r) >= 0.9",
}
"""When a part of an address agrees. They are counted together: a postcode gives the street away, so apart they would prove
the same thing several times, and every household would be one person."""
_AGREEING = " + ".join(f"coalesce(({condition})::INT, 0)" for condition in PARTS.values())
_KNOWN = " + ".join(f"({part}_l IS NOT NULL AND {part}_r IS NOT NULL)::INT" for part in PARTS)

FIELDS: Mapping[str, Sequence[Level]] = {
    "given": (
        _exact("given", 0.75, 0.005, rarity_of="given"),
        Level(SWAPPED, NAMES_SWAPPED, 0.02, 0.00001),
        Level("initial", _INITIAL, 0.03, 0.01),
        _sounding("given", ALIKE, 0.9, 0.08, 0.003),
        _sounding("given", CLOSE, 0.8, 0.04, 0.01),
        _otherwise(0.08, 0.98),
    ),
    "surname": (
        _exact("surname", 0.8, 0.002, rarity_of="surname"),
        Level(SWAPPED, NAMES_SWAPPED, 0.02, 0.00001),
        _letters_apart("surname", "one_letter", 1, 4, 0.07, 0.001),
        _sounding("surname", ALIKE, 0.9, 0.03, 0.002),
        _sounding("surname", CLOSE, 0.8, 0.02, 0.01),
        _otherwise(0.06, 0.98),
    ),
    "born": (
        _exact("born", 0.88, 0.00005),
        Level(SWAPPED, _MONTH_AND_DAY, 0.02, 0.00003),
        _letters_apart("born", "one_digit", 1, 8, 0.06, 0.001),
        _letters_apart("born", CLOSE, 2, 8, 0.02, 0.02),
        _otherwise(0.02, 0.98),
    ),
    "address": (
        Level("four", f"{_AGREEING} = 4", 0.5, 0.000001),
        Level("three", f"{_AGREEING} = 3", 0.2, 0.00001),
        Level("two", f"{_AGREEING} = 2", 0.1, 0.001),
        Level("one", f"{_AGREEING} = 1", 0.05, 0.05),
        _otherwise(0.15, 0.95),
    ),
    "email": (
        _exact("email", 0.7, 0.0000005),
        _letters_apart("email", ALIKE, 2, 10, 0.06, 0.000005),
        Level(
            "mailbox",
            "length(split_part(email_l, '@', 1)) >= 6 AND split_part(email_l, '@', 1) = split_part(email_r, '@', 1)",
            0.06,
            0.00005,
        ),
        _otherwise(0.18, 0.9999),
    ),
    "phone": (
        _exact("phone", 0.7, 0.000001),
        _letters_apart("phone", "one_digit", 1, 9, 0.05, 0.00001),
        _otherwise(0.25, 0.9999),
    ),
    "card": (
        _exact("card", 0.6, 0.0000005),
        _letters_apart("card", "one_digit", 1, 8, 0.05, 0.00001),
        _otherwise(0.35, 0.9999),
    ),
    "national": (
        _exact("national", 0.93, 0.0000002),
        _letters_apart("national", "one_digit", 1, 7, 0.05, 0.00001),
        _otherwise(0.02, 0.9999),
    ),
}
_UNKNOWN = {"address": f"({_KNOWN}) < 2"}

BLOCKS: Mapping[str, Sequence[str]] = {
    "national": ("national",),
    "card": ("card",),
    "email": ("email",),
    "phone": ("phone",),
    "names": ("least(given, surname)", "greatest(given, surname)"),
    "born, surname": ("born", "left(surname, 2)"),
    "born, given": ("born", "left(given, 2)"),
    "born, postcode": ("born", "postcode"),
    "surname, postcode": ("surname", "postcode"),
    "surname, street": ("surname", "left(street, 6)"),
    "given, postcode": ("given", "postcode"),
    "given, street": ("given", "left(street, 6)", "number"),
    "address": ("postcode", "number", "left(street, 4)"),
    "born, number": ("born", "number"),
    "turned date": (
        "left(born, 4)",
        "least(substr(born, 5, 2), substr(born, 7))",
        "greatest(substr(born, 5, 2), substr(born, 7))",
        "left(surname, 3)",
    ),
}
"""Two records are compared when they share one of these keys. Each part must be known."""

CERTAIN = ("l.national = r.national", "l.card = r.card", "l.given = r.given AND l.surname = r.surname AND l.born = r.born")
"""What hardly ever holds for two people: from how often it holds follows how many duplicates to expect."""
FOUND_BY_CERTAIN = 0.7

TRAINING = (
    ("given", "surname"),
    ("born", "postcode"),
    ("email",),
)
"""Records that share these are mostly one person's, so the odds of the other fields can be learnt from them."""


def comparison(field: str) -> dict[str, Any]:
    """A field as Splink's settings write it."""
    unknown = _UNKNOWN.get(field, f"{field}_l IS NULL OR {field}_r IS NULL")
    levels: list[dict[str, Any]] = [{"sql_condition": unknown, "label_for_charts": "unknown", "is_null_level": True}]
    for level in FIELDS[field]:
        said: dict[str, Any] = {
            "sql_condition": level.condition,
            "label_for_charts": level.code,
            "m_probability": level.m,
            "u_probability": level.u,
        }
        if level.rarity_of:
            said |= {"tf_adjustment_column": level.rarity_of, "tf_adjustment_weight": 1.0, "tf_minimum_u_value": 0.0001}
        levels.append(said)
    return {"output_column_name": field, "comparison_levels": levels}


def code_of(field: str, gamma: int) -> str | None:
    """The level that Splink numbers so, from 0 for the last; None where one of the two is not known."""
    return None if gamma < 0 else FIELDS[field][len(FIELDS[field]) - 1 - gamma].code


def gamma_of(field: str, code: str) -> int:
    """The number that Splink gives this level."""
    codes = [level.code for level in FIELDS[field]]
    return len(codes) - 1 - codes.index(code)


HOUSEMATES = (
    f"gamma_given = {gamma_of('given', DIFFERENT)} AND gamma_born < {gamma_of('born', 'one_digit')}"
    f" AND gamma_card < {gamma_of('card', SAME)} AND gamma_national < {gamma_of('national', SAME)}"
)
"""Another given name, and no birth date in common: two of one house, who may share all the rest. Odds are multiplied as if what
two people have in common came together by chance, and in a house it does not; so this is said and not left to odds."""
