"""Uploads in the reader's words: what a column can be, why a row or a file is refused, where an import stands. No request."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from stamgast.activities.importers.choices import FORMATS
from stamgast.activities.uploads.types import State
from stamgast.console import reader
from stamgast.kit.errors import StamgastError

_EXAMPLE = datetime(2026, 12, 31, 14, 5, tzinfo=UTC)


def role_groups() -> list[tuple[str, list[tuple[str, str]]]]:
    """What a column can be, in groups, for a choice."""
    return [
        (_("What happened"), [
            ("date", _("The moment, or the day")), ("time", _("The time of day, beside the day")),
            ("kind", _("The kind of activity")), ("message_id", _("A number of its own, never used twice")),
        ]),
        (_("Who did it"), [
            ("user_id", _("Customer number")), ("email", _("E-mail address")), ("phone", _("Telephone")),
            ("card_number", _("Card")), ("anonymous_id", _("Visitor before signing in")),
            ("identifier", _("Another identifier, called…")),
        ]),
        (_("The order"), [
            ("order", _("Order number")), ("revenue", _("Amount of the whole order")),
            ("currency", pgettext("money", "Currency")), ("store_id", _("Store")),
        ]),
        (_("A line of the order"), [
            ("product_id", _("Product number")), ("category", _("Category")), ("quantity", _("Quantity")),
            ("price", _("Price of one")), ("line_revenue", _("Amount of the line")),
        ]),
        (_("What is known of the customer"), [
            ("name", _("Name")), ("first_name", _("First name")), ("last_name", _("Last name")), ("birthday", _("Birthday")),
            ("city", _("City")), ("trait", _("Something else, called…")),
        ]),
        (_("Something else about it, called…"), [
            ("property", _("Text")), ("number", pgettext("sort of value", "Number")), ("money", _("Amount")),
            ("boolean", _("Yes or no")),
        ]),
    ]  # fmt: skip


def formats() -> list[tuple[str, str]]:
    """How moments are written, each by an example of an afternoon on the last day of the year."""
    return [(form, _EXAMPLE.strftime(form) if form else _("2026-12-31 14:05 (year first)")) for form in FORMATS]


def delimiters() -> list[tuple[str, str]]:
    """What stands between the fields of a CSV file."""
    return [(",", _("comma ,")), (";", _("semicolon ;")), ("\t", pgettext("between fields", "tab")), ("|", _("bar |"))]


def encodings() -> list[tuple[str, str]]:
    """How letters are written."""
    return [
        ("utf-8", _("UTF-8 (usual)")), ("windows-1252", _("Windows (older Excel)")), ("iso-8859-15", "ISO 8859-15"),
        ("utf-16", "UTF-16"),
    ]  # fmt: skip


def state_label(state: State) -> str:
    """Where an upload stands, in a word or two."""
    return {
        State.UPLOADED: _("columns not chosen yet"),
        State.READY: _("not started yet"),
        State.RUNNING: _("being imported"),
        State.STOPPED: _("stopped"),
        State.DONE: pgettext("import", "imported"),
        State.FAILED: _("did not succeed"),
    }[state]


def size(count: int) -> str:
    """Bytes, in the unit that suits them."""
    if count < 1_000_000:
        return _("%(size)s kB") % {"size": reader.number(max(1, round(count / 1_000)))}
    return _("%(size)s MB") % {"size": reader.number(count / 1_000_000, 0 if count > 10_000_000 else 1)}


def lapse(seconds: float) -> str:
    """How long something still takes, roughly."""
    if seconds < 60:
        return _("less than a minute")
    minutes = round(seconds / 60)
    if minutes < 90:
        return _("about %(n)s min") % {"n": reader.number(minutes)}
    return _("about %(n)s hours") % {"n": reader.number(minutes / 60, 1)}


def error_sentence(error: StamgastError) -> str:
    """Why a file or a mapping is refused."""
    return problem_sentence(error.code, error.details) or error.message


def problem_sentence(code: str, details: Mapping[str, Any]) -> str:
    """What happened, why, and what to do now; empty where the code is not one of a file."""
    wrong = str(details.get("wrong", ""))
    named = {"column": details.get("column") or "", "columns": _and(details.get("columns") or ()), "line": ""}
    if isinstance(details.get("line"), int):
        named["line"] = reader.number(details["line"])
    if code == "invalid_mapping" and wrong in ("no_moment", "no_identifier", "no_kind", "no_order", "twice", "name",
                                               "name_twice", "identifier_name"):  # fmt: skip
        return _mapping_sentences()[wrong] % named
    if code in ("unreadable_file", "unsupported_file"):
        sentences = _file_sentences()
        if wrong == "encoding" and not named["line"]:
            wrong = "encoding_somewhere"
        return sentences.get(wrong, sentences["broken"]) % named
    return {
        "missing_column": _(
            "The file has no column “%(column)s”, which you chose. Look at how it is written, and choose again."
        ) % named,
        "upload_too_large": _("The file is larger than may be handed in here. Split it, or let it be imported on the server."),
        "no_room_for_upload": _("The disk of the server is full. Nothing was lost. Free some space, and try again."),
        "upload_changed": _("This file is not where it was: somebody started or stopped it. Look at it again."),
        "upload_not_found": _("There is no such file."),
        "upload_failed": _(
            "Something broke while we imported. What was imported stays. Start again; if it stays, look in the log of "
            "the worker."
        ),
        "import_under_way": _("This file is being imported at this moment. Wait a minute."),
    }.get(code, "")  # fmt: skip


def _mapping_sentences() -> dict[str, str]:
    return {
        "no_moment": _("Say which column has the moment at which it happened. Nothing can count without one."),
        "no_identifier": _("Say which column tells who did it: a customer number, an e-mail address, a card."),
        "no_kind": _("Say what the rows are: a kind for all of them, or the column that says it."),
        "no_order": _("“%(columns)s” belong to a line of an order: say which column has the order number."),
        "twice": _("The columns “%(columns)s” are said to be the same thing. Leave one of them out."),
        "name": _("Give “%(columns)s” a name."),
        "name_twice": _("Two columns have the same name. Change the name of “%(columns)s”."),
        "identifier_name": _("Name the identifier “%(columns)s” with small letters, digits and _, as in member_number."),
    }


def _file_sentences() -> dict[str, str]:
    return {
        "empty": _("The file is empty: its first line has to name the columns. Export it again, with headings."),
        "no_header": _("The file does not begin with a line that names the columns. Export it with headings."),
        "column_twice": _("Two columns are called “%(column)s”. Give each a name of its own in the file, and send it again."),
        "encoding": _(
            "Line %(line)s has letters that are written otherwise. Choose another way of writing below: often it is Windows."
        ),
        "encoding_somewhere": _(
            "The letters are written otherwise. Choose another way of writing below: often it is Windows."
        ),
        "not_csv": _("This is not CSV or Parquet, but something for a program. Export it as CSV, and send that."),
        "other": _("This is not CSV or Parquet, but something for a program. Export it as CSV, and send that."),
        "spreadsheet": _("This is a spreadsheet or a zip file. Open it, save the sheet as CSV, and send that."),
        "compressed": _("This file is compressed. Unpack it, and send what was in it."),
        "not_parquet": _("The file begins as Parquet and cannot be read. It may have come in only partly: send it again."),
        "type": _("“%(column)s” holds lists or records, not single values. Leave it out, or write it as separate columns."),
        "long_field": _("A quotation mark is opened and never closed. Mend it in the file, and send it again."),
        "gone": _("The worker does not find the file. Web and worker need the same data folder; else send it again."),
        "broken": _("The file cannot be read to its end. It may be damaged: export it again."),
    }  # fmt: skip


def reject_sentence(reason: str) -> str:
    """Why a row is refused. What is not one of the importer's own sentences stays as the reader of messages says it."""
    for pattern, sentence in _reject_patterns():
        found = re.fullmatch(pattern, reason, re.DOTALL)
        if found:
            return sentence % found.groupdict()
    return reason


def _reject_patterns() -> list[tuple[str, str]]:
    return [
        (r"(?P<column>.*) is empty", _("“%(column)s” is empty")),
        (r"(?P<column>.*?): (?P<text>.*) is not a number", _("“%(column)s” is no number: %(text)s")),
        (r"(?P<column>.*?): (?P<text>.*) is not an amount", _("“%(column)s” is no amount: %(text)s")),
        (r"(?P<column>.*?): (?P<text>.*) is not yes or no", _("“%(column)s” is neither yes nor no: %(text)s")),
        (r"(?P<column>.*?): (?P<text>.*) is not a moment in the form .*",
         _("“%(column)s” is no moment in the form that was chosen: %(text)s")),
        (r"(?P<column>.*?): (?P<text>.*) is not a moment that a clock can show", _("“%(column)s” is no moment: %(text)s")),
        (r"(?P<column>.*?): (?P<text>.*) lies in the future", _("“%(column)s” lies in the future: %(text)s")),
        (r"(?P<column>.*?): (?P<text>.*) is before 1970", _("“%(column)s” lies before 1970: %(text)s")),
        (r"the lines of this order differ in (?P<column>.*)", _("the lines of this order differ in “%(column)s”")),
        (r"line (?P<line>\d+) of the same order is refused", _("line %(line)s of the same order is refused")),
        (r"it has (?P<found>\d+) fields, and the header has (?P<expected>\d+)",
         _("it has %(found)s fields, and the heading has %(expected)s")),
        (r"The message points at nobody.*", _("it does not say who did it")),
    ]  # fmt: skip


def _and(names: Sequence[Any]) -> str:
    return "”, “".join(map(str, names))
