"""What a pocket is made of beside its lots, what leaves it, and how it refuses. Pure."""

from dataclasses import dataclass
from typing import NamedTuple

from stamgast.ledger.acts import HoldState
from stamgast.ledger.types import MovementKind


class Refused(Exception):
    """Why an act is not done: the code of an error, and a sentence for who asked."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


class Move(NamedTuple):
    """One movement of a lot. ``act`` is the act that it belongs to, None for what time does."""

    lot: bytes
    kind: MovementKind
    amount: int
    effective_at: int
    act: bytes | None
    reason: str
    reference: str
    revision: int
    is_again: bool = False


@dataclass(slots=True)
class Held:
    """A hold, as it stands."""

    amount: int
    captured: int
    ends_at: int
    state: HoldState = HoldState.OPEN
    ended_at: int | None = None


@dataclass(slots=True)
class Used:
    """What one spend or hold has of one lot."""

    held: int = 0
    used: int = 0
