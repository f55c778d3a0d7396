"""What crosses the door: an upload and where it stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class State(StrEnum):
    """Where an upload stands. Running is also what waits for a worker to begin, or to go on after another died."""

    UPLOADED = "uploaded"
    READY = "ready"
    RUNNING = "running"
    STOPPED = "stopped"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a source. Counts are of rows and activities over all runs; ``rows_total`` is None until it was read."""

    id: UUID
    source_id: int
    source: str
    name: str
    size_bytes: int
    sha256: bytes
    is_parquet: bool
    choices: str
    mapping: str | None
    state: State
    rows_done: int
    rows_total: int | None
    rows_refused: int
    activities_new: int
    activities_repeated: int
    was_known: bool
    reasons: Mapping[str, int]
    problem: Mapping[str, Any] | None
    uploaded_at: datetime
    uploaded_by: str
    started_by: str | None
    begun_at: datetime | None
    rows_before: int
    beat_at: datetime | None
    ended_at: datetime | None
    removed_at: datetime | None
    claim: UUID | None
