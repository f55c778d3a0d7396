"""The measures of the home page, from the lake, each with its interval and its change against the period before.

Worked out once for each state of the lake and each day, and kept in a file beside the lake, so that every web process
reads what the first one found.
"""

import threading
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
import msgspec
import pyarrow as pa

from stamgast.insights.change import change
from stamgast.insights.orders import check_zone, orders_in_zone, orders_of
from stamgast.insights.purchasing import average_order_value, purchase_frequency, repeat_purchase_rate
from stamgast.insights.retention import retention
from stamgast.insights.revenue import order_counts, revenue, top_share
from stamgast.insights.series import members_over_time, orders_over_time
from stamgast.insights.types import Period, whole_weeks_before
from stamgast.lake.manifest import Manifest, get_manifest, write_whole
from stamgast.lake.reading import keep, open_lake

CACHE = "home.json"
WEEKS = 13
SHAPE = 1
"""Rises when the fields below change, so that what an older version kept is not read."""


class Figure(msgspec.Struct, frozen=True):
    """One measure with its 95 % interval, and the same measure one period earlier. None where it has no value."""

    value: float | None
    low: float | None
    high: float | None
    before: float | None
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    relative: float | None

    @property
    def is_change_certain(self) -> bool:
        """Whether the interval of the difference leaves out 0: only then a page may say that something rose or fell."""
        low, high = self.difference_low, self.difference_high
        return low is not None and high is not None and (low > 0 or high < 0)


class Bridge(msgspec.Struct, frozen=True):
    """From the customers of the period before to those of this one: start − lost + reactivated + new = end."""

    start: int
    retained: int
    lost: int
    reactivated: int
    new: int
    end: int


class Week(msgspec.Struct, frozen=True):
    """What was sold in one week. ``starts_on`` is its Monday."""

    starts_on: date
    orders: int
    customers: int
    revenue_minor: int


class Members(msgspec.Struct, frozen=True):
    """Who came, who went, and how many there were at the end of one day."""

    day: date
    entries: int
    exits: int
    members: int


class HomeMeasures(msgspec.Struct, frozen=True):
    """What the home page shows. ``measured_at`` is when the lake was brought up to date; periods include both days."""

    measured_at: datetime | None
    first_day: date
    last_day: date
    before_first_day: date
    before_last_day: date
    currency: str
    retention: Figure
    classic_retention: float | None
    bridge: Bridge
    repeat_purchase_rate: Figure
    purchase_frequency: Figure
    average_order_value_minor: Figure
    top20_revenue_share: Figure
    revenue_minor: int
    revenue_before_minor: int
    customers: int
    orders: int
    zero_orders: int
    returns: int
    returned_minor: int
    other_currency_orders: int
    weeks: tuple[Week, ...]
    loyal: tuple[Members, ...]


class _Kept(msgspec.Struct, frozen=True):
    key: str
    measures: HomeMeasures


_one_at_a_time = threading.Lock()
_last: dict[Path, _Kept] = {}


def measure_home(
    folder: Path, *, now: datetime, zone: str, currency: str, segment: str = "loyal-customers", weeks: int = WEEKS
) -> HomeMeasures:
    """The measures of the last whole weeks, from Monday to Sunday, against as many weeks before.

    Whole weeks, because a day that has not ended and a weekday more would both pass for a change. Raises LakeNotThere before
    the first export.
    """
    check_zone(zone)
    manifest = get_manifest(folder)
    period = whole_weeks_before(now.astimezone(ZoneInfo(zone)).date(), weeks)
    state = (SHAPE, manifest.begun_at.isoformat(), manifest.version, period.first_day, period.last_day, zone, currency, segment)
    key = "|".join(map(str, state))
    with _one_at_a_time:
        kept = _last.get(folder) or _find_kept(folder)
        if kept is None or kept.key != key:
            kept = _Kept(key, _measure(folder, manifest, period, zone, currency, segment))
            write_whole(folder / CACHE, msgspec.json.encode(kept))
        _last[folder] = kept
    # An export that finds nothing new changes no measure and still says that they are up to date.
    return msgspec.structs.replace(kept.measures, measured_at=manifest.exported_at)


def _find_kept(folder: Path) -> _Kept | None:
    try:
        return msgspec.json.decode((folder / CACHE).read_bytes(), type=_Kept)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _measure(folder: Path, manifest: Manifest, period: Period, zone: str, currency: str, segment: str) -> HomeMeasures:
    lake = open_lake(folder, manifest)
    before = period.before
    both = Period(before.first_day, period.last_day)
    # Kept in memory: what an order is and its day are worked out once, not once a measure.
    orders = keep(orders_in_zone(orders_of(lake["activities"], lake["links"]), zone), "orders")
    stays = lake["stays"].filter(ibis._.segment == segment)
    stayed = retention(orders, before, period).to_pyarrow()
    row, counts = _row(stayed), _row(order_counts(orders, period, currency).to_pyarrow())

    def figure(measure: Callable[..., ir.Table], *more: str) -> Figure:
        return _figure(measure(orders, period, *more).to_pyarrow(), measure(orders, before, *more).to_pyarrow())

    return HomeMeasures(
        measured_at=manifest.exported_at,
        first_day=period.first_day,
        last_day=period.last_day,
        before_first_day=before.first_day,
        before_last_day=before.last_day,
        currency=currency,
        retention=_figure(stayed, retention(orders, before.before, before).to_pyarrow()),
        classic_retention=row["classic"],
        bridge=Bridge(*(row[name] for name in Bridge.__struct_fields__)),
        repeat_purchase_rate=figure(repeat_purchase_rate),
        purchase_frequency=figure(purchase_frequency),
        average_order_value_minor=figure(average_order_value, currency),
        top20_revenue_share=figure(top_share, currency),
        revenue_minor=_row(revenue(orders, period, currency).to_pyarrow())["value"],
        revenue_before_minor=_row(revenue(orders, before, currency).to_pyarrow())["value"],
        customers=row["end"],
        orders=counts["orders"],
        zero_orders=counts["zero_orders"],
        returns=counts["returns"],
        returned_minor=counts["returned_minor"],
        other_currency_orders=counts["other_currency_orders"],
        weeks=msgspec.convert(orders_over_time(orders, both, currency).to_pyarrow().to_pylist(), tuple[Week, ...]),
        loyal=msgspec.convert(members_over_time(stays, both, zone).to_pyarrow().to_pylist(), tuple[Members, ...]),
    )


def _figure(now: pa.Table, before: pa.Table) -> Figure:
    """Both are worked out before they are compared: one expression of two measures takes Ibis far longer to compile."""
    names = ["value", "low", "high"]
    return Figure(**_row(change(ibis.memtable(now.select(names)), ibis.memtable(before.select(names))).to_pyarrow()))


def _row(table: pa.Table) -> dict[str, Any]:
    row: dict[str, Any] = table.to_pylist()[0]
    return row
