"""``resolve`` on the real database: whose each activity is, what moved, and what is kept of it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from stamgast.customers import histories, operations, queries, rules
from stamgast.customers.types import Resolution, Sighting
from stamgast.kit.database import open_cursor, transaction
from stamgast.kit.ids import derive_id

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def sighting(minute: int, *identifiers: str, is_explicit: bool = False, source: str = "shop", **traits: object) -> Sighting:
    occurred_at = START + timedelta(minutes=minute)
    activity = derive_id("activity", source, f"{minute} {identifiers}")
    return Sighting(activity, occurred_at, NOW, identifiers, source, is_explicit, traits)


def resolve(*sightings: Sighting, at: datetime = NOW) -> Resolution:
    with transaction() as cursor:
        return operations.resolve(cursor, sightings, at=at, actor="worker")


def customer_of(reference: str) -> UUID | None:
    with open_cursor() as cursor:
        customer = queries.find_customer(cursor, reference)
    return customer.id if customer else None


def identifiers_of(reference: str) -> set[str]:
    with open_cursor() as cursor:
        return {f"{one.kind}:{one.value}" for one in queries.get_profile(cursor, reference).identifiers}


def test_what_was_done_before_signing_in_is_the_same_customers_afterwards() -> None:
    visit = sighting(1, "anonymous_id:tablet")
    sign_in = sighting(2, "user_id:900", "anonymous_id:tablet", "email:a@example.org")
    first = resolve(visit).customers[visit.activity_id]
    second = resolve(sign_in)
    assert second.customers == {sign_in.activity_id: first}
    assert second.moved == frozenset()
    assert identifiers_of("user_id:900") == {"user_id:900", "anonymous_id:tablet", "email:a@example.org"}


def test_the_anonymous_visit_may_arrive_after_the_sign_in() -> None:
    sign_in = sighting(2, "user_id:900", "anonymous_id:tablet")
    visit = sighting(1, "anonymous_id:tablet")
    first = resolve(sign_in).customers[sign_in.activity_id]
    assert resolve(visit).customers == {visit.activity_id: first}
    with open_cursor() as cursor:
        customer = queries.get_customer(cursor, "user_id:900")
    assert (customer.first_seen, customer.last_seen) == (visit.occurred_at, sign_in.occurred_at)


def test_two_customers_that_turn_out_to_be_one_are_merged_into_the_one_with_the_user_id() -> None:
    visitor = resolve(visit := sighting(1, "anonymous_id:phone")).customers[visit.activity_id]
    user = resolve(order := sighting(2, "user_id:900")).customers[order.activity_id]
    resolution = resolve(sign_in := sighting(3, "user_id:900", "anonymous_id:phone"), at=NOW + timedelta(hours=1))
    assert resolution.customers == {sign_in.activity_id: user}
    assert resolution.moved == {visitor, user}
    assert customer_of(str(visitor)) == user
    with open_cursor() as cursor:
        assert queries.anchors_of(cursor, [visitor, user]) == {
            visitor: [],
            user: sorted([rules.identifier_id("anonymous_id", "phone"), rules.identifier_id("user_id", "900")]),
        }
        assert queries.count_customers(cursor) == 1
        (lost,) = histories.list_links(cursor, visitor).rows
        joined, first = histories.list_links(cursor, user).rows
    assert (lost.value, lost.reason, lost.ended_at) == ("phone", "first_seen", NOW + timedelta(hours=1))
    assert (first.value, first.reason, first.ended_at) == ("900", "first_seen", None)
    assert (joined.value, joined.reason, joined.began_at, joined.ended_at) == ("phone", "joined", lost.ended_at, None)
    assert (joined.cause, joined.actor) == (sign_in.activity_id, "worker")


def test_a_shared_device_stays_with_the_first_who_signed_in_on_it() -> None:
    resolve(sighting(1, "user_id:1", "anonymous_id:till"), sighting(2, "user_id:2", "anonymous_id:till"))
    assert identifiers_of("user_id:1") == {"user_id:1", "anonymous_id:till"}
    assert identifiers_of("user_id:2") == {"user_id:2"}


def test_a_late_first_sign_in_takes_the_device_over_with_what_hangs_on_it() -> None:
    resolve(sighting(5, "user_id:2", "anonymous_id:till"), sighting(6, "email:a@example.org", "anonymous_id:till"))
    second = customer_of("user_id:2")
    resolution = resolve(sighting(1, "user_id:1", "anonymous_id:till"))
    first = customer_of("user_id:1")
    assert first != second
    assert resolution.moved == {first, second}
    assert identifiers_of("user_id:1") == {"user_id:1", "anonymous_id:till", "email:a@example.org"}
    assert identifiers_of("user_id:2") == {"user_id:2"}
    with open_cursor() as cursor:
        reasons = {(one.value, one.reason) for one in histories.list_links(cursor, first).rows}
    assert reasons == {("1", "first_seen"), ("till", "separated"), ("a@example.org", "separated")}


def test_two_people_on_one_email_address_stay_two_customers() -> None:
    resolve(sighting(1, "user_id:1", "email:home@example.org"))
    resolution = resolve(sighting(2, "user_id:2", "email:home@example.org"))
    assert resolution.moved == frozenset()
    assert customer_of("user_id:1") == customer_of("email:home@example.org") != customer_of("user_id:2")


def test_an_alias_joins_two_user_ids_but_not_the_device_that_sent_it() -> None:
    resolve(sighting(1, "user_id:1", "anonymous_id:till"), sighting(2, "user_id:2"), sighting(3, "anonymous_id:old"))
    alias = sighting(4, "user_id:2", "user_id:old", "anonymous_id:old", "anonymous_id:till", is_explicit=True)
    resolve(alias)
    assert identifiers_of("user_id:2") == {"user_id:2", "user_id:old", "anonymous_id:old"}
    assert identifiers_of("user_id:1") == {"user_id:1", "anonymous_id:till"}


def test_doing_it_twice_changes_nothing() -> None:
    sightings = [
        sighting(1, "user_id:1", "anonymous_id:x", name="Anna"),
        sighting(2, "user_id:2", "anonymous_id:x"),
        sighting(3, "user_id:3", "user_id:1", "anonymous_id:1", is_explicit=True),
    ]
    first = resolve(*sightings)
    before = everything()
    again = resolve(*sightings, at=NOW + timedelta(days=1))
    assert again == Resolution(first.customers, frozenset(), frozenset())
    assert everything() == before


def everything() -> list[list[tuple[object, ...]]]:
    tables = []
    with open_cursor() as cursor:
        for table in ("customer", "identifier", "link", "evidence", "trait"):
            cursor.execute(f"SELECT * FROM customers_{table} ORDER BY 1, 2")
            tables.append(cursor.fetchall())
    return tables


def test_what_hangs_on_a_device_leaves_with_it() -> None:
    email = resolve(visit := sighting(9, "email:a@example.org")).customers[visit.activity_id]
    user = resolve(order := sighting(10, "user_id:2")).customers[order.activity_id]
    resolve(sighting(8, "user_id:2", "email:a@example.org"))
    assert customer_of(str(email)) == user
    # The till was first on the e-mail address, and user 1 was first on the till: both leave user 2.
    resolve(sighting(5, "email:a@example.org", "anonymous_id:till"))
    resolution = resolve(sighting(1, "user_id:1", "anonymous_id:till"))
    assert identifiers_of("user_id:1") == {"user_id:1", "email:a@example.org", "anonymous_id:till"}
    assert customer_of("user_id:2") == user
    assert email not in resolution.moved
    assert_every_customer_has_identifiers()


def test_the_user_of_an_earlier_activity_takes_the_visitor_from_a_later_user() -> None:
    visitor = resolve(visit := sighting(20, "anonymous_id:x", "email:x@example.org")).customers[visit.activity_id]
    resolve(sighting(30, "user_id:2", "email:x@example.org"))
    assert customer_of("user_id:2") == visitor
    resolve(sighting(10, "user_id:1", "email:x@example.org"))
    assert identifiers_of("user_id:1") == {"user_id:1", "email:x@example.org", "anonymous_id:x"}
    assert identifiers_of("user_id:2") == {"user_id:2"}
    assert_every_customer_has_identifiers()


def assert_every_customer_has_identifiers() -> None:
    with open_cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*) FROM customers_customer AS customer WHERE (merged_into IS NULL) != EXISTS (
                SELECT FROM customers_link AS link WHERE link.customer_id = customer.id AND link.ended_at IS NULL)
            """
        )
        assert cursor.fetchone() == (0,)


def test_the_latest_value_of_a_trait_wins_whatever_order_it_comes_in() -> None:
    resolve(sighting(3, "user_id:1", name="Anna", city="Utrecht"))
    resolve(sighting(1, "user_id:1", name="Annie", phone="06"), sighting(4, "email:a@example.org", city="Delft"))
    resolve(sighting(2, "user_id:1", "email:a@example.org"), sighting(5, "user_id:1", phone=None))
    with open_cursor() as cursor:
        traits = queries.get_profile(cursor, "user_id:1").traits
    assert [(one.name, one.value, one.occurred_at) for one in traits] == [
        ("city", "Delft", START + timedelta(minutes=4)),
        ("name", "Anna", START + timedelta(minutes=3)),
    ]


def test_traits_that_postgresql_cannot_keep_are_mended() -> None:
    resolve(sighting(1, "user_id:1", name="A\x00nna", city="\ud800", text="\\u0000", nested={"a\x00": ["b\x00"]}))
    with open_cursor() as cursor:
        traits = {one.name: one.value for one in queries.get_profile(cursor, "user_id:1").traits}
    assert traits == {"name": "Anna", "city": "?", "text": "\\u0000", "nested": {"a": ["b"]}}


def test_no_sightings_is_no_work() -> None:
    assert resolve() == Resolution({}, frozenset(), frozenset())


def test_a_trait_whose_name_fits_in_no_index_is_left_out_and_breaks_nothing() -> None:
    name = "".join(chr(0x20000 + number % 4_001) for number in range(0, 99_991 * 6_000, 99_991))
    resolve(sighting(1, "user_id:900", **{name: 1, name[:255]: 2, "age": 40}))
    with open_cursor() as cursor:
        traits = {one.name: one.value for one in queries.get_profile(cursor, "user_id:900").traits}
    assert traits == {name[:255]: 2, "age": 40}
