"""The summary: what the lake says about buying, worked out once, in files that a page can read in tens of milliseconds.

Four tables: ``purchases`` with their neighbours in the order of days, ``days`` that count them, ``buyers``, and ``stays`` of
segments. Customers have numbers in it, which hold for one summary only; ``buyers`` tells whose they are.
The worker makes a new one after an export, and no more often than makes it busy for a twentieth of its time; a page says how
old it is.
"""

import fcntl
import shutil
import threading
from collections import OrderedDict
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
import msgspec
from django.conf import settings

from stamgast.insights.neighbours import buyers_of, by_days, with_neighbours
from stamgast.insights.orders import check_zone, orders_in_zone, orders_of
from stamgast.lake.errors import LakeNotThere
from stamgast.lake.manifest import get_manifest, write_whole
from stamgast.lake.reading import keep, open_lake

CURRENT = "current.json"
SHAPE = 2
"""Rises when the columns change, so that what an older version wrote is not read."""
KEPT = timedelta(hours=1)
REST = 20
"""A summary that took a second is not made again within this many seconds."""
ROW_GROUP = 122_880
TABLES = ("purchases", "days", "buyers", "stays")


class Summary(msgspec.Struct, frozen=True):
    """Which summary is in force: of which state of the lake, for which shop, and in which folder."""

    shape: int
    lake: str
    zone: str
    currency: str
    version: str
    measured_at: datetime
    built_at: datetime
    seconds: float
    first_day: date | None

    @property
    def last_whole_day(self) -> date:
        """The last day of the shop that had ended when the lake was brought up to date."""
        return self.measured_at.astimezone(ZoneInfo(self.zone)).date() - timedelta(days=1)


def summary_folder() -> Path:
    """Where the summary is: in the data folder, beside the lake."""
    return Path(settings.CONFIGURATION.data) / "insights"


def find_summary(folder: Path, *, zone: str, currency: str) -> Summary | None:
    """The summary in force for this shop, or None."""
    try:
        found = msgspec.json.decode((folder / CURRENT).read_bytes(), type=Summary)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    return found if (found.shape, found.zone, found.currency) == (SHAPE, zone, currency) else None


def summarise(lake: Path, folder: Path, *, zone: str, currency: str, at: datetime, rest: int = REST) -> Summary:
    """Makes a summary of the lake unless the one in force is of this state, or too young. Raises LakeNotThere.

    One process at a time; killed anywhere it leaves the old one in force. Files that no longer count stay an hour, for
    those who read them.
    """
    check_zone(zone)
    manifest = get_manifest(lake)
    if manifest.exported_at is None:
        raise LakeNotThere("Nothing has been exported to the lake yet. The worker does it every minute once it runs.")
    state = f"{manifest.begun_at.isoformat()}/{manifest.version}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "summary.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = find_summary(folder, zone=zone, currency=currency)
        if found is not None:
            is_young = at < found.built_at + timedelta(seconds=found.seconds * rest)
            if is_young and found.lake != state:
                return found
            if found.lake == state:
                if found.measured_at < manifest.exported_at:  # nothing new came in, and that is known now
                    found = msgspec.structs.replace(found, measured_at=manifest.exported_at)
                    write_whole(folder / CURRENT, msgspec.json.encode(found))
                return found
        version = f"{at:%Y%m%dT%H%M%S%f}"
        began = datetime.now(at.tzinfo)
        target = folder / version
        scratch = folder / f"{version}.scratch"
        try:
            first_day = _write(lake, target, scratch, zone, currency)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        seconds = (datetime.now(at.tzinfo) - began).total_seconds()
        made = Summary(SHAPE, state, zone, currency, version, manifest.exported_at, at, seconds, first_day)
        write_whole(folder / CURRENT, msgspec.json.encode(made))
        _remove_old(folder, made, at)
        return made


def _write(lake: Path, target: Path, scratch: Path, zone: str, currency: str) -> date | None:
    """Writes the tables; gives the day of the first purchase."""
    target.mkdir(parents=True)
    tables = open_lake(lake, scratch=scratch)
    links = keep(_numbered(tables["links"]), "numbered")
    orders = orders_in_zone(orders_of(tables["activities"], links.select("anchor_id", customer_id="number")), zone)
    bought = with_neighbours(keep(orders, "orders"))
    bought = keep(bought.mutate(amount_minor=_whole(bought.amount_minor)), "bought")
    people = links.select("number", "customer_id").distinct()
    buyers = buyers_of(bought, currency)
    buyers = buyers.mutate(revenue_minor=_whole(buyers.revenue_minor))
    buyers = buyers.join(people, buyers.customer_id == people.number, rname="person_{name}")
    named = buyers.select("customer_id", "first_on", "last_on", "orders", "revenue_minor", customer=buyers.person_customer_id)
    stays = tables["stays"].join(people, "customer_id").select("segment", "entered_at", "left_at", customer_id=people.number)
    _put(bought.order_by("ordered_on", "customer_id"), target / "purchases.parquet")
    _put(by_days(bought).order_by("ordered_on", "previous_on"), target / "days.parquet")
    _put(named.order_by("customer_id"), target / "buyers.parquet")
    _put(stays.order_by("segment", "customer_id"), target / "stays.parquet")
    first: date | None = bought.ordered_on.min().to_pyarrow().as_py()
    return first


def _numbered(links: ir.Table) -> ir.Table:
    """The links with a number a customer, by which millions of rows are grouped in half the time that texts take."""
    number = ibis.dense_rank().over(order_by=links.customer_id) + 1
    return links.select("anchor_id", "customer_id", number=number.cast("int32"))


def _whole(minor: ir.Value) -> ir.Value:
    """Sums are wider than 64 bits in DuckDB, and what is wider would be a fraction in Parquet. Ibis leaves out a cast to the
    type that it supposes a sum to have, hence the way round."""
    return minor.cast("decimal(38, 0)").cast("int64")


def _put(table: ir.Table, file: Path) -> None:
    """One Parquet file, in row groups small enough to be left out by their days."""
    table.to_parquet(file, compression="snappy", row_group_size=ROW_GROUP)


def _remove_old(folder: Path, made: Summary, at: datetime) -> None:
    for path in folder.iterdir():
        is_old = path.name[:15] < f"{at - KEPT:%Y%m%dT%H%M%S}"
        if path.is_dir() and (path.suffix == ".scratch" or is_old) and path.name != made.version:
            shutil.rmtree(path, ignore_errors=True)


class OpenSummary:
    """The tables of one summary on a DuckDB of their own, and what was asked of them before. One question at a time."""

    def __init__(self, folder: Path, summary: Summary) -> None:
        self.summary = summary
        self.folder = folder / summary.version
        self.kept: OrderedDict[str, Any] = OrderedDict()
        self._one_at_a_time = threading.Lock()
        self._connection = ibis.duckdb.connect()
        self._connection.raw_sql(
            "SET TimeZone = 'UTC'; SET autoinstall_known_extensions = false; SET enable_progress_bar = false"
        )
        self.tables: Mapping[str, ir.Table] = {
            name: self._connection.read_parquet(str(self.folder / f"{name}.parquet"), table_name=name) for name in TABLES
        }

    def ask(self, measure: ir.Table) -> list[dict[str, Any]]:
        """The rows of an expression over the tables."""
        with self._one_at_a_time:
            rows: list[dict[str, Any]] = measure.to_pyarrow().to_pylist()
            return rows


_opening = threading.Lock()
_opened: dict[Path, OpenSummary] = {}


def open_summary(lake: Path, folder: Path, *, zone: str, currency: str, at: datetime) -> OpenSummary:
    """The summary in force, opened once a process; made here and now where there is none. Raises LakeNotThere."""
    summary = find_summary(folder, zone=zone, currency=currency) or summarise(lake, folder, zone=zone, currency=currency, at=at)
    with _opening:
        opened = _opened.get(folder)
        if opened is None or opened.summary.version != summary.version:
            opened = _opened[folder] = OpenSummary(folder, summary)
        opened.summary = summary
        return opened
