"""From the parts that DuckDB hands over, message by message, to the bytes that the room's reader reads. Pure.

Nothing is decided here about what an activity is; only that a moment can be read, and lies in the past.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from stamgast.activities.importers.mapping import Mapping, Timestamp
from stamgast.activities.messages import Reader
from stamgast.activities.types import NewActivity, Source
from stamgast.kit.ids import derive_id

IDENTIFY = "identify"
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row of the file that became nothing, by its number among the rows, and why."""

    row_number: int
    reason: str


@dataclass(slots=True)
class Parts:
    """What one message is made of: the rows of one order, or one row. ``problems`` has one text or None for each row."""

    first_row: int
    row_numbers: list[int]
    lines: list[int]
    problems: list[str | None]
    products: list[str | None]
    key: str | None
    stamp: str | None
    kind: str | None
    who: str
    context: str
    properties: str
    traits: str


def parts_of(batches: Iterable[pa.RecordBatch]) -> Iterator[Parts]:
    """The parts of each message, from rows in the order of ``grouping.build_query``; an order may span batches."""
    current: Parts | None = None
    for batch in batches:
        first_rows = batch.column("first_row").to_numpy()
        starts = np.flatnonzero(np.diff(first_rows, prepend=-1 if current is None else current.first_row)).tolist()
        columns = {name: batch.column(name).to_pylist() for name in ("row_number", "line", "problem", "product")}
        heads = batch.take(pa.array(starts, pa.int64()))
        if current is not None and (not starts or starts[0] > 0):
            _extend(current, columns, 0, starts[0] if starts else len(batch))
        names = ("first_row", "key", "stamp", "kind", "who", "context", "properties", "traits")
        ends = [*starts[1:], len(batch)][: len(starts)]
        for start, end, *head in zip(starts, ends, *(heads.column(name).to_pylist() for name in names), strict=True):
            if current is not None:
                yield current
            first_row, *texts = head
            current = Parts(first_row, [], [], [], [], *texts)
            _extend(current, columns, start, end)
    if current is not None:
        yield current


def _extend(parts: Parts, columns: dict[str, list[Any]], start: int, end: int) -> None:
    parts.row_numbers += columns["row_number"][start:end]
    parts.lines += columns["line"][start:end]
    parts.problems += columns["problem"][start:end]
    parts.products += columns["product"][start:end]


class Writer:
    """Writes messages by one mapping for one source, and has them read by the room's reader."""

    def __init__(self, mapping: Mapping, source: Source, reader: Reader) -> None:
        self._mapping = mapping
        self._source = source
        self._reader = reader

    def write(self, parts: Parts, *, at: datetime) -> NewActivity | list[RejectedRow]:
        """The activity that the parts make, or all of their rows, rejected."""
        if any(parts.problems):
            return _rejects(parts)
        try:
            moment = read_moment(parts.stamp, self._mapping.timestamp, at=at)
        except ValueError as error:
            return [RejectedRow(row, str(error)) for row in parts.row_numbers]
        kind = self._mapping.kind or parts.kind or ""
        if not kind:
            name = self._mapping.kinds[0].column
            return [RejectedRow(row, f"{name} is empty") for row in parts.row_numbers]
        message_id = derive_id("import", kind, parts.key or "").hex
        read = self._reader.read_message(
            self._body(parts, kind, message_id, moment).encode(), source=self._source, received_at=at, fallback_id=message_id
        )
        if isinstance(read, NewActivity):
            return read
        return [RejectedRow(row, read.detail) for row in parts.row_numbers]

    def _body(self, parts: Parts, kind: str, message_id: str, moment: datetime) -> str:
        is_identify = kind == IDENTIFY
        event = "" if is_identify else f',"event":{_json(kind)}'
        stamp = moment.isoformat(timespec="microseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")
        context = f'"externalIds":[{parts.context}]' if parts.context else ""
        traits = parts.traits
        if traits and not is_identify:
            context += f'{"," if context else ""}"traits":{{{traits}}}'
            traits = ""
        properties = parts.properties
        if parts.products[0] is not None:
            lines = ",".join([f"{{{product}}}" for product in parts.products])
            properties += f'{"," if properties else ""}"products":[{lines}]'
        return (
            f'{{"type":"{IDENTIFY if is_identify else "track"}"{event},"messageId":"{message_id}","timestamp":"{stamp}"'
            + (f",{parts.who}" if parts.who else "")
            + (f',"context":{{{context}}}' if context else "")
            + (f',"traits":{{{traits}}}' if traits else "")
            + (f',"properties":{{{properties}}}' if properties else "")
            + "}"
        )


def parse_stamp(text: str, form: str | None) -> datetime:
    """A stamp in this form, or in ISO 8601; raises ValueError."""
    return datetime.strptime(text, form) if form else datetime.fromisoformat(text)  # noqa: DTZ007  the zone comes after


def read_moment(text: str | None, timestamp: Timestamp, *, at: datetime) -> datetime:
    """The moment in UTC that a stamp says; raises ValueError with the reason. A stamp without an offset is of the zone."""
    name = " and ".join(timestamp.columns)
    if not text:
        raise ValueError(f"{name} is empty")
    try:
        moment = parse_stamp(text, timestamp.format)
    except ValueError:
        wanted = "ISO 8601, such as 2026-03-01 12:00:00" if timestamp.format is None else timestamp.format
        raise ValueError(f"{name}: {text[:40]} is not a moment in the form {wanted}") from None
    try:
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=timestamp.zone)).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{name}: {text[:40]} is not a moment that a clock can show") from None
    if moment > at:
        raise ValueError(f"{name}: {text[:40]} lies in the future")
    if moment < EARLIEST:
        raise ValueError(f"{name}: {text[:40]} is before 1970")
    return moment


def _rejects(parts: Parts) -> list[RejectedRow]:
    at_fault = next(number for number, problem in enumerate(parts.problems) if problem)
    elsewhere = f"line {parts.lines[at_fault]} of the same order is refused"
    return [RejectedRow(row, problem or elsewhere) for row, problem in zip(parts.row_numbers, parts.problems, strict=True)]


def _json(text: str) -> str:
    return msgspec.json.encode(text).decode()
