"""``stamgast audit``: the ledger's own proofs, and parity: what replay of every stored activity gives is what was posted."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec

from stamgast.conditions import CUSTOMER_FIELDS, parse
from stamgast.customers.queries import list_ids
from stamgast.flows.decide_pending import decide_history, group_changes
from stamgast.kit.database import Cursor, open_cursor
from stamgast.ledger.audit import audit
from stamgast.ledger.queries import Given, list_given, list_owner_timeline
from stamgast.ledger.types import Finding, WantedColumns, to_moment
from stamgast.programmes.deciding import warm
from stamgast.programmes.queries import get_programme, list_programmes, list_tier_stays, list_versions, load_states
from stamgast.programmes.states import QUALIFIED, TIER
from stamgast.programmes.types import Decisions, TierStay
from stamgast.segments.queries import BEGINNING, list_segments, list_stays
from stamgast.segments.rules import spans_of, stays_over
from stamgast.segments.types import Stay

CHUNK = 1_000


def run(progress: Callable[[str, int], None]) -> list[Finding]:
    """Every finding, at most one a check; none when all is well. ``progress(check, rows)`` is called on the way."""
    warm()
    with open_cursor() as cursor:
        findings = audit(cursor, lambda done, total: progress("ledger", done))
        edited = next(_edited_versions(cursor), None)
        if edited is not None:  # by another programme everything would differ
            return [*findings, edited]
        first: dict[str, Finding] = {}
        for finding in _differences(cursor, progress):
            first.setdefault(finding.check, finding)
    return [*findings, *first.values()]


def _edited_versions(cursor: Cursor) -> Iterator[Finding]:
    for name in list_programmes(cursor):
        for version in list_versions(cursor, name):
            if sha256(version.document.encode()).hexdigest() != version.sha256:
                sentence = f"The document of version {version.version} of {name!r} is not the one that was published."
                yield Finding("programme", f"{name} {version.version}", sentence)


def _differences(cursor: Cursor, progress: Callable[[str, int], None]) -> Iterator[Finding]:
    programme = get_programme(cursor)
    after, done = UUID(int=0), 0
    while customers := list_ids(cursor, after=after, limit=CHUNK):
        tiers = _by_customer(list_tier_stays(cursor, programme.name, customers))
        until = max((stays[-1].since for stays in tiers.values()), default=None)
        replayed = decide_history(cursor, programme, customers, until=until)
        states = load_states(cursor, programme.name, customers).to_pylist()
        yield from _differing_causes(cursor, replayed, customers)
        yield from _differing_states(states, replayed)
        yield from _differing_tiers(states, replayed, tiers)
        yield from _differing_stays(cursor, customers)
        after, done = customers[-1], done + len(customers)
        progress("parity", done)


def _differing_causes(cursor: Cursor, replayed: Decisions, customers: Collection[UUID]) -> Iterator[Finding]:
    decisions = WantedColumns.from_table(replayed.table)
    causes = zip(decisions.owners, decisions.activities, decisions.rules, decisions.currencies, strict=True)
    matures = decisions.matures or [None] * len(decisions.amounts)
    waits = [at if at is not None and at > since else None for at, since in zip(matures, decisions.occurred, strict=True)]
    values = zip(decisions.amounts, decisions.occurred, waits, decisions.expires, strict=True)
    wanted = dict(zip(causes, values, strict=True))
    given = list_given(cursor, customers)
    for cause in sorted(cause for cause in wanted.keys() | given.keys() if wanted.get(cause) != given.get(cause)):
        owner, activity, rule, currency = cause
        yield Finding(
            "parity",
            str(UUID(bytes=activity)),
            f"Replay gives {_say(wanted.get(cause), currency)} to customer {UUID(bytes=owner)} by rule {rule!r} for "
            f"activity {UUID(bytes=activity)}; the ledger holds {_say(given.get(cause), currency)}.",
        )


def _say(held: Given | None, currency: str) -> str:
    if held is None:
        return f"0 {currency}"
    amount, given_at, available_at, expires_at = held
    waits = "" if available_at is None else f" (to use from {to_moment(available_at).isoformat()})"
    until = "for ever" if expires_at is None else f"until {to_moment(expires_at).isoformat()}"
    return f"{amount} {currency} from {to_moment(given_at).isoformat()}{waits} {until}"


def _differing_states(states: Sequence[Mapping[str, Any]], replayed: Decisions) -> Iterator[Finding]:
    """States from which somebody would be decided on. One that is not there is no fault: it is made again."""
    wanted = {row["customer_id"]: row for row in replayed.states.to_pylist()}
    for state in states:
        other = wanted.get(state["customer_id"])
        if other is None or _essence_of(state) != _essence_of(other):
            customer = UUID(bytes=state["customer_id"])
            sentence = f"What is kept of customer {customer}, to decide on from, is not what replay leaves."
            yield Finding("state", str(customer), sentence)


def _differing_tiers(
    states: Sequence[Mapping[str, Any]], replayed: Decisions, kept: Mapping[UUID, list[TierStay]]
) -> Iterator[Finding]:
    """Levels of those who have a state. Of several reached at one moment the last is kept. A review that is still to be held,
    by the state, need not have been written."""
    last = {(row["customer_id"], row["since"]): TierStay(*_tier_cells(row)) for row in replayed.tiers.to_pylist()}
    wanted = _by_customer(last.values())
    for state in states:
        customer, review_at = UUID(bytes=state["customer_id"]), state["review_at"]
        held = kept.get(customer, [])
        due = [stay for stay in wanted.get(customer, []) if stay in held or review_at is None or stay.since < review_at]
        if held != due:
            yield Finding(
                "tiers",
                str(customer),
                f"The levels of customer {customer} are kept as {_say_tiers(held)}; replay makes {_say_tiers(due)}.",
            )


def _tier_cells(row: Mapping[str, Any]) -> tuple[Any, ...]:
    activity = row["activity_id"]
    return (
        UUID(bytes=row["customer_id"]),
        row["since"],
        row["tier"],
        row["cause"],
        None if activity is None else UUID(bytes=activity),
        row["version"],
    )


def _by_customer(stays: Iterable[TierStay]) -> dict[UUID, list[TierStay]]:
    """By customer, in the order in which they come."""
    groups: dict[UUID, list[TierStay]] = {}
    for stay in stays:
        groups.setdefault(stay.customer_id, []).append(stay)
    return groups


def _say_tiers(stays: Sequence[TierStay]) -> str:
    return ", ".join(f"{stay.tier or 'none'} from {stay.since.isoformat()} ({stay.cause})" for stay in stays) or "none"


def _essence_of(state: Mapping[str, Any]) -> tuple[object, ...]:
    """What is decided from. Releases up to 0.1 kept of some members no more than the day of their last activity."""
    counters = msgspec.json.decode(state["counters"])
    if not any(counters.get(TIER, ())[:-1]) and QUALIFIED not in counters:
        counters.pop(TIER, None)
    return state["last_at"], state["last_activity_id"], counters


def _differing_stays(cursor: Cursor, customers: list[UUID]) -> Iterator[Finding]:
    since = dict.fromkeys(customers, BEGINNING)
    timelines = group_changes(list_owner_timeline(cursor, since))
    for segment in list_segments(cursor):
        test = parse(segment.condition, CUSTOMER_FIELDS).closure()
        known = list_stays(cursor, segment, since)
        for customer in customers:
            wanted = stays_over(test, {}, None, timelines.get(customer, ()))
            if spans_of(wanted) != spans_of(known.get(customer, ())):
                yield Finding(
                    "stays",
                    str(customer),
                    f"The stays of customer {customer} in {segment.name!r} are kept as {_say_spans(known.get(customer, ()))}; "
                    f"the movements make {_say_spans(wanted)}.",
                )


def _say_spans(stays: Iterable[Stay]) -> str:
    spans = [f"from {stay.entered_at.isoformat()} {_say_end(stay.left_at)}" for stay in stays]
    return " and ".join(spans) or "none"


def _say_end(left_at: datetime | None) -> str:
    return "on" if left_at is None else f"to {left_at.isoformat()}"
