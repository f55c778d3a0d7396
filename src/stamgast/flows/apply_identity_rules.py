"""Other rules of identity: what they would do to the customers of before, and doing it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from stamgast.access.operations import record
from stamgast.activities.queries import list_anchors_of_sources, load_history
from stamgast.customers.identity import (
    find_reread,
    find_unapplied,
    get_identity_rules,
    keep_reread,
    set_applied,
    set_identity_rules,
)
from stamgast.customers.operations import gather_evidence, lock_owners, recluster, replace_evidence
from stamgast.customers.partition import Cost, weigh
from stamgast.customers.ruleset import write_rules
from stamgast.customers.types import Evidence, IdentityRules
from stamgast.flows.decide_pending import decide_locked, sightings_of
from stamgast.flows.tell import tell_customers
from stamgast.kit.database import Cursor, open_cursor, transaction
from stamgast.programmes.operations import keep_versions

ANCHORS = 500
CUSTOMERS = 200


@dataclass(frozen=True, slots=True)
class Applied:
    """How many customers moved, and whether all follow the rules in force now. Stopped, it goes on when called again."""

    moved: int
    is_done: bool


def weigh_rules(cursor: Cursor, rules: IdentityRules) -> Cost:
    """What these rules would make of all customers, on everything that came in so far. Changes nothing."""
    unapplied = find_unapplied(cursor)
    followed = unapplied[1] if unapplied else get_identity_rules(cursor)
    anchors = list_anchors_of_sources(cursor, followed.shared_sources ^ rules.shared_sources)
    evidence: list[Evidence] = []
    for chunk in _chunks(anchors, ANCHORS):
        evidence += _evidence_of(cursor, chunk, rules)
    return weigh(cursor, rules, reread=anchors, evidence=evidence)


def put_in_force(document: Mapping[str, Any], *, reason: str, at: datetime, actor: str) -> IdentityRules:
    """Sets the rules for what comes in from now on; the worker makes the customers of before follow."""
    with transaction() as cursor:
        before = write_rules(get_identity_rules(cursor))
        rules = set_identity_rules(cursor, document, at=at, actor=actor, reason=reason)
        detail = {"before": before, "after": write_rules(rules), "reason": reason}
        record(cursor, actor, "set identity rules", f"identity:{rules.version}", detail, at)
    return rules


def apply_identity_rules(
    *,
    at: datetime,
    actor: str,
    progress: Callable[[str, int, int], None] = lambda step, done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Applied:
    """Makes the customers of before follow the rules in force; each group of customers is one transaction.

    First the evidence of sources that are shared now, or no longer, is read again. Then customers that differ from what the
    whole evidence makes of them are worked out and decided again, until none differs: what comes in meanwhile is resolved by
    the new rules among customers of which some still follow the old ones. Doing it again changes nothing.
    """
    moved = 0
    while True:
        with open_cursor() as cursor:
            unapplied = find_unapplied(cursor)
        if unapplied is None:
            return Applied(moved, True)
        rules, followed = unapplied
        if not _reread(rules, followed, progress, should_stop):
            return Applied(moved, False)
        while True:
            with open_cursor() as cursor:
                groups = weigh(cursor, rules).groups
            if not groups:
                break
            done, total = 0, sum(map(len, groups))
            for together in _together(groups):
                if should_stop():
                    return Applied(moved, False)
                with transaction() as cursor:
                    keep_versions(cursor)
                    resolution = recluster(cursor, together, at=at, actor=actor)
                    changed = resolution.moved
                    tell_customers(cursor, resolution.merged, resolution.separated, at=at)
                    if changed:
                        decide_locked(cursor, changed, at=at, actor=actor, reason=f"version {rules.version} of identity")
                moved += len(changed)
                done += len(together)
                progress("customers", done, total)
        with transaction() as cursor:
            set_applied(cursor, rules.version, at=at)


def _reread(
    rules: IdentityRules,
    followed: IdentityRules,
    progress: Callable[[str, int, int], None],
    should_stop: Callable[[], bool],
) -> bool:
    """Reads the evidence of sources again whose flag changed, from where it was stopped; whether it came to the end."""
    changed = followed.shared_sources ^ rules.shared_sources
    if not changed:
        return True
    with open_cursor() as cursor:
        anchors = list_anchors_of_sources(cursor, changed)
        until = find_reread(cursor, rules.version)
    left = [anchor for anchor in anchors if anchor > until]
    for number, chunk in enumerate(_chunks(left, ANCHORS)):
        if should_stop():
            return False
        with transaction() as cursor:
            lock_owners(cursor, chunk)
            replace_evidence(cursor, chunk, _evidence_of(cursor, chunk, rules))
            keep_reread(cursor, rules.version, chunk[-1])
        progress("evidence", len(anchors) - len(left) + number * ANCHORS + len(chunk), len(anchors))
    return True


def _evidence_of(cursor: Cursor, anchors: Sequence[UUID], rules: IdentityRules) -> list[Evidence]:
    return gather_evidence(sightings_of(load_history(cursor, anchors, needs_body=False)), rules.shared_sources)


def _chunks(anchors: Sequence[UUID], size: int) -> Iterator[Sequence[UUID]]:
    return (anchors[place : place + size] for place in range(0, len(anchors), size))


def _together(groups: Sequence[Sequence[UUID]]) -> Iterator[list[UUID]]:
    """Some whole groups at a time."""
    together: list[UUID] = []
    for group in groups:
        together += group
        if len(together) >= CUSTOMERS:
            yield together
            together = []
    if together:
        yield together
