"""Programme documents: from YAML or JSON text to a checked ``Document``. Every problem names its line and its place.

Reads no clock and no database; which version is in force is not known here.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from importlib.resources import files
from string import Template
from typing import Any, get_args
from zoneinfo import ZoneInfo

from stamgast.conditions import Condition, ConditionError, parse, rule_fields
from stamgast.conditions.fields import PropertyField, TextColumn
from stamgast.conditions.tree import AnyLine
from stamgast.programmes.expiry import Expiry, parse_duration
from stamgast.programmes.reading import line_of, problems_of, read, read_schema, refuse
from stamgast.programmes.terms import (
    MILLI,
    Card,
    Currency,
    Document,
    Give,
    Level,
    Measure,
    Multiply,
    Period,
    Rounding,
    Rule,
    Tiers,
    Turn,
    TurnKind,
)

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
FINEST = 10**9
HUNDREDTHS = 100
LONGEST_PERIOD, LONGEST_GRACE = 1_116, 372
CALENDAR = {"year": 12, "half year": 6, "quarter": 3, "month": 1}
MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
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
        self.names: set[str] = set()
        self.problems: list[tuple[str, str]] = []

    def build(self) -> Document | None:
        """The document, with whatever was sound; None where nothing could be looked at."""
        if not _is_zone(self.zone):
            sentence = f"{self.zone[:80]!r} is not a time zone. Write a name of the IANA list, such as Europe/Amsterdam."
            self.problems.append(("timezone", sentence))
            return None
        self.fields = rule_fields(self.zone)
        for name, filter_ in self.content.get("sets", {}).items():
            self._parse_lines(filter_, f"sets.{name}")
        currencies = {name: self._currency(name, options) for name, options in self.content["currencies"].items()}
        rules = tuple(self._rules())
        tiers = self._tiers(self.content["tiers"]) if "tiers" in self.content else None
        self._check_denominators([*rules, *(tiers.levels if tiers is not None else ())])
        return Document(
            programme=self.content["programme"],
            timezone=self.zone,
            rounding=self.content.get("round", "down"),
            stacking=self.content.get("stacking", "base"),
            currencies=currencies,
            rules=rules,
            cards=tuple(self._cards()),
            tiers=tiers,
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
        words = options.get("called", {})
        called = words if isinstance(words, Mapping) else {"en": words, "nl": words}
        spelt = {language: (str(one), str(many)) for language, (one, many) in called.items()}
        return Currency(name, expiry, waiting, options.get("spendable", True), spelt)

    def _duration(self, path: str, text: str, at: Any = "exact") -> Expiry | None:
        try:
            return parse_duration(text, at)
        except ValueError as error:
            self.problems.append((path, str(error)))
            return None

    def _rules(self) -> Iterable[Rule]:
        for position, item in enumerate(self.content["earn"]):
            path = f"earn[{position}]"
            self._take_name(item["name"], path)
            given = {**item.get("give", {}), **item.get("multiply", {})}
            caps = {key: most for key, most in item.get("cap", {}).items() if key != "per"}
            for key in ("give", "multiply"):
                self._check_currencies(f"{path}.{key}", item.get(key, {}))
            self._check_currencies(f"{path}.cap", caps)
            for currency in caps.keys() - given.keys():
                self.problems.append((f"{path}.cap.{currency}", "The rule does not give this currency."))
            if ("give" in item) == ("multiply" in item):
                self.problems.append((path, "A rule gives or it multiplies: write one of 'give' and 'multiply'."))
            try:
                yield self._rule(item, path, caps)
            except ConditionError as error:
                self.problems.append((error.path, error.problem))

    def _take_name(self, name: str, path: str) -> None:
        if name in self.names:
            sentence = f"Another rule, card or level is called {name!r}. What was given is kept by that name."
            self.problems.append((f"{path}.name", sentence))
        self.names.add(name)

    def _check_currencies(self, path: str, named: Iterable[str]) -> None:
        for currency in named:
            if currency not in self.content["currencies"]:
                self.problems.append((f"{path}.{currency}", f"The programme has no currency {currency!r}."))

    def _rule(self, item: Mapping[str, Any], path: str, caps: Mapping[str, int]) -> Rule:
        begins_at = self._moment(f"{path}.from", item.get("from"))
        ends_at = self._moment(f"{path}.until", item.get("until"), is_end=True)
        if begins_at and ends_at and begins_at >= ends_at:
            self.problems.append((f"{path}.until", "It lies before 'from', so that the rule would never hold."))
        gives, multiplies = item.get("give", {}), item.get("multiply", {})
        return Rule(
            name=item["name"],
            when=self._parse(item["when"], f"{path}.when"),
            turn=self._turn(item, path),
            gives=tuple(self._give(currency, give, f"{path}.give.{currency}") for currency, give in gives.items()),
            multiplies=tuple(self._multiply(name, factor, f"{path}.multiply.{name}") for name, factor in multiplies.items()),
            caps=caps,
            cap_period=item.get("cap", {}).get("per"),
            begins_at=begins_at,
            ends_at=ends_at,
        )

    def _multiply(self, currency: str, factor: int | Decimal, path: str) -> Multiply:
        if Decimal(factor) * 100 % 1 or factor <= 1:
            self.problems.append((path, "What is multiplied becomes more: write a number above 1 with at most two decimals."))
        return Multiply(currency, Fraction(factor))

    def _check_denominators(self, multipliers: Iterable[Rule | Level]) -> None:
        """Fractions stay exact while what they are counted in stays small."""
        product: dict[str, int] = {}
        for multiplier in multipliers:
            for multiply in multiplier.multiplies:
                product[multiply.currency] = product.get(multiply.currency, 1) * multiply.factor.denominator
        for currency, denominator in product.items():
            if denominator > FINEST and self.content.get("stacking") == "standing":
                sentence = f"Too many multipliers of {currency} with decimals stand on each other. Round some of them."
                self.problems.append(("stacking", sentence))

    def _turn(self, item: Mapping[str, Any], path: str) -> Turn | None:
        kinds: list[TurnKind] = [kind for kind in get_args(TurnKind) if kind in item]
        if not kinds:
            return None
        if len(kinds) > 1:
            self.problems.append((f"{path}.{kinds[1]}", f"A rule counts one way: {' and '.join(kinds)} do not go together."))
        kind, stated = kinds[0], item[kinds[0]]
        if isinstance(stated, int):
            return Turn(kind, stated, "lifetime", None)
        field = None
        if kind == "challenge":
            field = self.fields.find(stated["different"])
            if not isinstance(field, TextColumn | PropertyField):
                sentence = "Here stands a field of text, such as source, or a property, such as properties.store."
                self.problems.append((f"{path}.challenge.different", sentence))
        return Turn(kind, stated["count"], stated["per"], field)

    def _cards(self) -> Iterable[Card]:
        for position, item in enumerate(self.content.get("cards", ())):
            path = f"cards[{position}]"
            self._take_name(item["name"], path)
            self._check_currencies(f"{path}.give", item["give"])
            if item["of"] not in self.content["currencies"]:
                self.problems.append((f"{path}.of", f"The programme has no currency {item['of']!r}."))
            if item["of"] in item["give"]:
                self.problems.append((f"{path}.give.{item['of']}", "A card cannot give what fills it."))
            yield Card(item["name"], item["of"], item["each"], item["give"])

    def _tiers(self, item: Mapping[str, Any]) -> Tiers | None:
        qualify, period = item["qualify_on"], item["period"]
        currency = qualify if isinstance(qualify, str) else None
        if currency is not None and currency not in self.content["currencies"]:
            self.problems.append(("tiers.qualify_on", f"The programme has no currency {currency!r}."))
        rolling = self._duration("tiers.period.rolling", period["rolling"]) if "rolling" in period else None
        grace = self._duration("tiers.grace", item["grace"]) if "grace" in item else None
        for path, duration, most in (("period.rolling", rolling, LONGEST_PERIOD), ("grace", grace, LONGEST_GRACE)):
            if duration is not None and (duration.elapsed or duration.longest_days > most):
                self.problems.append((f"tiers.{path}", f"Tiers are counted in whole days, and here in at most {most} of them."))
        try:
            spend = None if currency is not None else self._parse(qualify["spend"], "tiers.qualify_on.spend")
            levels = tuple(self._levels(item["levels"], is_money=currency is None))
        except ConditionError as error:
            self.problems.append((error.path, error.problem))
            return None
        return Tiers(
            currency=currency,
            spend=spend,
            is_rolling=rolling is not None,
            months=rolling.months if rolling is not None else CALENDAR[period.get("calendar", "year")],
            days=rolling.days if rolling is not None else 0,
            first_month=MONTHS.index(period.get("from", "january")),
            grace=grace,
            is_soft=item.get("downgrade", "to what was earned") == "one level",
            levels=levels,
        )

    def _levels(self, items: Iterable[Mapping[str, Any]], *, is_money: bool) -> Iterable[Level]:
        highest = -1
        for position, item in enumerate(items):
            path = f"tiers.levels[{position}]"
            self._take_name(item["name"], path)
            self._check_currencies(f"{path}.multiply", item.get("multiply", {}))
            if ("from" in item) == ("invited" in item):
                self.problems.append((path, "A level is reached or one is invited to it: write one of 'from' and 'invited'."))
            if item.get("from", highest + 1) <= highest:
                self.problems.append((f"{path}.from", "Levels stand in order, each from more on than the one before."))
            highest = item.get("from", highest)
            multiplies = item.get("multiply", {}).items()
            yield Level(
                name=item["name"],
                threshold=item["from"] * (HUNDREDTHS if is_money else 1) if "from" in item else None,
                invited=self._parse(item["invited"], f"{path}.invited") if "invited" in item else None,
                multiplies=tuple(self._multiply(name, factor, f"{path}.multiply.{name}") for name, factor in multiplies),
                benefits={
                    name: words if isinstance(words, dict) else {"en": words, "nl": words}
                    for name, words in item.get("benefits", {}).items()
                },
            )

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
            ((key, wanted),) = of.items()
            try:
                condition = self._parse({"any_line": wanted}, f"{path}.of")
            except ConditionError as error:
                raise ConditionError(error.path.replace(f"{path}.of.any_line", f"{path}.of.{key}", 1), error.problem) from None
            assert isinstance(condition, AnyLine)
            lines = condition
        return Give(currency, give["amount"], int(milli), lines, measure)

    def _parse(self, condition: Any, path: str) -> Condition:
        return parse(self._with_sets(condition, path), self.fields, path)

    def _parse_lines(self, filter_: Any, path: str) -> None:
        try:
            parse({"any_line": filter_}, self.fields, path)
        except ConditionError as error:
            self.problems.append((error.path.replace(f"{path}.any_line", path), error.problem))

    def _with_sets(self, condition: Any, path: str) -> Any:
        """A condition in which each ``{set: breakfast}`` is the filter of that name."""
        if isinstance(condition, list):
            return [self._with_sets(part, f"{path}[{place}]") for place, part in enumerate(condition)]
        if not isinstance(condition, Mapping):
            return condition
        if "set" not in condition:
            return {key: self._with_sets(part, f"{path}.{key}") for key, part in condition.items()}
        sets, name = self.content.get("sets", {}), condition["set"]
        if not isinstance(name, str) or name not in sets:
            known = f" The sets are {', '.join(sets)}." if sets else " Name it under 'sets'."
            raise ConditionError(f"{path}.set", f"There is no set {str(name)[:80]!r}.{known}")
        rest = {key: part for key, part in condition.items() if key != "set"}
        parts = [part for one in (sets[name], rest) for part in _comparisons_of(one)]
        return parts[0] if len(parts) == 1 else {"all": parts}

    def _moment(self, path: str, text: str | None, *, is_end: bool = False) -> datetime | None:
        """A day, or a day and a time, in the programme's zone. A day that ends something belongs to it."""
        if text is None:
            return None
        try:
            local = datetime.fromisoformat(text)
            if is_end and _DAY_ONLY.fullmatch(text):
                local += timedelta(days=1)
            return local.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            self.problems.append((path, f"{text!r} is not a day such as 2026-12-31, or a moment such as '2026-12-31 18:00'."))
            return None


def _comparisons_of(filter_: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """``{category: coffee, product_id: [A, B]}`` as comparisons; a condition as it is."""
    if not filter_ or filter_.keys() & {"field", "all", "any", "not"}:
        return [filter_] if filter_ else []
    return [{"field": name, "in" if isinstance(wanted, list) else "is": wanted} for name, wanted in filter_.items()]


def _is_zone(name: str) -> bool:
    if name.startswith(("right/", "posix/")) or name in ("localtime", "posixrules", "Factory"):
        return False  # files of a machine, which say something else on the next one, or count leap seconds
    try:
        return ZoneInfo(name).key == name
    except (KeyError, ValueError, OSError):
        return False
