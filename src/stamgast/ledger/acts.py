"""What people and programs ask of the ledger, and what they get for an answer. An act is done once for each owner and key."""

from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from enum import IntEnum
from hashlib import blake2b
from typing import ClassVar
from uuid import UUID

from stamgast.kit.ids import derive_id_in_bucket_of
from stamgast.ledger.types import Change


class ActKind(IntEnum):
    """What was asked. The numbers are stored: they never change meaning."""

    SPEND = 1
    HOLD = 2
    CAPTURE = 3
    RELEASE = 4
    REVERSE = 5
    ADJUST = 6
    TRANSFER = 7
    DONATE = 8
    REDEEM = 9
    ISSUE = 10


class HoldState(IntEnum):
    """What became of a hold. The numbers are stored."""

    OPEN = 1
    CAPTURED = 2
    RELEASED = 3
    OVER = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What every act says: whose it is, its key, why, and when it happened.

    ``anchor_id`` is an identifier of the owner; its link says whose the act is after customers merged or came apart.
    """

    kind: ClassVar[ActKind]
    follows: ClassVar[tuple[str, ...]] = ()  # what follows from when it happened, and is no part of what is asked
    owner_id: UUID
    key: str
    reason: str
    occurred_at: datetime
    anchor_id: UUID | None = None
    id: UUID = field(init=False)
    """The same owner and key are the same act."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", act_id_of(self.owner_id, self.key))

    @property
    def content(self) -> bytes:
        """A digest of what is asked. When it happened is no part of it: who asks again says the same, later."""
        said = [f"{name}={getattr(self, name)}" for name in _SAID[self.kind]]
        return blake2b("\x1f".join([self.kind.name, *said]).encode(), digest_size=16).digest()


def act_id_of(owner: UUID, key: str) -> UUID:
    """The id of the act of an owner with this key."""
    return derive_id_in_bucket_of(owner, "act", key)


UNSAID = ("id", "owner_id", "key", "occurred_at", "anchor_id", "receiver_anchor_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend(Act):
    """Uses up an amount, from the lots that expire soonest."""

    kind = ActKind.SPEND
    currency: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold(Act):
    """Sets an amount aside for a while, from the lots that expire soonest. What is held does not expire."""

    kind = ActKind.HOLD
    currency: str
    amount: int
    lasts: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture(Act):
    """Spends what a hold set aside, or ``amount`` of it; the rest is released. Ends the hold."""

    kind = ActKind.CAPTURE
    hold_id: UUID
    amount: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(Act):
    """Makes what a hold set aside available again. Ends the hold."""

    kind = ActKind.RELEASE
    hold_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverse(Act):
    """Gives back a spend or a captured hold, or ``amount`` of it: the same lots, what was taken last first.

    A lot that has expired meanwhile expires at once, or, where there is a ``grace``, that long after this.
    """

    kind = ActKind.REVERSE
    spend_id: UUID
    amount: int | None = None
    grace: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjust(Act):
    """Somebody puts a balance right: up, as a lot of its own, or down (an amount below zero), as a spend takes it."""

    kind = ActKind.ADJUST
    currency: str
    amount: int
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Act):
    """Moves an amount to another owner. What is moved expires when it would have."""

    kind = ActKind.TRANSFER
    currency: str
    amount: int
    receiver_id: UUID
    receiver_anchor_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Donate(Act):
    """Gives an amount to a charity. The id of the act is the receipt."""

    kind = ActKind.DONATE
    currency: str
    amount: int
    charity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeem(Act):
    """Spends an amount at a partner, who is owed for it."""

    kind = ActKind.REDEEM
    currency: str
    amount: int
    partner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue(Act):
    """A partner gives an amount, and owes for it. When it expires follows from the programme."""

    kind = ActKind.ISSUE
    follows = ("expires_at",)
    currency: str
    amount: int
    partner: str
    expires_at: datetime | None = None


_SAID = {
    kind.kind: sorted(one.name for one in fields(kind) if one.name not in UNSAID and one.name not in kind.follows)
    for kind in (Spend, Hold, Capture, Release, Reverse, Adjust, Transfer, Donate, Redeem, Issue)
}
"""The fields that say what is asked, for each kind of act."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to an act, the same however often it is asked. ``refusal`` is the code of an error; empty when it was done."""

    act_id: UUID
    kind: ActKind
    currency: str
    amount: int
    available: int
    refusal: str = ""
    sentence: str = ""
    is_repeat: bool = False


@dataclass(frozen=True, slots=True)
class Performed:
    """What one call did: an outcome for each act, in their order, and what changed in what owners have available."""

    outcomes: list[Outcome]
    changes: list[Change]
    movements: int
