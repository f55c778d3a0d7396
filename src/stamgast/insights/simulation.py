"""What decisions cost, what becomes of it under a stated behaviour, and how sure that is. Pure: columns in, numbers out.

Nothing here knows what was really redeemed, except a behaviour that was fitted to it: two programmes are compared over the same
activities and the same behaviour, so that what differs comes from what they say. Months are numbered: 12 × year + month − 1.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stamgast.insights.redemption import Cell, estimate
from stamgast.insights.sampling import Z, ratio_error
from stamgast.kit.ids import BUCKETS
from stamgast.kit.zones import to_local

NEVER = 1_000_000
"""The month in which what does not expire would expire. What ends at midnight expires in the month that ends then."""
EVEN_MONTHS = 12
"""A stated share is redeemed evenly over the first so many months, or over the life of what was given where that is less."""
WHOLE = 10_000
"""A share of everything, in hundredths of a percent."""
_EPOCH_MONTH = 12 * 1970


class Lot(NamedTuple):
    """What was given in one month and expires in another."""

    month: int
    expires: int
    points: int


class Month(NamedTuple):
    """What was given, redeemed and expired in a month, and what was outstanding at its end."""

    month: int
    given: int
    redeemed: int
    expired: int
    outstanding: int


@dataclass(frozen=True, slots=True)
class Stated:
    """Of 10,000 points, so many are redeemed: what somebody says."""

    share: int

    def redeemed(self, points: int, age: int, life: int) -> int:
        """How many of ``points`` are redeemed by the end of the month in which they are ``age`` months old."""
        months = min(max(life, 1), EVEN_MONTHS)
        return points * self.share * min(age + 1, months) // (WHOLE * months)

    def share_by(self, age: int, life: int) -> float:
        """The same as a share."""
        months = min(max(life, 1), EVEN_MONTHS)
        return self.share * min(age + 1, months) / (WHOLE * months)

    def share_in_the_end(self, life: int) -> float:
        """The share that is redeemed at last."""
        return self.share / WHOLE


@dataclass(frozen=True, slots=True)
class Fitted:
    """``rates``: of what is outstanding when an age in months begins, the share that is redeemed in it; ``later``: at any age
    beyond them. ``without``: the same with each vintage left out in turn, which says how sure the fit is."""

    rates: tuple[float, ...]
    later: float
    without: tuple["Fitted", ...] = ()
    is_firm: bool = False

    def redeemed(self, points: int, age: int, life: int) -> int:
        """How many of ``points`` are redeemed by the end of the month in which they are ``age`` months old."""
        return int(points * self.share_by(age, life) + 0.5)

    def share_by(self, age: int, life: int) -> float:
        """The same as a share."""
        return self._share(min(age + 1, max(life, 1)))

    def share_in_the_end(self, life: int) -> float:
        """The share that is redeemed at last."""
        if life >= NEVER // 2:
            return 1.0 if self.later > 0 else self._share(len(self.rates))
        return self._share(max(life, 1))

    def _share(self, months: int) -> float:
        left = 1.0
        for rate in self.rates[:months]:
            left *= 1 - rate
        beyond = max(0, months - len(self.rates))
        return float(1 - left * (1 - self.later) ** beyond)


Behaviour = Stated | Fitted


def fit(cells: Sequence[Cell], through: int) -> Fitted:
    """How points were redeemed by age, from what moved of each vintage up to the end of a month: the life table of
    ``redemption``, as the liability has it. What is older than any that were seen goes on as all did on average.

    >>> rows = [Cell(0, 0, 100, 0, 0), Cell(0, 1, 0, 50, 0), Cell(1, 1, 100, 10, 0)]
    >>> fitted = fit(rows, 1)
    >>> fitted.rates, round(fitted.later, 4)
    ((0.05, 0.5), 0.2)
    >>> [fitted.redeemed(1_000, age, 24) for age in (0, 1, 2)]
    [50, 525, 620]
    """

    def of(kept: Sequence[Cell]) -> tuple[tuple[float, ...], float, bool]:
        found = estimate(kept, through)
        at_risk = sum(rate.at_risk for rate in found.rates)
        later = sum(rate.at_risk * rate.redeemed for rate in found.rates) / at_risk if at_risk else 0.0
        return tuple(rate.redeemed for rate in found.rates), later, found.is_firm

    vintages = sorted({cell.vintage for cell in cells if cell.month <= through})
    rates, later, is_firm = of(cells)
    without = [of([cell for cell in cells if cell.vintage != one])[:2] for one in vintages] if len(vintages) > 2 else []
    return Fitted(rates, later, tuple(Fitted(*one) for one in without), is_firm)


def given_by_cell(decisions: pa.Table, zone: str, *, since: int | None, until: int) -> pa.Table:
    """What was given, by bucket of the customer, currency, rule, month, month of expiry, and whether it counts.

    Takes columns of ``decide``; moments in microseconds. What occurred after ``until`` is left out; what occurred before
    ``since`` does not count, and is there because it is outstanding. It expires in the month of the last moment at which it is
    good. What is still good after ``until`` stands one month later: the month of ``until`` is told in two parts, what was of
    it, and what is to come. Columns: bucket, currency, rule, month, expires, is_counted, points.
    """
    occurred_at = decisions["occurred_at"].cast(pa.int64()).to_numpy()
    expires_at = decisions["expires_at"].cast(pa.int64())
    has_end = expires_at.is_valid().to_numpy()
    expires = np.full(len(occurred_at), NEVER, np.int64)
    ends = expires_at.drop_null().to_numpy()
    expires[has_end] = _months(ends - 1, zone) + (ends > until)
    columns: dict[str, Any] = {
        "bucket": buckets_of(decisions["customer_id"]),
        "currency": decisions["currency"],
        "rule": decisions["rule"],
        "month": _months(occurred_at, zone),
        "expires": expires,
        "is_counted": occurred_at >= since if since is not None else np.ones(len(occurred_at), np.bool_),
        "points": decisions["amount"],
    }
    keys = ["bucket", "currency", "rule", "month", "expires", "is_counted"]
    sums = pa.table(columns).filter(pa.array(occurred_at <= until)).group_by(keys).aggregate([("points", "sum")])
    return sums.rename_columns([*keys, "points"])


def given_by_customer(decisions: pa.Table, *, since: int | None, until: int) -> pa.Table:
    """What each customer was given of each currency, of what counts. Columns: customer_id, currency, points."""
    occurred_at = decisions["occurred_at"].cast(pa.int64()).to_numpy()
    counts = occurred_at <= until
    if since is not None:
        counts &= occurred_at >= since
    sums = decisions.filter(pa.array(counts)).group_by(["customer_id", "currency"]).aggregate([("amount", "sum")])
    return sums.rename_columns(["customer_id", "currency", "points"])


def buckets_of(ids: Any) -> npt.NDArray[np.int64]:
    """The buckets of ids of 16 bytes."""
    array = ids.combine_chunks()
    raw = np.frombuffer(array.buffers()[1], np.uint8).reshape(-1, 16)[array.offset : array.offset + len(array)]
    result: npt.NDArray[np.int64] = (raw[:, 0].astype(np.int64) * 256 + raw[:, 1]) % BUCKETS
    return result


def curve(lots: Iterable[Lot], behaviour: Behaviour, last: int) -> list[Month]:
    """What was given, redeemed, expired and outstanding month by month, from the first to ``last``, in whole points.

    What is left when a month of expiry has come expires in it. Given − redeemed − expired = outstanding, always.

    >>> for row in curve([Lot(0, 2, 100)], Stated(5_000), 3):
    ...     print(*row)
    0 100 25 0 75
    1 0 25 0 50
    2 0 0 50 0
    3 0 0 0 0
    """
    given, redeemed, expired = defaultdict[int, int](int), defaultdict[int, int](int), defaultdict[int, int](int)
    first = last
    for month, expires, points in lots:
        first = min(first, month)
        given[month] += points
        before = 0
        for now in range(month, min(last, expires) + 1):
            by_now = behaviour.redeemed(points, now - month, expires - month)
            redeemed[now] += by_now - before
            before = by_now
        if expires <= last:
            expired[expires] += points - before
    rows, outstanding = [], 0
    for now in range(first, last + 1):
        outstanding += given[now] - redeemed[now] - expired[now]
        rows.append(Month(now, given[now], redeemed[now], expired[now], outstanding))
    return rows


def curve_of_one(month: int, expires: int, behaviour: Behaviour, first: int, last: int) -> npt.NDArray[np.float64]:
    """What becomes of one point: given, redeemed, expired and outstanding, a row each, a column a month. Not in whole points,
    for adding up a few points of many buckets, which rounded one by one would all be nothing.

    >>> curve_of_one(0, 2, Stated(5_000), 0, 3).tolist()
    [[1.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.0, 0.0], [0.0, 0.0, 0.5, 0.0], [0.75, 0.5, 0.0, 0.0]]
    """
    rows = np.zeros((4, last - first + 1))
    rows[0, month - first] = 1
    before = 0.0
    for now in range(month, min(last, expires) + 1):
        by_now = behaviour.share_by(now - month, expires - month)
        rows[1, now - first] = by_now - before
        before = by_now
    if expires <= last:
        rows[2, expires - first] = 1 - before
    rows[3] = np.cumsum(rows[0] - rows[1] - rows[2])
    return rows


class Share(NamedTuple):
    """A share, with its 95 % interval."""

    value: float
    low: float
    high: float


def breakage(
    lots: Iterable[Lot], behaviour: Behaviour, buckets: Sequence[Sequence[Lot]] = (), looked_at: float = 1.0
) -> Share | None:
    """The share of what was given that will never be redeemed, whether it expires or not. None where nothing was given.

    ``buckets``: the lots of each bucket of a sample, which is the share ``looked_at`` of all customers. The interval holds how
    sure the sample is, and how sure the fit is (jackknife over vintages); what somebody states is as sure as they say it is.

    >>> breakage([Lot(0, 24, 100)], Stated(8_000))
    Share(value=0.2, low=0.2, high=0.2)
    """
    by_life: dict[int, int] = defaultdict(int)
    for month, expires, points in lots:
        by_life[expires - month] += points
    total = sum(by_life.values())
    if total <= 0:
        return None

    def share(under: Behaviour) -> float:
        return sum(points * (1 - under.share_in_the_end(life)) for life, points in by_life.items()) / total

    value, error = share(behaviour), 0.0
    if isinstance(behaviour, Fitted) and behaviour.without:
        others = [share(one) for one in behaviour.without]
        mean, count = sum(others) / len(others), len(others)
        error = sqrt((count - 1) / count * sum((one - mean) ** 2 for one in others))
    if looked_at < 1:
        broken = [sum(lot.points * (1 - behaviour.share_in_the_end(lot.expires - lot.month)) for lot in own) for own in buckets]
        sampled = ratio_error(broken, [sum(lot.points for lot in own) for own in buckets], looked_at)
        error = sqrt(error**2 + sampled**2)
    limits = (value, max(0.0, value - Z * error), min(1.0, value + Z * error))
    return Share(*(round(limit, 9) for limit in limits))


def cost_minor(points: int, worth_minor: Fraction) -> int:
    """What points cost when each of them is worth so many minor units: a whole number, a half goes up.

    >>> cost_minor(3, Fraction(1, 2)), cost_minor(-3, Fraction(1, 2))
    (2, -1)
    """
    return (points * worth_minor * 2 + 1).__floor__() // 2


def sums_of(cells: pa.Table, *keys: str) -> dict[Any, int]:
    """The points of cells by these columns; a key of one column is its value, else a tuple."""
    sums = cells.group_by(list(keys)).aggregate([("points", "sum")])
    columns: list[list[Any]] = [sums[key].to_pylist() for key in keys]
    found: Iterable[Any] = columns[0] if len(keys) == 1 else zip(*columns, strict=True)
    points: list[Any] = sums["points_sum"].to_pylist()
    return dict(zip(found, points, strict=True))


def lots_of(sums: Mapping[tuple[int, int], int]) -> list[Lot]:
    """Lots from sums by month and month of expiry, in order."""
    return [Lot(month, expires, points) for (month, expires), points in sorted(sums.items())]


def counted(cells: pa.Table) -> pa.Table:
    """The cells that count."""
    return cells.filter(pc.field("is_counted"))


def _months(moments: npt.NDArray[np.int64], zone: str) -> npt.NDArray[np.int64]:
    local = to_local(zone, np.ascontiguousarray(moments))
    months: npt.NDArray[np.int64] = local.view("datetime64[us]").astype("datetime64[M]").astype(np.int64) + _EPOCH_MONTH
    return months


def members_by_month(stays: pa.Table, zone: str, *, until: int) -> dict[tuple[str, int], int]:
    """How many members hold each level when a month ends, or at ``until`` in its month: by level and month.

    Takes the columns of the tiers of ``decide``, by customer and then moment: customer_id, since, and tier, null for none. A
    member holds a level until their next row.
    """
    since = stays["since"].cast(pa.int64()).to_numpy()
    known = np.flatnonzero(since <= until)
    customers = stays["customer_id"].to_pylist()
    tiers = stays["tier"].to_pylist()
    months = _months(since, zone)
    changes: dict[tuple[str, int], int] = defaultdict(int)
    for place, row in enumerate(known):
        tier = tiers[row]
        if tier is None:
            continue
        changes[tier, int(months[row])] += 1
        following = known[place + 1] if place + 1 < len(known) else None
        if following is not None and customers[following] == customers[row]:
            changes[tier, int(months[following])] -= 1
    last = int(_months(np.array([until]), zone)[0])
    members: dict[tuple[str, int], int] = {}
    for tier in {tier for tier, _ in changes}:
        count = 0
        for month in range(min(month for name, month in changes if name == tier), last + 1):
            count += changes[tier, month]
            members[tier, month] = count
    return members


def tiers_at(stays: pa.Table, *, until: int) -> dict[bytes, str]:
    """Which level each member holds at a moment; who holds none is not there. Takes what ``members_by_month`` takes."""
    held: dict[bytes, str | None] = {}
    customers: list[Any] = stays["customer_id"].to_pylist()
    since: list[Any] = stays["since"].cast(pa.int64()).to_pylist()
    for customer, moment, tier in zip(customers, since, stays["tier"].to_pylist(), strict=True):
        if moment <= until:
            held[customer] = tier
    return {customer: tier for customer, tier in held.items() if tier is not None}
