"""``lint``: everything that is looked at before a document is published."""

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any
from zoneinfo import ZoneInfo

from stamgast.activities.orders import REFERRING_KINDS
from stamgast.conditions import kinds_of
from stamgast.conditions.tree import AllOf
from stamgast.conditions.types import Operator
from stamgast.programmes.linting.clocks import Switch, switches
from stamgast.programmes.linting.holding import Days, can_hold, hours_of
from stamgast.programmes.linting.turns import most_in_a_life, most_in_a_row, most_values
from stamgast.programmes.linting.types import Finding, Level, Lint
from stamgast.programmes.linting.worth import is_by_money, worth_of, worths_through_cards
from stamgast.programmes.reading import line_of, read
from stamgast.programmes.terms import Document, Rule

MOST_OF_ONE_KIND = 25
_AT_A_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}(:\d{2})?)")


def lint(
    document: Document,
    *,
    at: datetime,
    kinds: Collection[str] | None = None,
    worths: Mapping[str, Decimal] | None = None,
) -> Lint:
    """What a document says that cannot be meant, is likely not meant, or is good to know, were it in force from ``at`` on.

    ``kinds`` are the kinds of activities that the shop knows (None: not looked at). ``worths`` is what one unit of a currency
    is worth, in major units of money; without it nothing is said of value. Rules that can never apply are always right.
    """
    linter = _Linter(document, at, kinds, dict(worths or {}))
    found: dict[str, list[Finding]] = {}
    for finding in linter.findings():
        found.setdefault(finding.code, []).append(finding)
    kept = [finding for several in found.values() for finding in several[:MOST_OF_ONE_KIND]]
    kept += [
        Finding(Level.NOTE, "more", 1, "", {"code": code}) for code, several in found.items() if len(several) > MOST_OF_ONE_KIND
    ]
    return Lint(tuple(sorted(kept, key=lambda one: (one.line, one.path, one.code))), linter.worths)


class _Linter:
    def __init__(self, document: Document, at: datetime, kinds: Collection[str] | None, worths: dict[str, Decimal]) -> None:
        self.document, self.at, self.kinds, self.worths = document, at, kinds, worths
        self.content, self.lines = read(document.text)
        self.zone = ZoneInfo(document.timezone)
        self.idle: set[int] = set()

    def findings(self) -> Iterator[Finding]:
        for place, rule in enumerate(self.document.rules):
            yield from self._applies(place, rule)
            yield from self._turns(place, rule)
            yield from self._kinds(rule)
            yield from self._unnamed(rule)
            yield from self._caps(place, rule)
        yield from self._budgets()
        yield from self._overlaps()
        yield from self._currencies()
        yield from self._cards()
        yield from self._periods()
        yield from self._worth()
        yield from self._clock()

    def _finding(self, level: Level, code: str, path: str, **values: Any) -> Finding:
        return Finding(level, code, line_of(path, self.lines), path, values)

    def _applies(self, place: int, rule: Rule) -> Iterator[Finding]:
        path = f"earn[{place}]"
        ever, coming = self._days(rule, None), self._days(rule, self.at)
        if not can_hold(rule.when):
            self.idle.add(place)
            yield self._finding(Level.ERROR, "never", f"{path}.when", rule=rule.name)
        elif not can_hold(rule.when, ever):
            self.idle.add(place)
            yield self._finding(Level.ERROR, "never_in_its_time", f"{path}.when", rule=rule.name)
        elif rule.ends_at is not None and rule.ends_at <= self.at:
            self.idle.add(place)
            yield self._finding(Level.WARNING, "past", f"{path}.until", rule=rule.name, moment=rule.ends_at)
        elif not can_hold(rule.when, coming):
            self.idle.add(place)
            yield self._finding(Level.WARNING, "past", f"{path}.when", rule=rule.name, moment=self.at)
        for give in rule.gives:
            if give.lines is not None and not can_hold(give.lines.part):
                here = f"{path}.give.{give.currency}.of"
                yield self._finding(Level.ERROR, "no_line", here, rule=rule.name, currency=give.currency)

    def _turns(self, place: int, rule: Rule) -> Iterator[Finding]:
        """Turns for which there is no room: more periods in a row, or more different values, than there can be."""
        turn = rule.turn
        if turn is None or place in self.idle:
            return
        if turn.kind == "streak":
            code, most = "never_in_a_row", most_in_a_row(rule.when, turn.period, self._days(rule, None))
        elif turn.kind == "challenge" and turn.field is not None:
            code, most = "never_so_many", most_values(rule.when, turn.field.name)
        else:
            return
        if most is not None and turn.count > most:
            self.idle.add(place)
            path = f"earn[{place}].{turn.kind}"
            yield self._finding(Level.ERROR, code, path, rule=rule.name, count=turn.count, most=most)

    def _cards(self) -> Iterator[Finding]:
        """Cards for which nobody can ever get enough."""
        filled = {currency for card in self.document.cards for currency in card.gives} | set(self._multipliers())
        for place, card in enumerate(self.document.cards):
            sources = [
                (rule, give)
                for number, rule in enumerate(self.document.rules)
                for give in rule.gives
                if give.currency == card.source and number not in self.idle
            ]
            most = [most_in_a_life(rule, give) for rule, give in sources]
            bound = sum(one for one in most if one is not None)
            if sources and None not in most and card.source not in filled and bound < card.each:
                values = {"card": card.name, "currency": card.source, "most": bound, "each": card.each}
                yield self._finding(Level.WARNING, "never_full", f"cards[{place}].each", **values)

    def _periods(self) -> Iterator[Finding]:
        """The first month of a period that has none: versions that were published with one go on holding."""
        period = self.content.get("tiers", {}).get("period", {})
        if "rolling" in period and "from" in period:
            yield self._finding(Level.ERROR, "from_of_rolling", "tiers.period.from", month=period["from"])

    def _days(self, rule: Rule, since: datetime | None) -> Days:
        """The first and the last day on which a rule holds, not before ``since``, on the programme's calendar."""
        begins = max((one for one in (rule.begins_at, since) if one is not None), default=None)
        ends = rule.ends_at - timedelta(microseconds=1) if rule.ends_at is not None else None
        return self._day(begins), self._day(ends)

    def _day(self, moment: datetime | None) -> date | None:
        return None if moment is None else moment.astimezone(self.zone).date()

    def _kinds(self, rule: Rule) -> Iterator[Finding]:
        if self.kinds is None:
            return
        for kind, path in kinds_of(rule.when).items():
            if kind not in self.kinds:
                near = difflib.get_close_matches(kind, self.kinds, 1, 0.75)
                values = {"rule": rule.name, "kind": kind, "near": near[0] if near else None}
                yield self._finding(Level.WARNING, "unknown_kind", path, **values)

    def _unnamed(self, rule: Rule) -> Iterator[Finding]:
        """Kinds that tell of an earlier order, where a condition looks for them by a part of their name: only a rule that names
        such a kind gives for it."""
        named, told = kinds_of(rule.when), set[str]()
        for one in rule.when.comparisons():
            if one.field.name != "kind" or one.operator is not Operator.CONTAINS:
                continue
            looks_for = one.closure()
            unnamed = [
                kind
                for kind in sorted(REFERRING_KINDS - named.keys() - told)
                if looks_for({"kind": kind}) and can_hold(AllOf((rule.when, replace(one, operator=Operator.IS, literal=kind))))
            ]
            if unnamed:
                told.update(unnamed)
                yield self._finding(Level.WARNING, "unnamed_kind", one.path, rule=rule.name, kinds=tuple(unnamed))

    def _caps(self, place: int, rule: Rule) -> Iterator[Finding]:
        for give in rule.gives:
            cap = rule.caps.get(give.currency)
            if cap is not None and give.per_milli is None and give.amount > cap:
                path = f"earn[{place}].cap.{give.currency}"
                yield self._finding(Level.WARNING, "cap_below_give", path, rule=rule.name, amount=give.amount, cap=cap)

    def _budgets(self) -> Iterator[Finding]:
        """Budgets of what a rule does not give."""
        for place, rule in enumerate(self.document.rules):
            given = {give.currency for give in rule.gives} | {one.currency for one in rule.multiplies}
            for currency in self.content["earn"][place].get("budget", {}):
                if currency not in given:
                    path = f"earn[{place}].budget.{currency}"
                    yield self._finding(Level.ERROR, "budget_of_nothing", path, rule=rule.name, currency=currency)

    def _overlaps(self) -> Iterator[Finding]:
        """Two rules that give one currency for one activity: told once a pair, at the later. Of many rules not all pairs are
        looked at once enough were found."""
        told = 0
        for (_, first), (place, second) in combinations(enumerate(self.document.rules), 2):
            shared = {give.currency for give in first.gives} & {give.currency for give in second.gives}
            if shared and self._can_meet(first, second):
                values = {"rule": second.name, "other": first.name, "currencies": tuple(sorted(shared))}
                yield self._finding(Level.NOTE, "overlap", f"earn[{place}].when", **values)
                told += 1
                if told > MOST_OF_ONE_KIND:
                    return

    def _can_meet(self, first: Rule, second: Rule) -> bool:
        days = [self._days(rule, self.at) for rule in (first, second)]
        firsts = [day for day, _ in days if day is not None]
        lasts = [day for _, day in days if day is not None]
        both = (max(firsts, default=None), min(lasts, default=None))
        return can_hold(AllOf((first.when, second.when)), both)

    def _currencies(self) -> Iterator[Finding]:
        given = {
            give.currency for place, rule in enumerate(self.document.rules) for give in rule.gives if place not in self.idle
        }
        given |= {currency for card in self.document.cards for currency in card.gives}
        for path, currency in self._multiplied():
            if currency not in given:
                yield self._finding(Level.WARNING, "multiplies_nothing", path, currency=currency)
        for currency in self.document.currencies:
            if currency not in given:
                yield self._finding(Level.WARNING, "never_given", f"currencies.{currency}", currency=currency)

    def _multiplied(self) -> Iterator[tuple[str, str]]:
        """The places of the document that multiply a currency, whatever kind of thing it is that does."""

        def walk(value: Any, path: str) -> Iterator[tuple[str, str]]:
            if isinstance(value, Mapping):
                for name, inner in value.items():
                    here = f"{path}.{name}" if path else str(name)
                    if name == "multiply" and isinstance(inner, Mapping):
                        for currency in inner:
                            if currency in self.document.currencies:
                                yield f"{here}.{currency}", str(currency)
                    yield from walk(inner, here)
            elif isinstance(value, list):
                for place, inner in enumerate(value):
                    yield from walk(inner, f"{path}[{place}]")

        yield from walk(self.content, "")

    def _worth(self) -> Iterator[Finding]:
        live = [(place, rule) for place, rule in enumerate(self.document.rules) if place not in self.idle]
        worths = worths_through_cards(self.worths, self.document.cards)
        spendable = {name for name, currency in self.document.currencies.items() if currency.is_spendable}
        unvalued = sorted(
            {give.currency for _, rule in live for give in rule.gives if is_by_money(give)} & spendable - worths.keys()
        )
        if unvalued:
            yield self._finding(Level.NOTE, "worth_unknown", f"currencies.{unvalued[0]}", currencies=tuple(unvalued))
        if not self.worths:
            return
        most = self._multipliers()
        for place, rule in live:
            by_money = any(is_by_money(give) and give.currency in worths for give in rule.gives)
            if not by_money:
                continue
            together = [other for _, other in live if other is rule or self._can_meet(rule, other)]
            worth = worth_of(together, worths, most)
            path, values = (
                f"earn[{place}].give",
                {"rule": rule.name, "others": tuple(one.name for one in together if one is not rule)},
            )
            if worth.usual_rate >= 1:
                yield self._finding(Level.ERROR, "above_value", path, rate=worth.usual_rate, **values)
            elif worth.rate >= 1:
                yield self._finding(Level.WARNING, "above_value_at_a_turn", path, rate=worth.rate, **values)
            elif worth.covered_from and worth.covered_from > (worth.least or 0):
                below = worth.covered_from.quantize(Decimal("0.01"))
                yield self._finding(Level.NOTE, "above_value_when_small", path, below=below, **values)

    def _multipliers(self) -> dict[str, Decimal]:
        """The most that each currency can be multiplied by, all multipliers of the document together."""
        most: dict[str, Decimal] = {}
        for path, currency in self._multiplied():
            factor = self._at(path)
            if isinstance(factor, int | Decimal) and not isinstance(factor, bool) and factor > 1:
                most[currency] = most.get(currency, Decimal(1)) * factor
        return most

    def _at(self, path: str) -> Any:
        value = self.content
        for name, place in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
            value = value[name] if name else value[int(place)]
        return value

    def _clock(self) -> Iterator[Finding]:
        changes = switches(self.document.timezone, self.at)
        for place, rule in enumerate(self.document.rules):
            path = f"earn[{place}]"
            item = self.content["earn"][place]
            for edge in ("from", "until"):
                wall = _wall_of(item.get(edge))
                if wall is None:
                    continue
                # An edge may lie years away, so the changes of its own year are looked at.
                near = switches(self.document.timezone, wall.replace(tzinfo=UTC) - timedelta(days=2), years=1)
                change = next((one for one in near if one.holds(wall)), None)
                if change is not None:
                    code = "edge_skipped" if change.is_skipped else "edge_twice"
                    yield self._finding(Level.WARNING, code, f"{path}.{edge}", rule=rule.name, wall=wall)
            hours = hours_of(rule.when)
            if place in self.idle or len(hours) == 24:
                continue
            for is_skipped in (True, False):
                change = next((one for one in changes if one.is_skipped is is_skipped and one.hours & hours), None)
                if change is not None and self._meets(rule, change):
                    code = "hour_skipped" if is_skipped else "hour_twice"
                    values = {"rule": rule.name, "begins": change.begins, "ends": change.ends, "is_all": hours <= change.hours}
                    yield self._finding(Level.WARNING if values["is_all"] else Level.NOTE, code, f"{path}.when", **values)

    def _meets(self, rule: Rule, change: Switch) -> bool:
        """Whether a rule holds on the day of a change."""
        day, (first, last) = change.begins.date(), self._days(rule, self.at)
        return (first is None or first <= day) and (last is None or day <= last) and can_hold(rule.when, (day, day))


def _wall_of(text: object) -> datetime | None:
    """A wall time that is written with its time of day."""
    if not isinstance(text, str) or _AT_A_TIME.fullmatch(text) is None:
        return None
    return datetime.fromisoformat(text)
