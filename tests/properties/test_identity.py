"""Identity does not depend on how activities arrive: any order, repetition and split gives what one look at all of them gives.

The oracle below is written from ``docs/algorithms/identity.md`` and shares no code with the room.
"""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction as django_transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stamgast.customers import operations, queries
from stamgast.customers.partition import Cost, weigh
from stamgast.customers.types import IdentityRules, Sighting
from stamgast.kit.database import Cursor, open_cursor
from stamgast.kit.ids import derive_id

START = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = ("user_id", "card_number", "email", "anonymous_id")
LIMITS = {"user_id": 1}


@dataclass(frozen=True)
class Expected:
    """What a look at all sightings at once says."""

    customers: frozenset[frozenset[str]]
    first_at: dict[str, datetime]
    traits: dict[frozenset[str], dict[str, object]]


def oracle(sightings: Sequence[Sighting], limits: dict[str, int]) -> Expected:
    """Everything from scratch, with sets of text and no cleverness."""
    pairs: dict[tuple[str, str], list[Sighting]] = {}
    explicit = set()
    first_at: dict[str, datetime] = {}
    for one in sightings:
        for identifier in one.identifiers:
            first_at[identifier] = min(first_at.get(identifier, one.occurred_at), one.occurred_at)
        anchor = one.identifiers[0]
        previous = [other[len("user_id:") :] for other in one.identifiers[1:] if other.startswith("user_id:")]
        for other in one.identifiers[1:]:
            if other == anchor:
                continue
            pairs.setdefault((anchor, other), []).append(one)
            if one.is_explicit and other in [f"{kind}:{value}" for kind in ("user_id", "anonymous_id") for value in previous]:
                explicit.add((anchor, other))

    def rank(pair: tuple[str, str]) -> Any:
        moment = min((one.occurred_at, one.activity_id) for one in pairs[pair])
        return (pair not in explicit, moment, [derive_id("identifier", *end.split(":", 1)) for end in pair])

    groups = [{identifier} for identifier in first_at]
    for pair in sorted(pairs, key=rank):
        left = next(group for group in groups if pair[0] in group)
        right = next(group for group in groups if pair[1] in group)
        if left is right:
            continue
        is_refused = False
        for kind, limit in limits.items():
            ours, theirs = ([one for one in group if one.startswith(kind + ":")] for group in (left, right))
            is_refused |= bool(ours) and bool(theirs) and len(ours) + len(theirs) > limit
        if pair in explicit or not is_refused:
            groups = [group for group in groups if group is not left and group is not right] + [left | right]
    traits: dict[frozenset[str], dict[str, object]] = {}
    for one in sorted(sightings, key=lambda one: (one.occurred_at, one.activity_id)):
        group = next(frozenset(group) for group in groups if one.identifiers[0] in group)
        traits.setdefault(group, {}).update(one.traits)
    shown = {group: {name: value for name, value in values.items() if value is not None} for group, values in traits.items()}
    return Expected(frozenset(map(frozenset, groups)), first_at, {group: values for group, values in shown.items() if values})


@st.composite
def histories(draw: st.DrawFn) -> list[Sighting]:
    identifiers = st.builds("{}:{}".format, st.sampled_from(KINDS), st.sampled_from("abcd"))
    sightings = []
    for number in range(draw(st.integers(1, 14))):
        chosen = draw(st.lists(identifiers, min_size=1, max_size=4, unique=True))
        chosen.sort(key=lambda text: KINDS.index(text.split(":")[0]))
        is_explicit = chosen[0].startswith("user_id:") and draw(st.integers(0, 4)) == 0
        if is_explicit:
            previous = draw(st.sampled_from("abcd"))
            chosen = list(dict.fromkeys([chosen[0], f"user_id:{previous}", f"anonymous_id:{previous}", *chosen[1:]]))
        occurred_at = START + timedelta(minutes=draw(st.integers(0, 9)))
        traits = draw(st.dictionaries(st.sampled_from(("name", "city")), st.sampled_from(("x", "y", 1, None)), max_size=2))
        activity = derive_id("activity", "shop", str(number))
        sightings.append(Sighting(activity, occurred_at, occurred_at, tuple(chosen), "shop", is_explicit, traits))
    return sightings


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[Sighting], list[list[Sighting]]]:
    """A history, and one way for it to arrive: permuted, with repetitions, in batches."""
    history = draw(histories())
    repeated = draw(st.lists(st.sampled_from(history), max_size=4))
    order = draw(st.permutations(history + repeated))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=6)))
    return history, [order[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]


rule_sets = st.sampled_from(({"user_id": 1}, {"user_id": 1, "email": 2}, {"user_id": 2, "anonymous_id": 1}))


def assert_cost(cursor: Cursor, now: dict[UUID, frozenset[str]], wanted: frozenset[frozenset[str]], cost: Cost) -> None:
    """What the columns say of other rules is what a look at all sightings says of them."""
    made_of = {one: [customer for customer, had in now.items() if had & one] for one in wanted}
    assert (cost.customers_before, cost.customers_after) == (len(now), len(wanted))
    assert cost.merging == len({customer for sources in made_of.values() if len(sources) > 1 for customer in sources})
    assert cost.coming_apart == sum(sum(1 for one in wanted if one & had) > 1 for had in now.values())
    assert [one.identifiers for one in cost.largest] == sorted(map(len, wanted), reverse=True)[:10]
    changing = {customer for customer, had in now.items() if had not in wanted}
    assert {customer for group in cost.groups for customer in group} == changing


@contextmanager
def nothing_kept() -> Iterator[Cursor]:
    with django_transaction.atomic(), open_cursor() as cursor:
        yield cursor
        django_transaction.set_rollback(True)


def partition(cursor: Cursor) -> dict[UUID, frozenset[str]]:
    cursor.execute(
        """
        SELECT link.customer_id, array_agg(identifier.kind || ':' || identifier.value)
        FROM customers_link AS link JOIN customers_identifier AS identifier ON identifier.id = link.identifier_id
        WHERE link.ended_at IS NULL GROUP BY link.customer_id
        """
    )
    return {customer: frozenset(identifiers) for customer, identifiers in cursor}


def assert_links_are_sound(cursor: Cursor) -> None:
    cursor.execute("SELECT identifier_id, customer_id, began_at, ended_at FROM customers_link ORDER BY id")
    histories: dict[UUID, list[tuple[UUID, datetime, datetime | None]]] = {}
    for identifier, customer, began_at, ended_at in cursor:
        histories.setdefault(identifier, []).append((customer, began_at, ended_at))
    cursor.execute("SELECT id FROM customers_identifier")
    assert {row[0] for row in cursor} == histories.keys()
    for links in histories.values():
        assert [ended_at for _, _, ended_at in links].count(None) == 1
        for (customer, _, ended_at), (following, began_at, _) in itertools.pairwise(links):
            assert ended_at == began_at
            assert customer != following
    cursor.execute("SELECT id, merged_into FROM customers_customer")
    merged = dict(cursor.fetchall())
    holding = {links[-1][0] for links in histories.values()}
    assert {customer for customer, survivor in merged.items() if survivor is None} == holding
    for customer in merged:
        found = queries.find_customer(cursor, str(customer))
        assert found is not None
        assert found.id in holding


@pytest.mark.django_db
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(arrivals(), rule_sets, rule_sets)
def test_any_arrival_gives_the_customers_of_the_whole_history(
    arrival: tuple[list[Sighting], list[list[Sighting]]], limits: dict[str, int], others: dict[str, int]
) -> None:
    history, batches = arrival
    expected = oracle(history, limits)
    with nothing_kept() as cursor:
        before: dict[UUID, frozenset[str]] = {}
        for number, batch in enumerate(batches):
            at = START + timedelta(days=1, hours=number)
            resolution = operations.resolve(cursor, batch, at=at, actor="worker", identity=IdentityRules(limits))
            after = partition(cursor)
            owners = {identifier: customer for customer, identifiers in after.items() for identifier in identifiers}
            assert resolution.customers == {one.activity_id: owners[one.identifiers[0]] for one in batch}
            known = frozenset().union(*before.values())
            everybody = before.keys() | after.keys()
            assert resolution.moved == {
                one for one in everybody if before.get(one, frozenset()) != after.get(one, frozenset()) & known
            }
            assert resolution.created <= after.keys()
            before = after
        assert frozenset(before.values()) == expected.customers
        assert weigh(cursor, IdentityRules(limits)).groups == []
        assert_cost(cursor, before, oracle(history, others).customers, weigh(cursor, IdentityRules(others)))
        assert_links_are_sound(cursor)
        cursor.execute("SELECT kind || ':' || value, first_at FROM customers_identifier")
        assert dict(cursor.fetchall()) == expected.first_at
        traits = {
            group: {trait.name: trait.value for trait in queries.list_traits(cursor, customer)}
            for customer, group in before.items()
        }
        assert {group: values for group, values in traits.items() if values} == expected.traits


@pytest.mark.django_db
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.permutations(range(3)), st.booleans())
def test_before_and_after_signing_in_is_one_customer_in_either_order(order: list[int], is_one_batch: bool) -> None:
    identifiers = (("anonymous_id:x",), ("user_id:900", "anonymous_id:x"), ("user_id:900", "email:a@example.org"))
    moments = [START + timedelta(minutes=number) for number in range(3)]
    sightings = [
        Sighting(derive_id("activity", "shop", str(number)), moments[number], moments[number], identifiers[number], "shop")
        for number in order
    ]
    with nothing_kept() as cursor:
        for batch in [sightings] if is_one_batch else [[one] for one in sightings]:
            operations.resolve(cursor, batch, at=START + timedelta(days=1), actor="worker")
        assert list(partition(cursor).values()) == [frozenset({"anonymous_id:x", "user_id:900", "email:a@example.org"})]
        customer = queries.get_customer(cursor, "anonymous_id:x")
        assert (customer.first_seen, customer.last_seen) == (moments[0], moments[2])
