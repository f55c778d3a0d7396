"""What crosses the door of erasure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

ERASED = "erased"
"""The kind of the identifier that an erased customer keeps: random, so that it points at nobody outside."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """The receipt: when, by whom, and how much of what was removed. It says nothing about who it was.

    ``lake_cleaned_at`` is None until the lake's files were rewritten, which the next export does. From ``lifted_at`` on who
    comes in with the same identifiers is a new customer.
    """

    id: UUID
    customer_id: UUID
    anchor_id: UUID
    at: datetime
    actor: str
    reason: str
    removed: Mapping[str, int]
    lake_cleaned_at: datetime | None = None
    lifted_at: datetime | None = None
    lifted_by: str | None = None
    lift_reason: str | None = None

    @property
    def identifier(self) -> str:
        """What the activities of the erased customer carry from now on."""
        return f"{ERASED}:{self.id.hex}"
