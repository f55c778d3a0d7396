"""What a person chose for each column of a file, and the mapping that these choices say. Pure.

A mapping can say more than can be chosen here (values for values, sums of other columns): who needs that writes it by hand
and uses ``stamgast import``.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import yaml

from stamgast.activities.importers.errors import InvalidMapping
from stamgast.activities.importers.messages import parse_stamp

ORDER, DATE, TIME, KIND, KEY = "order", "date", "time", "kind", "message_id"
IDENTIFIERS = ("user_id", "email", "phone", "card_number", "anonymous_id", "identifier")
PROPERTIES: Mapping[str, Mapping[str, str]] = {
    "revenue": {"type": "money"}, "currency": {}, "store_id": {}, "property": {}, "number": {"type": "number"},
    "money": {"type": "money"}, "boolean": {"type": "boolean"},
}  # fmt: skip
LINES: Mapping[str, Mapping[str, str]] = {
    "product_id": {}, "category": {}, "quantity": {"type": "number"}, "price": {"type": "money"},
    "line_revenue": {"type": "money"},
}  # fmt: skip
TRAITS = ("name", "first_name", "last_name", "birthday", "city", "trait")
NAMED = ("identifier", "property", "number", "money", "boolean", "trait")
"""Roles that need a name beside them, and that more than one column may have."""
ROLES = (DATE, TIME, KIND, KEY, *IDENTIFIERS, ORDER, *PROPERTIES, *LINES, *TRAITS)
FORMATS = (
    "", "%d-%m-%Y %H:%M", "%d-%m-%Y %H:%M:%S", "%d-%m-%Y", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y",
    "%d.%m.%Y %H:%M", "%d.%m.%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M %p", "%m/%d/%Y", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%Y%m%d",
    "%Y%m%d %H:%M",
)  # fmt: skip
"""How stamps are written, the first that fits best is taken; empty is ISO 8601."""
ENCODINGS = ("utf-8", "windows-1252", "iso-8859-15", "utf-16")
DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True)
class Choice:
    """What a column is: one of ``ROLES`` or nothing, and its name where the role is one of ``NAMED``."""

    role: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """What was chosen for a file. ``kind`` holds for every row, unless a column says it; ``kinds`` are its values' kinds."""

    columns: Mapping[str, Choice] = field(default_factory=dict)
    kind: str = ""
    kinds: Mapping[str, str] = field(default_factory=dict)
    zone: str = "UTC"
    format: str = ""
    currency: str = ""
    delimiter: str = ","
    encoding: str = "utf-8"
    decimal: str = "."

    def column_of(self, role: str) -> str | None:
        """The column that has a role, if one has."""
        return next((name for name, choice in self.columns.items() if choice.role == role), None)


def read_choices(text: str | bytes) -> Choices:
    """The choices that were kept."""
    return msgspec.json.decode(text, type=Choices)


def write_choices(choices: Choices) -> str:
    """The choices as they are kept."""
    return msgspec.json.encode(choices).decode()


def mapping_text(choices: Choices) -> str:
    """The mapping, as YAML. Raises InvalidMapping; its ``details`` say what is ``wrong``, and with which ``columns``.

    Rows with one order number are the lines of one order. Without a total of the order, the amounts of its lines are added up.
    """
    _check(choices)
    order = choices.column_of(ORDER)
    stamp = [column for role in (DATE, TIME) if (column := choices.column_of(role)) is not None]
    document: dict[str, Any] = {
        "kind": _kind(choices),
        "timestamp": {"column": stamp if len(stamp) > 1 else stamp[0], "zone": choices.zone}
        | ({"format": choices.format} if choices.format else {}),
        "identifiers": _section(choices, {role: {} for role in IDENTIFIERS}),
    }
    if (key := choices.column_of(KEY)) is not None:
        document["message_id"] = key
    properties = _section(choices, PROPERTIES)
    products = {name.removeprefix("line_"): value for name, value in _section(choices, LINES).items()}
    amount = choices.column_of("line_revenue")
    if order is not None:
        document["group_by"] = order
        properties = {"order_id": order} | properties
        if amount is not None and "revenue" not in properties:
            properties["revenue"] = {"sum": amount}
    if (
        choices.currency
        and "currency" not in properties
        and any(isinstance(one, dict) and (one.get("type") == "money" or "sum" in one) for one in properties.values())
    ):
        properties["currency"] = {"constant": choices.currency}
    document |= {
        name: section
        for name, section in (
            ("properties", properties), ("traits", _section(choices, {role: {} for role in TRAITS})), ("products", products),
            ("csv", {"delimiter": choices.delimiter, "encoding": choices.encoding, "decimal": choices.decimal}),
        )
        if section
    }  # fmt: skip
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def _kind(choices: Choices) -> Any:
    column = choices.column_of(KIND)
    if column is None:
        return choices.kind
    values = {given: meant for given, meant in choices.kinds.items() if meant and meant != given}
    return {"column": column} | ({"values": values} if values else {})


def _section(choices: Choices, roles: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for column, choice in choices.columns.items():
        if choice.role in roles:
            form = roles[choice.role]
            found[choice.name if choice.role in NAMED else choice.role] = {"column": column, **form} if form else column
    return found


def _check(choices: Choices) -> None:
    used = Counter(choice.role for choice in choices.columns.values() if choice.role and choice.role not in NAMED)
    for role, count in used.items():
        if count > 1:
            columns = [name for name, choice in choices.columns.items() if choice.role == role]
            raise _wrong("twice", f"The columns {' and '.join(columns)} are said to be the same thing.", columns)
    names = Counter((_place(choice), choice.name or choice.role) for choice in choices.columns.values() if choice.role)
    for column, choice in choices.columns.items():
        if choice.role in NAMED and not choice.name:
            raise _wrong("name", f"The column {column} needs a name.", [column])
        if choice.role == "identifier" and not re.fullmatch("[a-z][a-z0-9_]{0,39}", choice.name):
            raise _wrong("identifier_name", f"The identifier {choice.name} has to be a_name_like_this.", [column])
        if choice.role in NAMED and names[_place(choice), choice.name] > 1:
            raise _wrong("name_twice", f"Two columns are called {choice.name}.", [column])
    if choices.column_of(DATE) is None:
        raise _wrong("no_moment", "Say which column has the moment at which it happened.")
    if not any(choice.role in IDENTIFIERS for choice in choices.columns.values()):
        raise _wrong("no_identifier", "Say which column tells who did it.")
    if choices.column_of(KIND) is None and not choices.kind.strip():
        raise _wrong("no_kind", "Say what kind of activity the rows are.")
    if choices.column_of(ORDER) is None:
        lines = [name for name, choice in choices.columns.items() if choice.role in LINES]
        if lines:
            raise _wrong("no_order", f"The column {lines[0]} is of a line: say which column has the order number.", lines)


def _place(choice: Choice) -> str:
    """Where a column ends up: names have to differ within one place."""
    sections = {"identifiers": IDENTIFIERS, "properties": PROPERTIES, "products": LINES, "traits": TRAITS}
    return next((name for name, roles in sections.items() if choice.role in roles), "")


def _wrong(wrong: str, sentence: str, columns: Sequence[str] = ()) -> InvalidMapping:
    return InvalidMapping(sentence, wrong=wrong, columns=list(columns))


_SPOKEN = {
    DATE: "date datum timestamp moment at day dag created_at order_date sold_at occurred_at tijdstip verkocht_op besteldatum",
    TIME: "time tijd",
    KIND: "kind event activity soort activiteit gebeurtenis",
    KEY: "message_id event_id activity_id",
    "user_id": "user_id userid customer customer_id customer_number klant klant_id klantnummer klantnr user member member_id",
    "email": "email e_mail mail e_mailadres emailadres email_address e_mail_address",
    "phone": "phone telephone telefoon telefoonnummer tel mobile mobiel phone_number",
    "card_number": "card card_number kaart kaartnummer pas pasnummer loyalty_card klantenkaart",
    ORDER: "order order_id order_number ordernummer bestelnummer receipt receipt_id bon bonnummer bonnr basket_id "
    "transaction_id transactie invoice factuur factuurnummer",
    "revenue": "total order_total totaal totaalbedrag revenue omzet amount bedrag",
    "currency": "currency valuta",
    "store_id": "store store_id winkel filiaal shop branch",
    "product_id": "product product_id artikel artikelnummer article sku item",
    "category": "category categorie group groep productgroep",
    "quantity": "quantity qty aantal pieces stuks",
    "price": "price prijs unit_price stukprijs",
    "line_revenue": "line_total line_amount regelbedrag regeltotaal",
    "name": "name naam full_name",
    "first_name": "first_name firstname voornaam",
    "last_name": "last_name lastname surname achternaam",
    "birthday": "birthday birth_date date_of_birth geboortedatum",
    "city": "city plaats woonplaats",
}  # fmt: skip
_ROLE_OF = {word: role for role, words in _SPOKEN.items() for word in words.split()}


def guess_columns(columns: Sequence[str]) -> dict[str, Choice]:
    """What the names of columns say in English and Dutch; each role once, the first column that is called so."""
    found: dict[str, Choice] = {}
    taken: set[str] = set()
    for column in columns:
        role = _ROLE_OF.get(plain_name(column), "")
        found[column] = Choice("" if role in taken else role)
        taken.add(role)
    if ORDER in taken and taken & {"product_id", "quantity"} and "line_revenue" not in taken:
        # A file of lines: an amount in it is the line's.
        found = {column: Choice("line_revenue") if one.role == "revenue" else one for column, one in found.items()}
    elif ORDER not in taken:
        found = {column: Choice() if one.role in LINES else one for column, one in found.items()}
    return found


def plain_name(text: str) -> str:
    """``E-mail adres`` as ``e_mail_adres``: how a column is called where names have no blanks."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:40]


def guess_format(stamps: Sequence[str]) -> str:
    """The form in which most of these stamps are written, for one bad row must not hide it; ISO 8601 when none is."""
    best, most = "", 0
    for form in FORMATS:
        fitting = sum(_is_of(form, stamp) for stamp in stamps)
        if fitting > most:
            best, most = form, fitting
        if fitting == len(stamps):
            break
    return best


def _is_of(form: str, stamp: str) -> bool:
    try:
        parse_stamp(stamp, form)
    except ValueError:
        return False
    return True
