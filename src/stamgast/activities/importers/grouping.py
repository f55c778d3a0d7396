"""The SQL that turns the table ``rows`` into what messages are made of, one row of the file at a time, in a fixed order.

DuckDB does what is done for every row: trimming, mapping values, checking types, writing JSON, and adding up the lines of an
order exactly. Rows of one order come one after the other, orders in the order of their first rows, so that how far an import
got is the number of a row. Rows are sorted and not collected: however long an order or a file, memory stays bounded.
"""

from collections.abc import Iterable, Sequence

import msgspec

from stamgast.activities.importers.mapping import MONEY, NO, NUMBER, WORDS, YES, Field, Mapping
from stamgast.activities.importers.reading import LINE, ROW

SUM_TYPE = "decimal(38, 9)"
_WITH_COMMA = r"-?([0-9]+|[0-9]{1,3}(\.[0-9]{3})+)(,[0-9]+)?"
_TOP_LEVEL = {"user_id": "userId", "anonymous_id": "anonymousId"}


def build_query(mapping: Mapping, *, decimal: str, after: int) -> str:
    """One row for each row of the file that comes after the order whose first row is ``after``, with the columns:

    ``row_number``, ``line``, ``first_row`` (of the order it belongs to), ``problem`` (None when all is well), ``product``
    (JSON, None without products); and, where it is the first row itself, ``key``, ``stamp``, ``kind`` (None where the mapping
    names one for all), ``who``, ``context``, ``properties`` and ``traits`` (the insides of JSON objects; ``context`` of a list
    of external ids), else None.
    """
    raw = {name: f"raw_{number}" for number, name in enumerate(mapping.columns)}
    of_order = {
        section: [_Computed(f"{section}_{n}", one) for n, one in enumerate(getattr(mapping, section))]
        for section in _ORDER_SECTIONS
    }
    all_of_order = [one for section in of_order.values() for one in section]
    products = [_Computed(f"product_{n}", one) for n, one in enumerate(mapping.products)]
    fields = [*all_of_order, *products]
    stages = [
        f"""trimmed as (
            select {_quoted(ROW)} as row_number, {_quoted(LINE)} as line,
                {_list(f"nullif(trim({_quoted(name)}), '') as {column}" for name, column in raw.items())}
            from rows
        )""",
        f"""meant as (
            select *, {_list(f"{_meant(one.field, raw, decimal)} as {one.meant}" for one in fields)}
            from trimmed
        )""",
        f"""checked as (
            select *, {_list(f"{_checked(one)} as {one.value}" for one in fields)}
            from meant
        )""",
        f"""judged as (select *, {_problem(mapping, fields, raw, decimal)} as problem_of_row from checked)""",
        f"""ordered as ({_ordered(mapping, all_of_order, raw)})""",
    ]
    parts = _message_parts(mapping, of_order)
    return f"""
        with {", ".join(stages)}
        select row_number, line, first_row,
            coalesce(problem_of_row, problem_of_order) as problem,
            {_object(products, "value") if products else "null"} as product,
            {_list(f"case when row_number = first_row then {text} end as {name}" for name, text in parts)}
        from ordered
        where first_row > {after:d}
        order by first_row, row_number
    """


_ORDER_SECTIONS = ("kinds", "identifiers", "properties", "traits")


class _Computed:
    """A field of the mapping with the names of its columns in the stages of the query."""

    def __init__(self, name: str, field: Field) -> None:
        self.field = field
        self.meant = f"meant_{name}"
        self.value = f"value_{name}"
        self.of_order = f"order_{name}"


def _meant(field: Field, raw: dict[str, str], decimal: str) -> str:
    """The text that the field has in a row, values mapped, decimal mark a point."""
    if field.constant is not None:
        return _literal(field.constant)
    text = raw[field.column or field.sum_of or ""]
    if field.values:
        whens = " ".join(f"when {_literal(given)} then {_literal(meant)}" for given, meant in field.values.items())
        otherwise = text if field.otherwise is None else f"case when {text} is not null then {_literal(field.otherwise)} end"
        text = f"case {text} {whens} else {otherwise} end"
    if field.type in ("number", "money") and decimal == ",":
        point = f"replace(replace({text}, '.', ''), ',', '.')"
        text = f"case when regexp_full_match({text}, {_literal(_WITH_COMMA)}) then {point} else '?' || {text} end"
    return text


def _checked(one: _Computed) -> str:
    """The field's text when it is what its type says, in the one way of writing it, else null."""
    match one.field.type:
        case "number" | "money":
            pattern = NUMBER if one.field.type == "number" and one.field.sum_of is None else MONEY
            plain = rf"regexp_replace({one.meant}, '^(-?)0+([0-9])', '\1\2')"
            text = f"case when regexp_full_match({one.meant}, {_literal(pattern)}) then {plain} end"
            return text if one.field.sum_of is None else f"try_cast({text} as {SUM_TYPE})"
        case "boolean":
            yes, no = (", ".join(map(_literal, words)) for words in (YES, NO))
            return f"case when lower({one.meant}) in ({yes}) then 'true' when lower({one.meant}) in ({no}) then 'false' end"
        case _:
            return one.meant


def _problem(mapping: Mapping, fields: Sequence[_Computed], raw: dict[str, str], decimal: str) -> str:
    """What is wrong with a row by itself: a part of its key is missing, or a value is not what its type says."""
    found = []
    for name in dict.fromkeys((*mapping.group_by, *mapping.message_id)):
        found.append(f"case when {raw[name]} is null then {_literal(f'{name} is empty')} end")
    stamp = [raw[name] for name in mapping.timestamp.columns]
    if not mapping.group_by:
        found.append(f"case when {stamp[0]} is null then {_literal(f'{mapping.timestamp.columns[0]} is empty')} end")
    for one in fields:
        column = one.field.column or one.field.sum_of
        if one.field.type == "text" or column is None:
            continue
        kind = WORDS[one.field.type]
        said = f"{_literal(f'{column}: ')} || left({raw[column]}, 40) || {_literal(f' is not {kind}')}"
        found.append(f"case when {one.meant} is not null and {one.value} is null then {said} end")
    return f"coalesce({', '.join([*found, 'null', 'null'])})"


def _ordered(mapping: Mapping, fields: Sequence[_Computed], raw: dict[str, str]) -> str:
    """Each row with the first row of its order, and what is said of the order as a whole."""
    stamp = " || ' ' || ".join(raw[name] for name in mapping.timestamp.columns)
    key = [raw[name] for name in mapping.message_id or mapping.group_by]
    if not mapping.group_by:
        values = [f"{one.value} as {one.of_order}" for one in fields]
        if key:
            return f"""
                select *, row_number as first_row, null as problem_of_order, {stamp} as stamp, {_joined(key)} as key_text,
                    {_list(values)}
                from judged"""
        whole = _list(raw.values())
        nth = f"cast(row_number() over (partition by {whole} order by row_number) as varchar)"
        return f"""
            select *, row_number as first_row, null as problem_of_order, {stamp} as stamp,
                {_joined([f"coalesce({column}, '')" for column in raw.values()])} || chr(31) || {nth} as key_text,
                {_list(values)}
            from judged"""
    values, differing = [], []
    for one in fields:
        column = one.field.column
        if one.field.sum_of is not None:
            values.append(f"sum({one.value}) over same as {one.of_order}")
        elif column is None or column in mapping.group_by:
            values.append(f"{one.value} as {one.of_order}")
        else:
            values.append(f"min({one.value}) over same as {one.of_order}")
            differing.append((column, f"min({one.value}) over same <> max({one.value}) over same"))
    for name in mapping.message_id:
        if name not in mapping.group_by:
            differing.append((name, f"min({raw[name]}) over same <> max({raw[name]}) over same"))
    problems = [
        f"case when {test} then {_literal(f'the lines of this order differ in {name}')} end" for name, test in differing
    ]
    group = [raw[name] for name in mapping.group_by]
    alone = f"case when {' or '.join(f'{column} is null' for column in group)} then row_number end"
    return f"""
        select *, min(row_number) over same as first_row,
            coalesce({", ".join([*problems, "null", "null"])}) as problem_of_order,
            arg_min({stamp}, row_number) over same as stamp, {_joined(key)} as key_text,
            {_list(values)}
        from judged
        window same as (partition by {", ".join([*group, alone])})"""


def _message_parts(mapping: Mapping, of_order: dict[str, list[_Computed]]) -> Iterable[tuple[str, str]]:
    yield "key", "key_text"
    yield "stamp", "stamp"
    yield "kind", of_order["kinds"][0].of_order if of_order["kinds"] else "null::varchar"
    identifiers = of_order["identifiers"]
    yield (
        "who",
        _pieces(
            f"{_literal(f',{_json(_TOP_LEVEL[one.field.name])}:')} || cast(to_json({one.of_order}) as varchar)"
            for one in identifiers
            if one.field.name in _TOP_LEVEL
        ),
    )
    yield (
        "context",
        _pieces(
            f"""',{{"id":' || cast(to_json({one.of_order}) as varchar) || """
            + _literal(f',"type":{_json(one.field.name)},"collection":"users","encoding":"none"}}')
            for one in identifiers
            if one.field.name not in _TOP_LEVEL
        ),
    )
    yield "properties", _object(of_order["properties"], "of_order")
    yield "traits", _object(of_order["traits"], "of_order")


def _object(fields: Sequence[_Computed], stage: str) -> str:
    """The inside of a JSON object; fields without a value are not in it."""
    pieces = []
    for one in fields:
        name, text = _literal(f",{_json(one.field.name)}:"), getattr(one, stage)
        if one.field.sum_of is not None:
            text = rf"regexp_replace(cast({text} as varchar), '\.?0+$', '')"
        match one.field.type:
            case "text":
                pieces.append(f"{name} || cast(to_json({text}) as varchar)")
            case "money":
                pieces.append(f"{name} || '\"' || {text} || '\"'")
            case _:
                pieces.append(f"{name} || {text}")
    return _pieces(pieces)


def _pieces(pieces: Iterable[str]) -> str:
    """Texts that begin with a comma, joined, without the first comma; ``concat`` leaves out what is null."""
    return f"substr(concat({', '.join([*pieces, _literal('')])}), 2)"


def _joined(columns: Sequence[str]) -> str:
    return " || chr(31) || ".join(columns)


def _list(items: Iterable[str]) -> str:
    """SQL's lists may not be empty: a null stands in."""
    return ", ".join(items) or "null"


def _json(text: str) -> str:
    return msgspec.json.encode(text).decode()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
