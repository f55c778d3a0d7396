"""What the linter says: findings, and what it took for granted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How bad it is: cannot be meant, is likely not meant, or is good to know."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found. ``code`` is stable; ``values`` are what its sentence needs, in no language."""

    level: Level
    code: str
    line: int
    path: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Lint:
    """All findings, in the order of the lines. ``worths`` is what one unit of a currency was taken to be worth, in money."""

    findings: tuple[Finding, ...]
    worths: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def has_errors(self) -> bool:
        """Whether something cannot be meant."""
        return any(finding.level is Level.ERROR for finding in self.findings)
