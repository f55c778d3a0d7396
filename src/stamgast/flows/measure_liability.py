"""The liability: what is outstanding, what is expected of it, and the entries for the books, from the lake.

Worked out once for each state of the lake by the worker, and kept in a file beside it; for any past moment on demand.
"""

import fcntl
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import ibis.expr.types as ir
import msgspec

from stamgast.books.queries import list_valuations
from stamgast.books.rules import journal, valuation_at
from stamgast.books.types import Book, Moved, Valuation
from stamgast.insights.liability import (
    Clock,
    flows_of,
    known_by,
    outstanding_by_age_and_expiry,
    points_over_time,
    sales_by_vintage,
    vintage_cells,
)
from stamgast.insights.orders import check_zone
from stamgast.insights.redemption import Cell, Estimate, estimate
from stamgast.kit.database import open_cursor
from stamgast.lake.errors import LakeNotThere
from stamgast.lake.manifest import get_manifest, write_whole
from stamgast.lake.reading import keep, open_lake
from stamgast.ledger.expiries import copy_expiries

KEPT = "liability.json"
SHAPE = 2
REST = 20
"""What took a second to work out is not worked out again within this many seconds."""
AT_ONCE_ROWS = 2_000_000
"""So many movements a page may wait for; beyond it, the worker's answer is the one that is shown."""


class Month(msgspec.Struct, frozen=True):
    """What was given, redeemed and expired in one month, and what was outstanding when it ended, or at the moment asked for."""

    month: date
    given: int
    redeemed: int
    expired: int
    outstanding: int


class Vintage(msgspec.Struct, frozen=True):
    """What became of the points of one month up to the last whole one, and how many more of them will be redeemed."""

    month: date
    given: int
    redeemed: int
    expired: int
    outstanding: int
    expected: int
    is_mature: bool


class Outstanding(msgspec.Struct, frozen=True):
    """Points by the month in which they were earned and the one in which they expire; None: never."""

    earned: date
    expires: date | None
    points: int


class Expectation(msgspec.Struct, frozen=True):
    """What share of all that was given will be redeemed, at the end of the month ``through``, with its 95 % interval."""

    through: date
    share: float | None
    low: float | None
    high: float | None
    outstanding: int
    expected: int
    expected_low: int
    expected_high: int
    of_new: float
    tail: float
    is_firm: bool


class CurrencyLiability(msgspec.Struct, frozen=True):
    """One currency. ``deferred_minor`` is what the books put off for it, None for one without a price."""

    currency: str
    outstanding: int
    expectation: Expectation
    months: tuple[Month, ...]
    vintages: tuple[Vintage, ...]
    by_age_and_expiry: tuple[Outstanding, ...]
    price_minor: int | None
    share: float | None
    is_fitted: bool
    deferred_minor: int | None


class JournalLine(msgspec.Struct, frozen=True):
    """One entry: an amount above zero from one account to another, booked at the end of a month."""

    month: date
    currency: str
    vintage: date
    kind: str
    debit: str
    credit: str
    amount_minor: int
    revision_minor: int


class Liability(msgspec.Struct, frozen=True):
    """Everything, at one moment by both clocks. ``measured_at`` is when the lake was brought up to date."""

    measured_at: datetime
    at: datetime | None
    known_at: datetime | None
    zone: str
    money: str
    booked_by: str
    through: date
    currencies: tuple[CurrencyLiability, ...]
    entries: tuple[JournalLine, ...]


class _Kept(msgspec.Struct, frozen=True):
    key: str
    decided: str
    built_at: datetime
    seconds: float
    liability: Liability


def measure_liability(
    folder: Path,
    *,
    now: datetime,
    zone: str,
    money: str,
    at: datetime | None = None,
    known_at: datetime | None = None,
    booked_by: Clock = Clock.KNOWN,
) -> Liability:
    """The liability at ``at``, as known at ``known_at``; now where they are None. Raises LakeNotThere, UnknownZone.

    The journal is booked by the clock ``booked_by``: by what was known, months that are over stay as they were; by what
    happened, a history that came in by import stands in the months that it tells of.
    """
    check_zone(zone)
    manifest = get_manifest(folder)
    if manifest.exported_at is None:
        raise LakeNotThere("Nothing has been exported to the lake yet. The worker does it every minute once it runs.")
    with open_cursor() as cursor:
        valuations = list_valuations(cursor)
    last = min(moment for moment in (at, known_at, now) if moment is not None)
    through = _number(last.astimezone(ZoneInfo(zone)).date()) - 1
    currencies = tuple(sorted({one.currency for one in valuations}))
    with tempfile.TemporaryDirectory(dir=folder, prefix="liability-") as scratch:
        lake = open_lake(folder, manifest, scratch=Path(scratch))
        flows = flows_of(known_by(lake["movements"], at=at, known_at=known_at))
        rows = outstanding_by_age_and_expiry(flows, _expiries(lake, Path(scratch)), zone).to_pyarrow().to_pylist()
        cells = keep(vintage_cells(flows, zone), "cells")
        happened, months = cells.to_pyarrow().to_pylist(), points_over_time(cells).to_pyarrow().to_pylist()
        booked, sales = [], {}
        if currencies:
            by_known = booked_by is Clock.KNOWN
            booked = vintage_cells(flows, zone, booked_by).to_pyarrow().to_pylist() if by_known else happened
            sold = sales_by_vintage(flows, lake["activities"], currencies, money, zone, booked_by)
            sales = {_number(row["vintage"]): int(row["sales_minor"]) for row in sold.to_pyarrow().to_pylist()}
    book = _book(booked, sales, valuations, through)
    return Liability(
        measured_at=manifest.exported_at,
        at=at,
        known_at=known_at,
        zone=zone,
        money=money,
        booked_by=booked_by.name.lower(),
        through=_day(through),
        currencies=_currencies(rows, happened, months, valuations, book, through),
        entries=tuple(
            JournalLine(
                _day(one.month), one.currency, _day(one.vintage), one.kind, one.debit, one.credit, one.amount_minor,
                one.revision_minor,
            )
            for one in book.entries
        ),
    )  # fmt: skip


def read_cells(folder: Path, *, zone: str) -> dict[str, list[Cell]]:
    """What was given, redeemed and expired by month of earning and month of moving, of each currency, by when it happened.

    Raises LakeNotThere, UnknownZone.
    """
    check_zone(zone)
    with tempfile.TemporaryDirectory(dir=folder, prefix="liability-") as scratch:
        lake = open_lake(folder, scratch=Path(scratch))
        return _cells(vintage_cells(flows_of(lake["movements"]), zone).to_pyarrow().to_pylist())


def refresh_liability(folder: Path, *, now: datetime, zone: str, money: str, rest: int = REST) -> None:
    """Works the usual answer out anew where the lake, the prices or the month changed since, and enough time has passed."""
    manifest = get_manifest(folder)
    decided = _decided(now, zone, money)
    key = f"{decided}|{manifest.begun_at.isoformat()}|{manifest.version}"
    with (folder / "liability.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = _find_kept(folder)
        if kept is not None and (kept.key == key or now < kept.built_at + timedelta(seconds=kept.seconds * rest)):
            return
        began = time.monotonic()
        found = measure_liability(folder, now=now, zone=zone, money=money)
        write_whole(folder / KEPT, msgspec.json.encode(_Kept(key, decided, now, time.monotonic() - began, found)))


def read_liability(folder: Path, *, now: datetime, zone: str, money: str) -> Liability | None:
    """The usual answer. Where there is little to read, it follows a price that was just decided at once; else the worker
    makes it, and this is the last one; None before the first."""
    movements = get_manifest(folder).datasets.get("movements")
    rows = sum(part.rows for part in movements.parts) if movements else 0
    kept = _find_kept(folder)
    if rows <= AT_ONCE_ROWS and (kept is None or kept.decided != _decided(now, zone, money)):
        refresh_liability(folder, now=now, zone=zone, money=money, rest=0)
        kept = _find_kept(folder)
    return kept.liability if kept else None


def _find_kept(folder: Path) -> _Kept | None:
    try:
        return msgspec.json.decode((folder / KEPT).read_bytes(), type=_Kept)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _decided(now: datetime, zone: str, money: str) -> str:
    """For which prices and month the answer is."""
    with open_cursor() as cursor:
        decided = [one.decided_at.isoformat() for one in list_valuations(cursor)]
    month = now.astimezone(ZoneInfo(zone)).date().replace(day=1)
    return "|".join(map(str, (SHAPE, month, zone, money, *decided)))


def _expiries(lake: Mapping[str, ir.Table], scratch: Path) -> ir.Table:
    path = scratch / "expiries.csv"
    with open_cursor() as cursor, path.open("wb") as file:
        copy_expiries(cursor, file)
    table = (
        lake["movements"]
        .get_backend()
        .read_csv(path, table_name="expiries", columns={"lot_id": "VARCHAR", "expires_at": "TIMESTAMPTZ"})
    )
    return keep(table, "expiries_read")


def _book(booked: Iterable[Mapping[str, Any]], sales: Mapping[int, int], valuations: Sequence[Valuation], through: int) -> Book:
    cells = _cells(booked)
    valued = {one.currency for one in valuations}

    @cache
    def expected(currency: str, month: int) -> dict[int, int] | None:
        found = estimate(cells[currency], month)
        if not found.is_firm:
            return None
        return {one.month: one.redeemed + round(one.expected) for one in found.vintages}

    moved = [Moved(currency, *cell) for currency in sorted(valued) for cell in cells.get(currency, ())]
    return journal(
        moved,
        sales,
        valuations,
        through=through,
        fitted=lambda currency, vintage, month: (expected(currency, month) or {}).get(vintage),
    )


def _cells(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Cell]]:
    cells: dict[str, list[Cell]] = defaultdict(list)
    for row in rows:
        numbers = (_number(row["vintage"]), _number(row["month"]), row["given"], row["redeemed"], row["expired"])
        cells[row["currency"]].append(Cell(*numbers))
    return cells


def _currencies(
    rows: Iterable[Mapping[str, Any]],
    happened: Iterable[Mapping[str, Any]],
    months: Iterable[Mapping[str, Any]],
    valuations: Sequence[Valuation],
    book: Book,
    through: int,
) -> tuple[CurrencyLiability, ...]:
    """Those with a price first, then those with most outstanding."""
    held: dict[str, list[Outstanding]] = defaultdict(list)
    for row in rows:
        held[row["currency"]].append(Outstanding(row["earned_month"], row["expiry_month"], row["points"]))
    cells = _cells(happened)
    by_month: dict[str, dict[int, Month]] = defaultdict(dict)
    for row in months:
        by_month[row["currency"]][_number(row["month"])] = msgspec.convert(row, Month)
    told = []
    for currency in sorted({*held, *cells}):
        own = [one for one in valuations if one.currency == currency]
        valuation = valuation_at(own, through + 1)
        told.append(
            _currency(currency, held.get(currency, []), cells.get(currency, []), by_month[currency], valuation, book, through)
        )
    return tuple(sorted(told, key=lambda one: (one.price_minor is None, -one.outstanding, one.currency)))


def _currency(
    currency: str,
    held: Sequence[Outstanding],
    cells: Sequence[Cell],
    months: Mapping[int, Month],
    valuation: Valuation | None,
    book: Book,
    through: int,
) -> CurrencyLiability:
    found = estimate(cells, through)
    deferred = sum(amount for (name, _vintage), amount in book.deferred_minor.items() if name == currency)
    return CurrencyLiability(
        currency=currency,
        outstanding=sum(one.points for one in held),
        expectation=_expectation(found),
        months=_without_gaps(months),
        vintages=tuple(
            Vintage(_day(one.month), one.given, one.redeemed, one.expired, one.outstanding, round(one.expected), one.is_mature)
            for one in found.vintages
        ),
        by_age_and_expiry=tuple(held),
        price_minor=valuation.price_minor if valuation else None,
        share=valuation.share / 10_000 if valuation else None,
        is_fitted=bool(valuation and valuation.is_fitted),
        deferred_minor=deferred if valuation else None,
    )


def _expectation(found: Estimate) -> Expectation:
    return Expectation(
        _day(found.through), found.share, found.low, found.high, found.outstanding, round(found.expected),
        round(found.expected_low), round(found.expected_high), found.of_new, found.tail, found.is_firm,
    )  # fmt: skip


def _without_gaps(known: Mapping[int, Month]) -> tuple[Month, ...]:
    """Every month from the first to the last, also where nothing moved."""
    months, outstanding = [], 0
    for number in range(min(known, default=0), max(known, default=-1) + 1):
        month = known.get(number) or Month(_day(number), 0, 0, 0, outstanding)
        outstanding = month.outstanding
        months.append(month)
    return tuple(months)


def _number(day: date) -> int:
    return 12 * day.year + day.month - 1


def _day(number: int) -> date:
    return date(number // 12, number % 12 + 1, 1)
