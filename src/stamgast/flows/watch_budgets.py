"""Budgets of rules over all members: how they stand, and ending a rule by a version in which it does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from stamgast.flows.publish import put_in_force
from stamgast.kit.database import Cursor, open_cursor
from stamgast.ledger.by_rule import list_given_by_day
from stamgast.programmes.budgets import Forecast, budgets_of, forecast
from stamgast.programmes.documents import load
from stamgast.programmes.errors import InvalidProgramme
from stamgast.programmes.forms import end_rule
from stamgast.programmes.queries import get_programme
from stamgast.programmes.types import Version
from stamgast.programmes.versions import find_in_force


@dataclass(frozen=True, slots=True)
class Watched:
    """How a budget stands, what was given by day, in order, and the moment at which its rule ends, where it does."""

    forecast: Forecast
    given_by_day: Sequence[tuple[date, int]]
    ends_at: datetime | None


def watch_budgets(cursor: Cursor, *, at: datetime) -> list[Forecast]:
    """How each budget of the version in force stands, in the order of the document. Counts what the ledger holds."""
    return [one.forecast for one in read_budgets(cursor, at=at)]


def read_budgets(cursor: Cursor, *, at: datetime) -> list[Watched]:
    """``watch_budgets`` with the days behind it. Reads every lot once where there is a budget, and none where there is not."""
    programme = get_programme(cursor)
    in_force = find_in_force(programme.versions, at)
    if in_force is None:
        return []
    document = load(in_force.document)
    budgets = budgets_of(document)
    if not budgets:
        return []
    given = list_given_by_day(cursor, {budget.rule for budget in budgets}, document.timezone)
    today = at.astimezone(ZoneInfo(document.timezone)).date()
    ends = {rule.name: rule.ends_at for rule in document.rules}
    by_day = [given.get((budget.rule, budget.currency), []) for budget in budgets]
    return [
        Watched(forecast(budget, days, today), days, ends[budget.rule]) for budget, days in zip(budgets, by_day, strict=True)
    ]


def close_rule(rule: str, *, last_day: date, at: datetime, actor: str, reason: str) -> Version:
    """Publishes the version in force again, from now on, with a last day for one rule: everybody gets it until that midnight.

    The day is today or later, so that nobody loses what was given. A version that is scheduled already says for itself what
    holds then. Raises InvalidProgramme, PublishedMeanwhile, SecondPersonNeeded.
    """
    with open_cursor() as cursor:
        programme = get_programme(cursor)
    in_force = find_in_force(programme.versions, at) or programme.versions[0]
    document = load(in_force.document)
    if rule not in {one.name for one in document.rules}:
        raise InvalidProgramme(
            f"No rule is called {rule[:80]!r}. The rules are {', '.join(one.name for one in document.rules)}."
        )
    if last_day < at.astimezone(ZoneInfo(document.timezone)).date():
        raise InvalidProgramme("A rule ends today or later: what was given before stays given.")
    text = end_rule(document, rule, last_day.isoformat())
    return put_in_force(text, effective_from=at, at=at, actor=actor, reason=reason, after=programme.latest, only_ends=True)
