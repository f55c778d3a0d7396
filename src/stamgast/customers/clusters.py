"""Who is one customer, given the evidence and the judgements. Pure: no clock, no database.

``docs/algorithms/identity.md`` has the rules in words. What identifiers are worth is in ``rules``; how the answer is kept up
to date without looking at everything is in ``operations``.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from stamgast.customers.types import Evidence, Judgement

Pair = tuple[UUID, UUID]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The judgements in force: ``same`` the earliest made first, ``different`` in no order."""

    same: Sequence[Pair]
    different: Collection[Pair]


def in_force(judgements: Iterable[Judgement]) -> dict[Pair, Judgement]:
    """Of each pair the latest judgement that is not withdrawn, so that withdrawing it brings back the one before."""
    latest: dict[Pair, Judgement] = {}
    for one in judgements:
        pair = (one.one_id, one.other_id)
        known = latest.get(pair)
        if one.withdrawn_at is None and (known is None or (known.made_at, known.id) < (one.made_at, one.id)):
            latest[pair] = one
    return latest


def verdicts_of(judgements: Iterable[Judgement]) -> Verdicts:
    """What the judgements in force say."""
    latest = in_force(judgements)
    same = sorted((one for one in latest.values() if one.is_same), key=lambda one: (one.made_at, one.id))
    return Verdicts([(one.one_id, one.other_id) for one in same], {pair for pair, one in latest.items() if not one.is_same})


def cluster(
    evidence: Iterable[Evidence], kinds: Mapping[UUID, str], limits: Mapping[str, int], different: Collection[Pair] = ()
) -> list[list[UUID]]:
    """Which identifiers the evidence makes one, whatever order it came in. Judgements of sameness come after: ``join``.

    ``kinds`` names every identifier to place. Explicit evidence joins first; the rest joins in the order in which it
    happened, except where both sides already hold a limited kind and would be above its limit together. Nothing joins
    what is said to be ``different``.
    """
    parent: dict[UUID, UUID] = {}
    members: dict[UUID, list[UUID]] = {}
    counts: dict[UUID, dict[str, int]] = {identifier: {kind: 1} for identifier, kind in kinds.items() if kind in limits}
    foes = _foes(different)

    def root_of(identifier: UUID) -> UUID:
        root = identifier
        while (above := parent.get(root)) is not None:
            root = above
        while identifier != root:
            parent[identifier], identifier = root, parent[identifier]
        return root

    for edge in sorted(evidence, key=_canonical_order):
        one, other = root_of(edge.first_id), root_of(edge.second_id)
        if one == other or (not edge.is_explicit and _is_above(counts.get(one), counts.get(other), limits)):
            continue
        if foes and any(root_of(foe) == other for foe in foes.get(one, ())):
            continue
        larger, smaller = members.setdefault(one, [one]), members.setdefault(other, [other])
        if len(larger) < len(smaller):
            one, other, larger, smaller = other, one, smaller, larger
        parent[other] = one
        larger += smaller
        del members[other]
        for kind, count in counts.pop(other, {}).items():
            held = counts.setdefault(one, {})
            held[kind] = held.get(kind, 0) + count
        if other in foes:
            foes.setdefault(one, set()).update(foes.pop(other))
    joined = list(members.values())
    return joined + [[identifier] for identifier in kinds if identifier not in parent and identifier not in members]


def join(parts: Iterable[Sequence[UUID]], verdicts: Verdicts) -> list[list[UUID]]:
    """The parts that the evidence makes, joined where somebody said that two are the same.

    After the evidence and not before it, so that a merge takes nothing from either side, and withdrawing it gives back
    exactly what was. Of two that contradict each other by way of a third, the one that was made first holds.
    """
    groups = [list(part) for part in parts]
    where = {key: group for group in groups for key in group}
    gone: set[int] = set()
    foes = _foes(verdicts.different)
    for one_id, other_id in verdicts.same:
        one, other = where.get(one_id), where.get(other_id)
        if one is None or other is None or one is other:
            continue
        if any(where.get(foe) is other for key in one if key in foes for foe in foes[key]):
            continue
        one += other
        gone.add(id(other))
        where.update((key, one) for key in other)
    return [group for group in groups if id(group) not in gone]


def _foes(different: Iterable[Pair]) -> dict[UUID, set[UUID]]:
    foes: dict[UUID, set[UUID]] = {}
    for one, other in different:
        foes.setdefault(one, set()).add(other)
        foes.setdefault(other, set()).add(one)
    return foes


def _canonical_order(edge: Evidence) -> tuple[bool, datetime, UUID, UUID, UUID]:
    return (not edge.is_explicit, edge.first_at, edge.activity_id, edge.first_id, edge.second_id)


def _is_above(one: Mapping[str, int] | None, other: Mapping[str, int] | None, limits: Mapping[str, int]) -> bool:
    if not one or not other:
        return False
    return any(one[kind] + other[kind] > limits[kind] for kind in one.keys() & other.keys())
