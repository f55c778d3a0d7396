"""What a question is, and how it is put to the summary: for which days, which segment, compared with what."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
import msgspec
import pyarrow as pa
from django.conf import settings

from stamgast.flows.export_lake import lake_folder
from stamgast.flows.measure import Figure
from stamgast.flows.summarise import OpenSummary, open_summary, summary_folder
from stamgast.insights.change import change
from stamgast.insights.neighbours import members_at
from stamgast.insights.types import Period
from stamgast.lake.manifest import write_whole

Answer = TypeVar("Answer")
MOST_KEPT = 500
ANSWERS = 1
"""Rises when an answer gets other fields or another meaning, so that what an older version left is not read."""


@dataclass(frozen=True, slots=True)
class Question:
    """Which days, and which customers: those who were in the segment when the period ended, or all of them."""

    period: Period
    segment: str | None = None


class Insights:
    """An open summary, to be asked. The customers of a segment are the same in the period before and in all earlier ones."""

    def __init__(self, opened: OpenSummary, *, is_kept_for_all: bool = False) -> None:
        self._opened = opened
        self._is_kept_for_all = is_kept_for_all
        self.summary = opened.summary

    @property
    def buyers(self) -> ir.Table:
        """One row a customer who ever bought."""
        return self._opened.tables["buyers"]

    def purchases(self, question: Question) -> ir.Table:
        """The purchases of the customers that the question is about, of all time."""
        bought = self._opened.tables["purchases"]
        if question.segment is None:
            return bought
        members = members_at(self._opened.tables["stays"], question.segment, self.end_of(question.period))
        return bought.semi_join(members, "customer_id")

    def days(self, question: Question) -> ir.Table:
        """The same, counted by day and the day before: kept for all customers, row by row for those of a segment."""
        if question.segment is None:
            return self._opened.tables["days"]
        return self.purchases(question).mutate(purchases=ibis.literal(1, type="int64"))

    def knows(self, period: Period) -> bool:
        """Whether all of the period lies in what was stored: what began before cannot be compared with."""
        return self.summary.first_day is not None and period.first_day >= self.summary.first_day

    def end_of(self, period: Period) -> datetime:
        """The midnight that ends the period in the shop."""
        day = period.last_day + timedelta(days=1)
        return datetime.combine(day, time(), ZoneInfo(self.summary.zone)).astimezone(ZoneInfo("UTC"))

    def ask(self, measure: ir.Table) -> list[dict[str, Any]]:
        """The rows of an expression over the tables."""
        return self._opened.ask(measure)

    def once(self, shape: type[Answer], key: tuple[Any, ...], make: Callable[[], Answer]) -> Answer:
        """What was found before for this key, in this process or by the worker, or what is found now.

        A summary never changes, so what it answered holds as long as it does.
        """
        kept = self._opened.kept
        state = f"{ANSWERS}|{self.summary.last_whole_day}|{shape.__name__}|{key!r}"
        file = self._opened.folder / "answers" / f"{blake2b(state.encode(), digest_size=16).hexdigest()}.json"
        answer: Answer | None = kept.get(state) or _find_answer(file, shape)
        if answer is None:
            answer = make()
        if self._is_kept_for_all and not file.exists():
            write_whole(file, msgspec.json.encode(answer))
        return self.remember(state, lambda: answer)

    def remember(self, key: str, make: Callable[[], Answer]) -> Answer:
        """What was made for this key before, in this process and of this summary, or what is made now."""
        kept = self._opened.kept
        if key not in kept:
            made = make()
            if len(kept) >= MOST_KEPT:
                kept.popitem(last=False)
            kept[key] = made
        found: Answer = kept[key]
        return found


def _find_answer(file: Path, shape: type[Answer]) -> Answer | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=shape)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def open_insights(*, at: datetime, is_kept_for_all: bool = False) -> Insights:
    """The insights of this shop. Raises LakeNotThere before the first export.

    ``is_kept_for_all``: what is found is left on the disk for every web process.
    """
    configuration = settings.CONFIGURATION
    zone, currency = configuration.timezone, configuration.currency
    return Insights(
        open_summary(lake_folder(), summary_folder(), zone=zone, currency=currency, at=at), is_kept_for_all=is_kept_for_all
    )


def figures(now: Mapping[str, Mapping[str, Any]], before: Mapping[str, Mapping[str, Any]]) -> dict[str, Figure]:
    """Each measure by name beside the same of the period before, from rows with value, low and high."""
    found = change(_named(now), _named(before), by="name").to_pyarrow().to_pylist()
    return {row.pop("name"): msgspec.convert(row, Figure) for row in found}


def _named(rows: Mapping[str, Mapping[str, Any]]) -> ir.Table:
    columns = {name: pa.array([row[name] for row in rows.values()], pa.float64()) for name in ("value", "low", "high")}
    return ibis.memtable(pa.table({"name": pa.array(list(rows), pa.string()), **columns}))
