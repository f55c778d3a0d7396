"""Programme documents: from YAML or JSON text to a checked ``Document``. Every problem names its line and its place.

Reads no clock and no database; which version is in force is not known here.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from string import Template
from typing import Any
from zoneinfo import ZoneInfo

from stamgast.conditions import ConditionError, activity_fields, parse
from stamgast.conditions.tree import AnyLine
from stamgast.programmes.expiry import Expiry, parse_duration
from stamgast.programmes.reading import line_of, problems_of, read, read_schema, refuse
from stamgast.programmes.terms import MILLI, Currency, Document, Give, Measure, Period, Rounding, Rule

__all__ = [
    "MILLI",
    "Currency",
    "Document",
    "Give",
    "Period",
    "Rounding",
    "Rule",
    "default_document",
    "load",
    "read_schema",
]
_DAY_ONLY = re.compile(r"\d{4}-\d{2}-\d{2}")


def default_document(timezone: str) -> str:
    """The document that a new installation begins with."""
    text = files("stamgast.programmes").joinpath("default.yaml").read_text("utf-8")
    return Template(text).substitute(timezone=timezone)


def load(text: str) -> Document:
    """The document, or InvalidProgramme with every problem that was found, its line and its path."""
    content, lines = read(text)
    problems = problems_of(content)
    if not problems:
        builder = _Builder(content, text)
        document, problems = builder.build(), builder.problems
        if document is not None and not problems:
            return document
    raise refuse([(line_of(path, lines), path, problem) for path, problem in problems])


class _Builder:
    """Makes a document of content that fits the schema, and collects what is wrong with it all the same."""

    def __init__(self, content: Mapping[str, Any], text: str) -> None:
        self.content = content
        self.text = text
        self.zone: str = content["timezone"]
        self.problems: list[tuple[str, str]] = []

    def build(self) -> Document | None:
        """The document, with whatever was sound; None where nothing could be looked at."""
        if not _is_zone(self.zone):
            sentence = f"{self.zone!r} is not a time zone. Write a name of the IANA list, such as Europe/Amsterdam."
            self.problems.append(("timezone", sentence))
            return None
        self.fields = activity_fields(self.zone)
        currencies = {name: self._currency(name, options) for name, options in self.content["currencies"].items()}
        return Document(
            programme=self.content["programme"],
            timezone=self.zone,
            rounding=self.content.get("round", "down"),
            currencies=currencies,
            rules=tuple(self._rules()),
            text=self.text,
        )

    def _currency(self, name: str, options: Mapping[str, Any]) -> Currency:
        expires, pending = options.get("expires"), options.get("pending")
        expiry = waiting = None
        if expires:
            expiry = self._duration(f"currencies.{name}.expires.after", expires["after"], expires.get("at", "exact"))
        if pending:
            waiting = self._duration(f"currencies.{name}.pending", pending)
        if expiry and waiting and waiting.longest_days >= expiry.shortest_days:
            self.problems.append((f"currencies.{name}.pending", "It would expire before it is available."))
        return Currency(name, expiry, waiting, options.get("spendable", True))

    def _duration(self, path: str, text: str, at: Any = "exact") -> Expiry | None:
        try:
            return parse_duration(text, at)
        except ValueError as error:
            self.problems.append((path, str(error)))
            return None

    def _rules(self) -> Iterable[Rule]:
        names: set[str] = set()
        for position, item in enumerate(self.content["earn"]):
            path = f"earn[{position}]"
            if item["name"] in names:
                sentence = f"Another rule is called {item['name']!r}. What a rule gave is kept by its name."
                self.problems.append((f"{path}.name", sentence))
            names.add(item["name"])
            self._check_currencies(f"{path}.give", item["give"])
            caps = {key: most for key, most in item.get("cap", {}).items() if key != "per"}
            self._check_currencies(f"{path}.cap", caps)
            for currency in caps.keys() - item["give"].keys():
                self.problems.append((f"{path}.cap.{currency}", "The rule does not give this currency."))
            try:
                yield self._rule(item, path, caps)
            except ConditionError as error:
                self.problems.append((error.path, error.problem))

    def _check_currencies(self, path: str, named: Iterable[str]) -> None:
        for currency in named:
            if currency not in self.content["currencies"]:
                self.problems.append((f"{path}.{currency}", f"The programme has no currency {currency!r}."))

    def _rule(self, item: Mapping[str, Any], path: str, caps: Mapping[str, int]) -> Rule:
        when = parse(item["when"], self.fields, f"{path}.when")
        gives = tuple(self._give(currency, give, f"{path}.give.{currency}") for currency, give in item["give"].items())
        begins_at = self._moment(f"{path}.from", item.get("from"))
        ends_at = self._moment(f"{path}.until", item.get("until"), is_end=True)
        if begins_at and ends_at and begins_at >= ends_at:
            self.problems.append((f"{path}.until", "It lies before 'from', so that the rule would never hold."))
        return Rule(item["name"], when, gives, caps, item.get("cap", {}).get("per"), begins_at, ends_at)

    def _give(self, currency: str, give: Any, path: str) -> Give:
        if isinstance(give, int):
            return Give(currency, give, None, None, "once")
        milli = Decimal(give["per"]) * MILLI
        of = give.get("of", "amount")
        measure: Measure = "quantity" if of == "quantity" or (isinstance(of, Mapping) and "quantity" in of) else "amount"
        if milli != int(milli):
            raise ConditionError(f"{path}.per", "An amount of money has at most three decimals here.")
        if measure == "quantity" and milli % MILLI:
            raise ConditionError(f"{path}.per", "A quantity is counted in whole pieces. Write a whole number.")
        lines = None
        if isinstance(of, Mapping):
            ((_, wanted),) = of.items()
            condition = parse({"any_line": wanted}, self.fields, f"{path}.of")
            assert isinstance(condition, AnyLine)
            lines = condition
        return Give(currency, give["amount"], int(milli), lines, measure)

    def _moment(self, path: str, text: str | None, *, is_end: bool = False) -> datetime | None:
        """A day, or a day and a time, in the programme's zone. A day that ends something belongs to it."""
        if text is None:
            return None
        try:
            local = datetime.fromisoformat(text)
            if is_end and _DAY_ONLY.fullmatch(text):
                local += timedelta(days=1)
        except (ValueError, OverflowError):
            self.problems.append((path, f"{text!r} is not a day such as 2026-12-31, or a moment such as '2026-12-31 18:00'."))
            return None
        return local.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)


def _is_zone(name: str) -> bool:
    try:
        return ZoneInfo(name).key == name
    except (KeyError, ValueError, OSError):
        return False
