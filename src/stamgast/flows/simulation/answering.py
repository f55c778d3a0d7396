"""What a run says so far: both programmes side by side, each number with its interval while not everybody was gone through."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from django.conf import settings

from stamgast.flows.export_lake import lake_folder
from stamgast.flows.simulation.running import SIDES, Run, read_kept
from stamgast.flows.simulation.worths import worth_minor
from stamgast.insights.redemption import Cell
from stamgast.insights.sampling import Estimate, count_of_all, sum_over_buckets
from stamgast.insights.simulation import (
    Behaviour,
    Lot,
    Share,
    Stated,
    breakage,
    cost_minor,
    counted,
    curve,
    curve_of_one,
    fit,
    lots_of,
    sums_of,
)

NOTHING_REDEEMED = Stated(0)
"""The behaviour towards what is only counted and cannot be spent."""
AHEAD_MONTHS = 24
"""So far the running off of what is outstanding is foreseen."""


class Pair(msgspec.Struct, frozen=True):
    """One number by the programme in force and by the draft, and what the draft adds to it."""

    before: Estimate
    after: Estimate
    difference: Estimate


class RuleLine(msgspec.Struct, frozen=True):
    """What one rule gave of one currency, and what that costs where its worth was stated."""

    rule: str
    currency: str
    points: Pair
    cost_minor: Pair | None


class MonthLine(msgspec.Struct, frozen=True):
    """One currency in one month of the shop; outstanding at its end, the rest within it."""

    month: date
    given: Pair
    redeemed: Pair
    expired: Pair
    outstanding: Pair


class CurrencyAnswer(msgspec.Struct, frozen=True):
    """One currency. ``breakage`` is what will never be redeemed of what counts, by either programme; of what it does not let
    be spent nothing is redeemed, and there is none. ``is_firm``: whether the history is long enough to fit a behaviour to; true
    for one that was stated. ``ahead`` goes on after ``months``: what becomes of what is outstanding then, by the same
    behaviour, while nothing more is given; to the month in which nothing is left."""

    currency: str
    is_spendable_before: bool
    is_spendable_after: bool
    given: Pair
    cost_minor: Pair | None
    outstanding: Pair
    breakage_before: Share | None
    breakage_after: Share | None
    is_firm: bool
    months: tuple[MonthLine, ...]
    ahead: tuple[MonthLine, ...]


class TierLine(msgspec.Struct, frozen=True):
    """How many members hold a level at the end of a month, by the programme in force and by the draft."""

    tier: str
    month: date
    before: Estimate
    after: Estimate


class Answer(msgspec.Struct, frozen=True):
    """Everything that a run says so far. Money is in minor units of ``money``. ``waiting``: activities that were not decided
    when the history was read, and so are in none of it."""

    read_at: datetime
    since: datetime | None
    until: datetime
    state: str
    customers: int
    looked_at: int
    activities: int
    waiting: int
    seconds: float
    money: str
    redemption: int | None
    currencies: tuple[CurrencyAnswer, ...]
    rules: tuple[RuleLine, ...]
    loyal_before: Estimate
    loyal_after: Estimate
    entering: Estimate
    leaving: Estimate
    gaining: Estimate
    losing: Estimate
    tiers: tuple[TierLine, ...]
    moved: Estimate

    @property
    def is_estimate(self) -> bool:
        """Whether not everybody was gone through."""
        return self.looked_at < self.customers


class Person(msgspec.Struct, frozen=True):
    """What one customer is given of one currency by either programme."""

    customer: UUID
    before: int
    after: int


def answer(folder: Path, run: Run) -> Answer:
    """The answer as far as the run is. Of a run of which nothing is done, ask nothing."""
    from stamgast.flows.measure_liability import read_cells  # here, because it loads what reads the lake

    money = settings.CONFIGURATION.currency
    cells = read_kept(folder, run, "cells")
    scale = _Scale(run)
    counts = counted(cells)
    currencies: set[str] = set(sums_of(counts, "currency"))
    worths = {name: worth_minor(text, money) for name, text in run.asked.worths.items()}
    fitted = read_cells(lake_folder(), zone=settings.CONFIGURATION.timezone) if run.asked.redemption is None else {}
    people = read_kept(folder, run, "people")
    return Answer(
        read_at=run.copy.read_at,
        since=run.asked.since,
        until=run.until,
        state=run.state,
        customers=run.customers,
        looked_at=run.looked_at,
        activities=run.activities,
        waiting=run.copy.waiting,
        seconds=round(run.seconds, 2),
        money=money,
        redemption=run.asked.redemption,
        currencies=tuple(
            _currency(cells, currency, worths.get(currency), fitted.get(currency, []), scale)
            for currency in sorted(currencies)
        ),
        rules=tuple(_rules(counts, worths, scale)),
        **{
            field: count_of_all(run.loyal.get(name, 0), run.looked_at, run.customers)
            for field, name in (
                ("loyal_before", "before"), ("loyal_after", "after"), ("entering", "entering"), ("leaving", "leaving"),
            )
        },
        gaining=scale.customers(people.filter(pc.field("after") > pc.field("before"))),
        losing=scale.customers(people.filter(pc.field("after") < pc.field("before"))),
        tiers=tuple(
            TierLine(
                one.tier,
                date(one.month // 12, one.month % 12 + 1, 1),
                *(count_of_all(count, run.looked_at, run.customers) for count in (one.before, one.after)),
            )
            for one in run.members
        ),
        moved=count_of_all(run.moved, run.looked_at, run.customers),
    )  # fmt: skip


def list_people(
    folder: Path, run: Run, *, currency: str, is_gaining: bool, after: int = 0, limit: int = 50
) -> tuple[list[Person], int]:
    """Those whom the draft gives most more of a currency, or most less, from a place on; and how many there are in all."""
    people = read_kept(folder, run, "people")
    people = people.filter(pc.field("currency") == currency)
    change = np.subtract(people["after"].to_numpy(), people["before"].to_numpy())
    change = change if is_gaining else -change
    chosen = np.flatnonzero(change > 0)
    ordered = chosen[np.lexsort((chosen, -change[chosen]))]
    rows = people.take(ordered[after : after + limit]).to_pylist()
    return [Person(UUID(bytes=row["customer_id"]), row["before"], row["after"]) for row in rows], len(chosen)


def list_moved(folder: Path, run: Run, *, after: int = 0, limit: int = 50) -> list[tuple[UUID, str | None, str | None]]:
    """Whose level at the end is another by the draft, from a place on: the level in force and the draft's, None for none."""
    rows = read_kept(folder, run, "tiers").slice(after, limit).to_pylist()
    return [(UUID(bytes=row["customer_id"]), row["before"], row["after"]) for row in rows]


def currencies_of_people(folder: Path, run: Run) -> list[str]:
    """The currencies of which somebody would get more or less."""
    found: list[Any] = read_kept(folder, run, "people")["currency"].unique().to_pylist()
    return sorted(found)


class _Scale:
    """From the buckets that were gone through to everybody."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.sizes = run.copy.customers[: run.end]
        self.share = run.looked_at / run.customers if run.customers else 1.0

    def of(self, by_bucket: dict[int, int]) -> Estimate:
        """Sums by bucket; a bucket without any is zero."""
        return self.over([by_bucket.get(bucket, 0) for bucket in range(self.run.end)])

    def over(self, amounts: Sequence[int] | npt.NDArray[Any]) -> Estimate:
        """Sums of all buckets that were gone through, or of everybody in one."""
        if not self.run.is_estimate:
            found = int(sum(amounts))
            return Estimate(found, found, found)
        return sum_over_buckets(amounts, self.sizes, self.run.customers)

    def pair(self, before: dict[int, int], after: dict[int, int]) -> Pair:
        """Both sides, and the difference bucket by bucket: what both have in common does not make it less sure."""
        more = {bucket: after.get(bucket, 0) - before.get(bucket, 0) for bucket in before.keys() | after.keys()}
        return Pair(self.of(before), self.of(after), self.of(more))

    def customers(self, people: pa.Table) -> Estimate:
        """How many customers there are among these rows."""
        found = len(people["customer_id"].unique())
        return count_of_all(found, self.run.looked_at, self.run.customers)


def _by_bucket(cells: pa.Table) -> tuple[dict[int, int], dict[int, int]]:
    before, after = (sums_of(cells.filter(pc.field("side") == side), "bucket") for side in SIDES)
    return before, after


def _costs(pair: tuple[dict[int, int], dict[int, int]], worth: Fraction | None, scale: _Scale) -> Pair | None:
    if worth is None:
        return None
    points = scale.pair(*pair)

    def cost(one: Estimate) -> Estimate:
        return Estimate(*(cost_minor(points, worth) for points in (one.value, one.low, one.high)))

    before, after, difference = cost(points.before), cost(points.after), cost(points.difference)
    if points.difference.is_exact:
        difference = Estimate(*[after.value - before.value] * 3)
    return Pair(before, after, difference)


def _rules(counts: pa.Table, worths: dict[str, Fraction], scale: _Scale) -> Sequence[RuleLine]:
    lines = []
    for (currency, rule), _ in sorted(sums_of(counts, "currency", "rule").items()):
        own = _by_bucket(counts.filter((pc.field("currency") == currency) & (pc.field("rule") == rule)))
        lines.append(RuleLine(rule, currency, scale.pair(*own), _costs(own, worths.get(currency), scale)))
    return lines


def _currency(cells: pa.Table, currency: str, worth: Fraction | None, seen: Sequence[Cell], scale: _Scale) -> CurrencyAnswer:
    own = cells.filter(pc.field("currency") == currency)
    counts = counted(own)
    last = 12 * _local(scale.run.until).year + _local(scale.run.until).month - 1
    by_side = [own.filter(pc.field("side") == side) for side in SIDES]
    are_spendable = [currency not in scale.run.only_counted.get(side, ()) for side in SIDES]
    behaviours = [_behaviour(scale.run, seen) if is_spendable else NOTHING_REDEEMED for is_spendable in are_spendable]
    curves = [_Curve(side, behaviour, last + AHEAD_MONTHS, scale) for side, behaviour in zip(by_side, behaviours, strict=True)]
    every = _months(curves, scale)
    months = every[: -AHEAD_MONTHS or None]
    ahead = [
        msgspec.structs.replace(one, month=_month_before(one.month)) for one in every[-AHEAD_MONTHS:]
    ]  # with what is left of this one
    if scale.run.asked.since is not None:
        first = _local(scale.run.asked.since).date().replace(day=1)
        months = [one for one in months if one.month >= first]
    shares = [
        _breakage(counts.filter(pc.field("side") == side), behaviour, scale) if is_spendable else None
        for side, behaviour, is_spendable in zip(SIDES, behaviours, are_spendable, strict=True)
    ]
    given = _by_bucket(counts)
    nothing = Estimate(0, 0, 0)
    return CurrencyAnswer(
        currency=currency,
        is_spendable_before=are_spendable[0],
        is_spendable_after=are_spendable[1],
        given=scale.pair(*given),
        cost_minor=_costs(given, worth, scale),
        outstanding=months[-1].outstanding if months else Pair(nothing, nothing, nothing),
        breakage_before=shares[0],
        breakage_after=shares[1],
        is_firm=all(isinstance(one, Stated) or one.is_firm for one in behaviours),
        months=tuple(months),
        ahead=tuple(_until_nothing_is_left(ahead)),
    )


class _Curve:
    """One side of one currency, month by month: of everybody in whole points, of a sample bucket by bucket."""

    def __init__(self, cells: pa.Table, behaviour: Behaviour, last: int, scale: _Scale) -> None:
        sums = sums_of(cells, "month", "expires")
        self.first = min((month for month, _ in sums), default=last + 1)
        self.last = last
        if not scale.run.is_estimate:
            rows = curve(lots_of(sums), behaviour, last) if sums else []
            self._values: npt.NDArray[Any] = np.array([[row[1:] for row in rows]], np.int64).reshape(1, -1, len(COUNTED))
            return
        places = {key: place for place, key in enumerate(sorted(sums))}
        points = np.zeros((scale.run.end, len(places)))
        for (bucket, month, expires), found in sums_of(cells, "bucket", "month", "expires").items():
            points[bucket, places[month, expires]] = found
        each = (
            np.stack([curve_of_one(month, expires, behaviour, self.first, last).T for month, expires in places])
            if places
            else np.zeros((0, 0, 4))
        )
        self._values = np.tensordot(points, each, 1)

    def at(self, month: int) -> npt.NDArray[Any]:
        """What is counted of a month, by bucket; nothing before the first."""
        if month < self.first:
            return np.zeros((len(self._values), len(COUNTED)), self._values.dtype)
        found: npt.NDArray[Any] = self._values[:, month - self.first]
        return found


COUNTED = ("given", "redeemed", "expired", "outstanding")


def _months(curves: Sequence[_Curve], scale: _Scale) -> list[MonthLine]:
    months = []
    for month in range(min(one.first for one in curves), curves[0].last + 1):
        before, after = (one.at(month) for one in curves)
        pairs = [
            Pair(*(scale.over(side[:, place]) for side in (before, after, after - before))) for place in range(len(COUNTED))
        ]
        months.append(MonthLine(date(month // 12, month % 12 + 1, 1), *pairs))
    return months


def _month_before(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


def _until_nothing_is_left(ahead: Sequence[MonthLine]) -> Sequence[MonthLine]:
    """The months up to the first after which neither programme has anything outstanding."""
    left = [place for place, one in enumerate(ahead) if one.outstanding.before.value or one.outstanding.after.value]
    return ahead[: left[-1] + 2] if left else ahead[:1]


def _breakage(cells: pa.Table, behaviour: Behaviour, scale: _Scale) -> Share | None:
    buckets: list[list[Lot]] = []
    if scale.share < 1:
        buckets = [[] for _ in range(scale.run.end)]
        for (bucket, month, expires), points in sums_of(cells, "bucket", "month", "expires").items():
            buckets[bucket].append(Lot(month, expires, points))
    return breakage(lots_of(sums_of(cells, "month", "expires")), behaviour, buckets, scale.share)


def _behaviour(run: Run, cells: Sequence[Cell]) -> Behaviour:
    if run.asked.redemption is not None:
        return Stated(run.asked.redemption)
    last = _local(run.copy.read_at)
    return fit(cells, 12 * last.year + last.month - 2)


def _local(moment: datetime) -> datetime:
    return moment.astimezone(ZoneInfo(settings.CONFIGURATION.timezone))
