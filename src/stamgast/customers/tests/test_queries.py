"""Finding, listing and counting customers."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection

from stamgast.customers import operations, queries, rules
from stamgast.customers.errors import CustomerNotFound
from stamgast.customers.types import CustomerSummary, Sighting
from stamgast.kit.database import open_cursor, transaction
from stamgast.kit.ids import derive_id
from stamgast.kit.paging import InvalidCursor, encode_cursor

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def see(minute: int, *identifiers: str, source: str = "shop", **traits: object) -> UUID:
    moment = START + timedelta(minutes=minute)
    activity = derive_id("activity", source, f"{minute} {identifiers}")
    sighting = Sighting(activity, moment, moment, identifiers, source, False, traits)
    with transaction() as cursor:
        return operations.resolve(cursor, [sighting], at=NOW, actor="worker").customers[activity]


def listed(search: str = "", region: str | None = None) -> list[str]:
    with open_cursor() as cursor:
        rows = queries.list_customers(cursor, search=search, region=region).rows
        assert queries.count_found(cursor, search, region=region) == (len(rows), True)
    return [row.identifier for row in rows]


def test_a_customer_is_found_by_our_id_and_by_any_way_of_writing_an_identifier() -> None:
    customer = see(1, "user_id:900", "email:a@example.org", "phone:+31612345678")
    with open_cursor() as cursor:
        for reference in (str(customer), customer.hex, "user_id:900", "email:A@Example.org", "phone:06 12345678"):
            assert queries.get_customer(cursor, reference, region="NL").id == customer
        for reference in ("user_id:901", "email:", "", "900", "user_id:null", str(UUID(int=1)), "phone:0612345678"):
            assert queries.find_customer(cursor, reference) is None
        with pytest.raises(CustomerNotFound):
            queries.get_profile(cursor, "user_id:901")


def test_several_are_found_at_once_and_a_merged_one_is_its_survivor() -> None:
    anna, ben = see(1, "user_id:900"), see(2, "card_number:7")
    written = ("user_id:900", "card_number:7", "user_id:901", str(anna), str(ben), str(UUID(int=1)), "user_id:null")
    named = {text: queries.reference_of(text) for text in written}

    def found() -> dict[str, UUID]:
        with open_cursor() as cursor:
            customers = queries.find_customers(cursor, set(named.values()))
        return {text: customers[one].id for text, one in named.items() if one in customers}

    assert found() == {"user_id:900": anna, "card_number:7": ben, str(anna): anna, str(ben): ben}
    see(3, "user_id:900", "card_number:7")
    [survivor] = set(found().values())
    assert survivor in (anna, ben)
    assert found() == dict.fromkeys(("user_id:900", "card_number:7", str(anna), str(ben)), survivor)


def test_a_profile_has_identifiers_by_strength_and_traits_with_their_source() -> None:
    see(2, "email:a@example.org", source="news", city="Delft", age=41)
    customer = see(3, "user_id:900", "email:a@example.org", source="shop", city="Utrecht", address={"street": "Kade"})
    with open_cursor() as cursor:
        profile = queries.get_profile(cursor, "user_id:900")
    assert profile.customer.id == customer
    assert (profile.customer.created_at, profile.customer.first_seen) == (NOW, START + timedelta(minutes=2))
    assert [(one.kind, one.value, one.first_at, one.linked_since) for one in profile.identifiers] == [
        ("user_id", "900", START + timedelta(minutes=3), NOW),
        ("email", "a@example.org", START + timedelta(minutes=2), NOW),
    ]
    assert [(one.name, one.value, one.source) for one in profile.traits] == [
        ("address", {"street": "Kade"}, "shop"),
        ("age", 41, "news"),
        ("city", "Utrecht", "shop"),
    ]


def test_a_list_shows_the_last_seen_first_and_pages_to_the_end() -> None:
    for minute in range(7):
        see(minute // 2, f"user_id:{minute}")
    seen: list[CustomerSummary] = []
    after = None
    with open_cursor() as cursor:
        while True:
            page = queries.list_customers(cursor, after=after, limit=3)
            seen += page.rows
            after = page.next_cursor
            if after is None:
                break
    assert len(seen) == 7
    assert seen == sorted(seen, key=lambda row: (row.last_seen, row.id), reverse=True)


def test_a_line_of_the_list_names_the_customer() -> None:
    see(1, "user_id:1", firstName="Anna", lastName="de Vries", email="trait@example.org")
    see(2, "user_id:2", "email:b@example.org", name="Bram")
    see(3, "anonymous_id:x")
    with open_cursor() as cursor:
        rows = queries.list_customers(cursor).rows
    assert [(row.name, row.email, row.identifier) for row in rows] == [
        (None, None, "anonymous_id:x"),
        ("Bram", "b@example.org", "user_id:2"),
        ("Anna de Vries", "trait@example.org", "user_id:1"),
    ]


@pytest.mark.parametrize("few", [2_000, 0], ids=["fetched", "walked"])
def test_a_search_finds_the_beginning_of_identifiers_names_and_addresses(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "FEW_MATCHES", few)
    see(1, "user_id:AB-1", firstName="Anna", lastName="Vries")
    see(2, "user_id:2", "email:anna@example.org", "phone:+31612345678")
    see(3, "user_id:3", name="100% Zoë_x", city="Anna Paulowna")
    assert listed("anna") == ["user_id:2", "user_id:AB-1"]
    assert listed("ANNA") == ["user_id:2", "user_id:AB-1"]
    assert listed("VRI") == ["user_id:AB-1"]
    assert listed("AB-") == ["user_id:AB-1"]
    assert listed("06 12345678", region="NL") == ["user_id:2"]
    assert listed("100%") == listed("100% zoë_") == ["user_id:3"]
    assert listed("1_0") == listed("%") == listed("nna") == listed("Paulowna") == []
    assert listed(" \x00 ") == ["user_id:3", "user_id:2", "user_id:AB-1"]


def test_a_merged_customer_is_not_listed() -> None:
    lost = see(1, "email:a@example.org")
    kept = see(2, "user_id:1")
    see(3, "user_id:1", "email:a@example.org")
    assert listed() == listed("a@") == ["user_id:1"]
    with open_cursor() as cursor:
        found = queries.get_customer(cursor, str(lost))
    assert (found.id, found.first_seen) == (kept, START + timedelta(minutes=1))


@pytest.mark.parametrize("after", ["x", encode_cursor(1, "not an id"), encode_cursor(10**30, UUID(int=1).hex)])
def test_a_foreign_cursor_is_refused(after: str) -> None:
    with open_cursor() as cursor, pytest.raises(InvalidCursor):
        queries.list_customers(cursor, after=after)


def test_customers_of_identifiers_leave_the_unknown_out() -> None:
    customer = see(1, "user_id:1")
    known = rules.identifier_id("user_id", "1")
    with open_cursor() as cursor:
        assert queries.customers_of(cursor, [known, UUID(int=7)]) == {known: customer}


def test_the_search_index_names_the_searched_traits() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_indexdef('trait_search'::regclass)")
        definition = cursor.fetchone()[0]
    assert definition.count("'::text") - 1 == len(rules.SEARCHED_TRAITS)
    assert all(f"'{name}'" in definition for name in rules.SEARCHED_TRAITS)


def test_a_broad_search_is_counted_as_far_as_it_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "MOST_COUNTED", 3)
    for minute in range(5):
        see(minute, f"user_id:w{minute}", name=f"Wim {minute}")
    with open_cursor() as cursor:
        assert queries.count_found(cursor, "w0") == (1, True)
        count, is_all = queries.count_found(cursor, "w")
    assert 3 <= count < 5
    assert not is_all
