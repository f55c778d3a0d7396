"""From documents to conditions. Every refusal names its place and says what may stand there."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from stamgast.conditions.errors import ConditionError
from stamgast.conditions.fields import Catalogue, Field
from stamgast.conditions.tree import AllOf, AnyLine, AnyOf, Comparison, Condition, Not
from stamgast.conditions.types import OPERATORS_OF, PRESENCE, Literal, Operator, Scalar, Type

DEEPEST = 16
MOST_PARTS = 100
LONGEST_TEXT = 500
DIGITS_OF_A_DOUBLE = 15
_GROUPS = ("all", "any", "not", "any_line")
_OPERATORS = frozenset(Operator)
_NOUNS = {Type.TEXT: "text", Type.NUMBER: "a number", Type.BOOLEAN: "true or false", Type.DATE: "a date such as 2026-12-31"}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_FORBIDDEN = re.compile("[\x00\ud800-\udfff]")


def parse(document: object, fields: Catalogue, path: str = "") -> Condition:
    """The condition that a document says; raises ConditionError. ``path`` is where it stands in a larger document."""
    return _parse(document, fields, path, 0)


def _parse(document: object, fields: Catalogue, path: str, depth: int) -> Condition:
    if depth > DEEPEST:
        raise ConditionError(path, f"Conditions may be nested {DEEPEST} deep. Split this one up.")
    if not isinstance(document, Mapping) or not all(isinstance(key, str) for key in document):
        raise ConditionError(path, "A condition is a mapping, such as {field: amount, over: 0}.")
    groups = [key for key in document if key in _GROUPS]
    if not groups:
        return _parse_comparisons(document, fields, path)
    if len(document) > 1:
        others = ", ".join(sorted(key for key in document if key != groups[0]))
        raise ConditionError(path, f"{groups[0]!r} stands alone, but {others} stands beside it. Put both under 'all'.")
    (group,) = groups
    inner = document[group]
    here = _at(path, group)
    if group == "not":
        return Not(_parse(inner, fields, here, depth + 1))
    if group == "any_line":
        return AnyLine(_parse_line(inner, fields, here, depth + 1))
    if not isinstance(inner, Sequence) or isinstance(inner, str) or not 1 <= len(inner) <= MOST_PARTS:
        raise ConditionError(here, f"{group!r} takes a list of 1 to {MOST_PARTS} conditions.")
    parts = tuple(_parse(part, fields, f"{here}[{position}]", depth + 1) for position, part in enumerate(inner))
    return AllOf(parts) if group == "all" else AnyOf(parts)


def _parse_line(document: object, fields: Catalogue, path: str, depth: int) -> Condition:
    """``{category: coffee, product_id: [A, B]}``, or a whole condition over the fields of a line."""
    if fields.lines is None:
        raise ConditionError(path, "There are no lines to look at here.")
    if not isinstance(document, Mapping) or not document:
        raise ConditionError(path, "A line filter is a mapping, such as {category: coffee}.")
    if any(key == "field" or key in _GROUPS for key in document):
        return _parse(document, fields.lines, path, depth)
    parts = tuple(_parse_shorthand(str(key), value, fields.lines, str(key), path) for key, value in document.items())
    return parts[0] if len(parts) == 1 else AllOf(parts)


def _parse_comparisons(document: Mapping[str, Any], fields: Catalogue, path: str) -> Condition:
    names = [key for key in document if key not in _OPERATORS]
    known = ["field", *fields.shorthands, *fields.families]
    strange = [key for key in names if key not in known]
    if len(names) > len(strange) == 1:
        problem = f"{strange[0][:80]!r} is not known here. What is compared is said with one of {', '.join(Operator)}."
        raise ConditionError(_at(path, strange[0]), problem)
    if len(names) != 1:
        problem = "names no field" if not names else f"names more than one thing: {', '.join(names)}"
        raise ConditionError(path, f"This comparison {problem}. Write one field, such as {{field: amount, over: 0}}.")
    (key,) = names
    value = document[key]
    operators = {Operator(name): document[name] for name in document if name in _OPERATORS}
    if key in fields.shorthands:
        if operators:
            raise ConditionError(path, f"{key!r} says what it must be and takes no comparison. Use 'field' for that.")
        return _parse_shorthand(key, value, fields, fields.shorthands[key], path)
    if key in fields.families and isinstance(value, str):
        name, here = f"{key}.{value}", _at(path, key)
    elif key == "field" and isinstance(value, str):
        name, here = value, _at(path, key)
    else:
        beginnings = ", ".join([*known, *_GROUPS])
        raise ConditionError(_at(path, key), f"{key!r} is not known here. A condition begins with one of {beginnings}.")
    field = _find(name, fields, here)
    if not operators:
        raise ConditionError(path, f"{name} is compared with nothing. Add one of {', '.join(Operator)}.")
    parts = tuple(_compare(field, operator, literal, path, here) for operator, literal in operators.items())
    return parts[0] if len(parts) == 1 else AllOf(parts)


def _parse_shorthand(key: str, value: object, fields: Catalogue, name: str, path: str) -> Comparison:
    here = _at(path, key)
    field = _find(name, fields, here)
    operator = Operator.IN if isinstance(value, Sequence) and not isinstance(value, str) else Operator.IS
    return _compare(field, operator, value, here, here, is_at_operator=False)


def _find(name: str, fields: Catalogue, path: str) -> Field:
    field = fields.find(name)
    if field is None:
        raise ConditionError(path, f"There is no field {name[:80]!r}. The fields are {', '.join(fields.names())}.")
    return field


def _compare(
    field: Field, operator: Operator, document: object, path: str, field_path: str, *, is_at_operator: bool = True
) -> Comparison:
    here = _at(path, operator) if is_at_operator else path
    if operator in PRESENCE:
        if document is not True:
            other = Operator.MISSING if operator is Operator.EXISTS else Operator.EXISTS
            raise ConditionError(here, f"{str(operator)!r} takes true and nothing else. The opposite is {str(other)!r}.")
        return Comparison(field_path, field, operator, None, None)
    literal: Literal
    if operator is Operator.IN:
        if not isinstance(document, Sequence) or isinstance(document, str) or not 1 <= len(document) <= MOST_PARTS:
            raise ConditionError(here, f"'in' takes a list of 1 to {MOST_PARTS} values.")
        pairs = [_read_literal(one, field, f"{here}[{position}]") for position, one in enumerate(document)]
        types = {one[0] for one in pairs}
        if len(types) > 1:
            raise ConditionError(here, "The values of this list are of different types.")
        literal, type_ = tuple(one[1] for one in pairs), pairs[0][0]
    else:
        type_, literal = _read_literal(document, field, here, is_part=operator is Operator.CONTAINS)
    if operator not in OPERATORS_OF[type_]:
        known = ", ".join(sorted(OPERATORS_OF[type_]))
        raise ConditionError(here, f"{str(operator)!r} does not compare {_NOUNS[type_]}. Use one of {known}.")
    return Comparison(field_path, field, operator, literal, type_)


def _read_literal(document: object, field: Field, path: str, *, is_part: bool = False) -> tuple[Type, Scalar]:
    type_, literal = _type_literal(document, field, path)
    if field.type is not None and type_ is not field.type:
        raise ConditionError(path, f"{field.name} is {_NOUNS[field.type]}, and {str(document)[:80]!r} is {_NOUNS[type_]}.")
    if field.choices and not is_part and literal not in field.choices:
        raise ConditionError(path, f"{str(literal)[:80]!r} is not one of {', '.join(field.choices)}.")
    if field.holds_doubles and isinstance(literal, Decimal) and len(literal.normalize().as_tuple().digits) > DIGITS_OF_A_DOUBLE:
        raise ConditionError(path, f"A number inside properties is compared with {DIGITS_OF_A_DOUBLE} digits at most.")
    return type_, literal


def _type_literal(document: object, field: Field, path: str) -> tuple[Type, Scalar]:
    if isinstance(document, bool):
        return Type.BOOLEAN, document
    if isinstance(document, int | float | Decimal):
        number = Decimal(str(document))
        if not number.is_finite() or (number and abs(number.adjusted()) > 30):
            raise ConditionError(path, "This number is too large or too small to compare with.")
        return Type.NUMBER, number
    if field.type is Type.DATE and isinstance(document, str | date):
        try:
            text = document if isinstance(document, str) else document.isoformat()
            if _DATE.fullmatch(text):
                return Type.DATE, date.fromisoformat(text)
        except ValueError:
            pass
        raise ConditionError(path, f"{str(document)[:40]!r} is not a date such as 2026-12-31.")
    if isinstance(document, str):
        if len(document) > LONGEST_TEXT or _FORBIDDEN.search(document):
            raise ConditionError(path, f"A text has at most {LONGEST_TEXT} characters, all of them printable somewhere.")
        return Type.TEXT, document
    raise ConditionError(path, "This is not text, a number, a date, or true or false.")


def _at(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
