"""What is exported, and what an export or a check has to say."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Log:
    """Rows that are only ever added, copied once each, to files by month.

    ``query`` is SQL with the columns to keep and two placeholders, ``{low}`` and ``{high}``: it gives the rows whose place
    in the order of storing is at least low and below high, and that must be all of them, committed, for ever.
    ``limit`` is SQL for the place up to which this holds now. ``month_of`` is a column with a moment, ``key`` one without
    repeats, and ``sums`` are whole-number columns that a check adds up. Uuids are given as text, for every reader's sake.
    """

    name: str
    query: str
    limit: str
    month_of: str
    key: str
    sums: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Rows that change, few enough to be written again each time. ``query`` orders them, so that no change is no change."""

    name: str
    query: str


@dataclass(frozen=True, slots=True)
class Exported:
    """What one export did. ``version`` is that of the manifest in force; it rises only when something changed."""

    version: int
    rows: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """That a month of the lake is not what PostgreSQL holds. ``what`` is rows, keys, or the column that was added up."""

    dataset: str
    month: str
    what: str
    in_lake: int
    in_database: int

    def __str__(self) -> str:
        return f"{self.dataset} {self.month}: {self.what} {self.in_lake:,} in the lake, {self.in_database:,} in PostgreSQL"
