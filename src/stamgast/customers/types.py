"""What crosses the door of customers: sightings that come in, and profiles that go out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one activity says about who did it.

    ``identifiers`` are normalised ``kind:value`` texts with the anchor first. ``is_explicit`` marks an alias: somebody
    said that two ids are one person; ``is_reissue`` that one card replaces another. ``traits`` are what the activity tells
    about its anchor.
    """

    activity_id: UUID
    occurred_at: datetime
    received_at: datetime
    identifiers: Sequence[str]
    source: str
    is_explicit: bool = False
    traits: Mapping[str, object] = field(default_factory=dict)
    is_reissue: bool = False


@dataclass(frozen=True, slots=True)
class Resolution:
    """Whose the activities are. ``moved`` are customers that lost or gained identifiers which had a customer before.

    ``merged`` says of customers that are no more whose part they became; ``separated`` are pairs of a customer that goes on
    and one that took identifiers from it. ``born`` are customers of before of whom another month of birth is known now.
    """

    customers: Mapping[UUID, UUID]
    moved: frozenset[UUID]
    created: frozenset[UUID]
    merged: Mapping[UUID, UUID] = field(default_factory=dict)
    separated: frozenset[tuple[UUID, UUID]] = frozenset()
    born: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Evidence:
    """That two identifiers came in together, with the earliest activity that says so. ``first_id`` was its anchor."""

    first_id: UUID
    second_id: UUID
    first_at: datetime
    activity_id: UUID
    is_explicit: bool = False


@dataclass(frozen=True, slots=True)
class IdentityRules:
    """What evidence may join. ``limits``: how many of a kind one customer may collect. ``priorities``: which kind is the
    anchor, lower is stronger. ``blocked``: values that point at nobody, ``*`` for anything. ``shared_sources``: tills and
    tablets, whose activities never link identifiers. ``alarm_above``: a customer with more identifiers is suspicious.
    Version 0 are those of the program."""

    limits: Mapping[str, int]
    priorities: Mapping[str, int] = field(default_factory=dict)
    blocked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shared_sources: frozenset[str] = frozenset()
    alarm_above: int = 50
    version: int = 0


@dataclass(frozen=True, slots=True)
class RulesVersion:
    """Rules as somebody set them. ``applied_at`` is when the customers of before followed; None: they still have to."""

    rules: IdentityRules
    made_at: datetime
    actor: str
    reason: str
    applied_at: datetime | None


@dataclass(frozen=True, slots=True)
class HouseholdStay:
    """That a customer was in a household from a moment to a moment; None: still is. Who or which source said so, and why."""

    household: str
    customer_id: UUID
    began_at: datetime
    ended_at: datetime | None
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """That a person said of two identifiers whether they are one customer's. ``one_id`` is the smaller.

    It is never edited: it holds until it is withdrawn, or until a later one about the same two.
    """

    id: UUID
    one_id: UUID
    other_id: UUID
    is_same: bool
    made_at: datetime
    actor: str
    reason: str
    withdrawn_at: datetime | None = None
    withdrawn_by: str = ""
    withdrawn_reason: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a judgement, or its withdrawal, changed. ``before`` and ``after`` say whose its two identifiers were and are.

    ``moved``, ``merged`` and ``separated`` are as in a ``Resolution``.
    """

    judgement: Judgement
    before: tuple[UUID, UUID]
    after: tuple[UUID, UUID]
    moved: frozenset[UUID]
    merged: Mapping[UUID, UUID]
    separated: frozenset[tuple[UUID, UUID]]


@dataclass(frozen=True, slots=True)
class Identifier:
    """One identifier and the customer that it points at now; None while it points at nobody yet."""

    id: UUID
    kind: str
    value: str
    first_at: datetime
    customer_id: UUID | None = None


class LinkReason(StrEnum):
    """Why a link began."""

    FIRST_SEEN = "first_seen"
    JOINED = "joined"
    SEPARATED = "separated"


class Trace(NamedTuple):
    """The customer that an identifier points at, and those that it pointed at before."""

    customer: UUID
    former: frozenset[UUID]


class Reference(NamedTuple):
    """How somebody is named: by an identifier or by our own id, and by neither where what was written names nobody."""

    identifier: UUID | None
    customer: UUID | None


@dataclass(frozen=True, slots=True)
class Customer:
    """One person, known or half known."""

    id: UUID
    created_at: datetime
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class CustomerSummary:
    """One line of a list of customers. ``identifier`` is the strongest that the customer has, ``identifiers`` are all of them,
    the strongest first.
    """

    id: UUID
    name: str | None
    email: str | None
    identifier: str
    identifiers: Sequence[Identifier]
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class LinkedIdentifier:
    """An identifier of a profile."""

    id: UUID
    kind: str
    value: str
    first_at: datetime
    linked_since: datetime


@dataclass(frozen=True, slots=True)
class Trait:
    """The latest value of a trait over all identifiers of a customer, and where it came from."""

    name: str
    value: object
    source: str
    occurred_at: datetime
    activity_id: UUID


@dataclass(frozen=True, slots=True)
class TraitValue:
    """A value that a source told of a trait, from when to when. ``holds`` is whether it is the one that the profile shows."""

    name: str
    value: object
    source: str
    first_at: datetime
    last_at: datetime
    holds: bool


@dataclass(frozen=True, slots=True)
class Profile:
    """One customer over all sources."""

    customer: Customer
    identifiers: Sequence[LinkedIdentifier]
    traits: Sequence[Trait]


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """That an identifier pointed at a customer from a moment to a moment; None: it still does.

    ``cause`` is the activity that made the link, or the judgement: then ``judgement`` is that.
    """

    id: int
    kind: str
    value: str
    customer_id: UUID
    began_at: datetime
    ended_at: datetime | None
    cause: UUID | None
    actor: str
    reason: str
    judgement: Judgement | None = None


@dataclass(frozen=True, slots=True)
class JudgementRecord:
    """A judgement about one of a customer's identifiers, ``ours``, and whose the other one is now."""

    judgement: Judgement
    is_in_force: bool
    ours: Identifier
    theirs: Identifier


@dataclass(frozen=True, slots=True)
class Swallowing:
    """How many customers had more identifiers than ``above`` when it was counted, and the largest of them with how many."""

    counted_at: datetime
    above: int
    total: int
    largest: Sequence[tuple[UUID, int]]
