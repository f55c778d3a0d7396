"""``load`` and ``replay`` for who has documents and activities in files, and no shop: no Django, no database, no settings.

Activities have the columns of ``types.ACTIVITIES``, of which ``customer_id``, ``activity_id``, ``occurred_at`` and ``kind``
have to be there. Ids are text, whole numbers, UUIDs or 16 bytes, and come back as they came. Rows may be in any order.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import tee
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:  # what takes a second to load is loaded by who calls
    import pyarrow as pa

    from stamgast.programmes.programme import Programme

Source: TypeAlias = Any
"""An Arrow table, a frame of pandas or Polars or anything else that speaks Arrow, a Parquet file, or a folder of them."""
BEGINNING = datetime.fromisoformat("1900-01-01T00:00:00+00:00")
"""From when a document without a moment holds: that of the earliest activity that can be given."""


def load(document: str | Path | Mapping[datetime, str | Path]) -> "Programme":
    """The programme of a document: its text, or the file that it is in. Of several versions, each by the moment from which it
    is in force. Raises InvalidProgramme with the line of each problem, and OSError for a file that cannot be read."""
    from hashlib import sha256

    from stamgast.programmes.documents import load as load_document
    from stamgast.programmes.errors import InvalidProgramme
    from stamgast.programmes.programme import compile_programme
    from stamgast.programmes.types import Version

    versions: list[Version] = []
    several = document if isinstance(document, Mapping) else {BEGINNING: document}
    if not all(isinstance(moment, datetime) and moment.tzinfo is not None for moment in several):
        raise InvalidProgramme("Each version is in force from a moment with a time zone: datetime(2026, 1, 1, tzinfo=UTC).")
    for number, moment in enumerate(sorted(several), 1):
        text = _text_of(several[moment])
        digest = sha256(text.encode()).hexdigest()
        name = load_document(text).programme
        if versions and name != versions[0].programme:
            raise InvalidProgramme(f"Versions have one name, and here are {versions[0].programme!r} and {name!r}.")
        versions.append(Version(name, number, text, digest, moment.astimezone(UTC), moment.astimezone(UTC), "", ""))
    return compile_programme(versions)


def _text_of(document: str | Path) -> str:
    if isinstance(document, str):
        begin = document.lstrip()[:1]
        if "\n" in document or begin in ("", "{"):  # JSON may stand on one line, and nothing is no path
            return document
    from stamgast.programmes.reading import read_file

    return read_file(Path(document))


def replay(
    programme: "Programme",
    activities: Source,
    *,
    report: Callable[[int, int], None] = lambda done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator["pa.Table"]:
    """What the activities are worth, a table at a time: the columns of ``types.DECISIONS``, with the ids that came in.

    Customers come whole, some hundred thousand activities at a time, so that memory stays bounded however many there are; what
    is sorted goes to disk where it has to. Each row is what one rule gave of one currency for one activity; what gave nothing
    has none.
    ``report(done, total)`` is told of activities; after ``should_stop`` says so, no more tables come.
    Raises InvalidActivities.
    """
    from stamgast.programmes.deciding import decide_parts
    from stamgast.programmes.sources import open_source

    with open_source(activities) as source:
        done = 0
        report(done, source.count)
        parts, ahead = tee(source.parts())  # the parts that are being decided are read ahead
        decided = decide_parts(programme, (part.table for part in ahead))
        for part, decisions in zip(parts, decided, strict=True):
            if should_stop():
                return
            yield part.named(decisions.table)
            done += part.table.num_rows
            report(done, source.count)
