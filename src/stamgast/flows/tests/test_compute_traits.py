"""Computed traits on a real shop: live, of some, and of everybody by way of the lake are one and the same."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from stamgast.activities.messages import Reader
from stamgast.activities.operations import ensure_source, store
from stamgast.activities.queries import load_catalogue
from stamgast.customers.queries import get_customer
from stamgast.flows.compute_traits import compute_for_one, compute_for_some, read_definitions, told_value
from stamgast.flows.decide_pending import decide_pending
from stamgast.flows.erase import erase
from stamgast.flows.export_lake import export
from stamgast.flows.install import install
from stamgast.flows.merge_customers import merge_customers
from stamgast.flows.refresh_traits import refresh_traits
from stamgast.flows.unmerge_customers import withdraw_judgement
from stamgast.kit.database import open_cursor, transaction
from stamgast.lake.errors import LakeNotThere
from stamgast.traits.definition import read_definition
from stamgast.traits.errors import TraitChanged, TraitExists, TraitNotFound
from stamgast.traits.operations import remove_trait, save_trait
from stamgast.traits.queries import get_trait, list_traits, list_values, list_versions

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SHOP = {"zone": "Europe/Amsterdam", "currency": "EUR"}
ORDERS = {"all": [{"activity": "Order Completed"}, {"field": "amount", "over": 0}]}
TRAITS = [
    {"name": "orders", "label": "Orders", "aggregate": "count", "when": ORDERS},
    {"name": "spent_5", "label": "Spent", "aggregate": "sum", "of": "amount", "when": ORDERS, "days": 5},
    {"name": "average_order", "label": "Average", "aggregate": "average", "of": "amount", "when": ORDERS},
    {"name": "quiet", "label": "Quiet", "aggregate": "days_since_last"},
    {"name": "last_kind", "label": "Last", "aggregate": "last", "of": "kind"},
    {"name": "favourite", "label": "Favourite", "aggregate": "most_frequent", "of": "lines.category"},
    {"name": "tuesdays", "label": "Tuesdays", "aggregate": "count", "when": {"field": "weekday", "is": "tuesday"}},
]


def tell(*bodies: dict[str, Any]) -> None:
    with transaction() as cursor:
        source = ensure_source(cursor, "Web shop", at=NOW, actor="test")
        reader = Reader(load_catalogue(cursor), currency="EUR", region="NL")
        read = [
            reader.read_message(json.dumps(body).encode(), source=source, received_at=NOW, fallback_id=body["messageId"])
            for body in bodies
        ]
        store(cursor, read, [])
    while decide_pending(at=NOW, actor="worker", limit=1000):
        pass


def event(number: int, user: str, days_ago: float, name: str = "Order Completed", **properties: Any) -> dict[str, Any]:
    at = (NOW - timedelta(days=days_ago)).isoformat()
    return {
        "type": "track", "event": name, "messageId": f"m{number}", "userId": user, "timestamp": at, "properties": properties
    }  # fmt: skip


def order(number: int, user: str, days_ago: float, revenue: str, category: str, currency: str = "EUR") -> dict[str, Any]:
    products = [{"product_id": f"p-{category}", "category": category, "quantity": 1, "price": revenue}]
    named = {"order_id": f"o{number}", "revenue": revenue, "currency": currency, "products": products}
    return event(number, user, days_ago, **named)


@pytest.fixture
def shop(transactional_db: None) -> None:
    install(timezone="Europe/Amsterdam", at=NOW, actor="test")
    tell(
        order(1, "anna", 40, "10.00", "tea"),
        order(2, "anna", 9, "20.01", "coffee"),
        order(3, "anna", 2, "5.00", "coffee"),
        order(4, "anna", 1, "99.00", "cake", currency="USD"),
        event(5, "anna", 1, "Order Refunded", order_id="o3", revenue="2.00", currency="EUR"),
        order(6, "bob", 3, "7.00", "tea"),
        event(7, "bob", 2, "Order Refunded", order_id="o6"),
        event(8, "cleo", 6, "Page Read"),
    )
    for document in TRAITS:
        save(document)


def save(document: dict[str, Any], after: int | None = None) -> int:
    with transaction() as cursor:
        return save_trait(cursor, read_definition(document, **SHOP), after=after, at=NOW, actor="staff:a", reason="why not")


def customer(user: str) -> UUID:
    with open_cursor() as cursor:
        return get_customer(cursor, f"user_id:{user}").id


def live(user: str) -> dict[str, Any]:
    with open_cursor() as cursor:
        found = compute_for_one(cursor, customer(user), read_definitions(cursor, **SHOP), at=NOW)
    return {definition.name: computed.value for definition, computed in found}


def everybody(tmp_path: Any, **named: Any) -> int:
    export(at=NOW, folder=tmp_path / "lake")
    return refresh_traits(tmp_path / "lake", tmp_path, **SHOP, **({"at": NOW} | named))


def in_list(*users: str, at: datetime = NOW) -> list[dict[str, Any]]:
    keys = [customer(user) for user in users]
    with open_cursor() as cursor:
        definitions = read_definitions(cursor, **SHOP)
        kept = list_values(cursor, [one.name for one in definitions], keys)
    return [{one.name: told_value(one, kept.get(key, {}).get(one.name), at) for one in definitions} for key in keys]


ANNA = {
    "average_order": 1100,  # 10.00, 20.01 and what is left of 5.00 are 11.0033… euros on average; dollars are no euros
    "favourite": "coffee", "last_kind": "Order Refunded", "orders": 4, "quiet": 1, "spent_5": 300, "tuesdays": 0,
}  # fmt: skip
BOB = {
    "average_order": None, "favourite": None, "last_kind": "Order Refunded", "orders": 0, "quiet": 2, "spent_5": 0,
    "tuesdays": 0,
}  # fmt: skip


def test_live_of_some_and_of_everybody_agree(shop: None, tmp_path: Any) -> None:
    assert live("anna") == ANNA
    assert live("bob") == BOB, "of what came back whole no line is left"
    keys = [customer(user) for user in ("anna", "bob", "cleo")]
    with open_cursor() as cursor:
        definitions = read_definitions(cursor, **SHOP)
        some = compute_for_some(cursor, keys, definitions, at=NOW)
    for key, user in zip(keys, ("anna", "bob", "cleo"), strict=True):
        assert {one.name: some[one.name].get(key, one.nothing) for one in definitions} == live(user)
    with pytest.raises(LakeNotThere):
        refresh_traits(tmp_path / "lake", tmp_path, **SHOP, at=NOW)
    assert everybody(tmp_path) == len(TRAITS)
    assert in_list("anna", "bob", "cleo") == [live("anna"), live("bob"), live("cleo")]
    assert in_list("cleo", at=NOW + timedelta(days=3))[0]["quiet"] == 9, "days pass by themselves"


def test_everybody_is_worked_out_again_when_something_changed(shop: None, tmp_path: Any) -> None:
    assert everybody(tmp_path) == len(TRAITS)
    assert everybody(tmp_path) == 0, "nothing came in"
    tell(order(9, "cleo", 0, "1.00", "cake"))
    assert everybody(tmp_path, rest=10**6) == 0, "too young"
    assert everybody(tmp_path, rest=0) == len(TRAITS)
    assert in_list("cleo") == [live("cleo")]
    assert live("cleo")["spent_5"] == 100
    later = NOW + timedelta(days=5)
    assert everybody(tmp_path, at=later, rest=10**6) == len(TRAITS), "another day has another window"
    assert in_list("cleo", "anna", at=later)[0]["spent_5"] == 0
    assert save(TRAITS[1] | {"days": 30}, after=1) == 2
    with open_cursor() as cursor:
        assert get_trait(cursor, "spent_5").computed_at is None, "the values are of the version before"
    assert everybody(tmp_path, at=later, rest=10**6) == 1
    assert everybody(tmp_path, at=later, should_stop=lambda: True) == 0
    with open_cursor() as cursor:
        assert get_trait(cursor, "spent_5").computed_at == later


def test_a_merge_and_its_undoing_give_what_there_would_have_been(shop: None, tmp_path: Any) -> None:
    before = [live("anna"), live("bob")]
    merged = merge_customers("user_id:anna", "user_id:bob", reason="same", at=NOW, actor="test")
    assert live("anna") == live("bob")
    assert (live("bob")["orders"], live("bob")["quiet"]) == (before[0]["orders"], 1)
    everybody(tmp_path, rest=0)
    assert in_list("anna") == [live("anna")]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT customer_id) FROM traits_value WHERE trait = 'quiet'")
        assert cursor.fetchone() == (2,), "the one who is no more has no values"
    withdraw_judgement(merged.judgement.id, reason="no", at=NOW, actor="test")
    assert [live("anna"), live("bob")] == before
    everybody(tmp_path, rest=0)
    assert in_list("anna", "bob") == before


def test_who_is_erased_has_no_values(shop: None, tmp_path: Any) -> None:
    everybody(tmp_path)
    who = customer("anna")
    erase("user_id:anna", reason="asked", at=NOW, actor="test")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM traits_value WHERE customer_id = %s", [who])
        assert cursor.fetchone() == (0,)
        tell(order(10, "dora", 1, "3.00", "tea"))
        assert everybody(tmp_path, rest=0) == len(TRAITS)
        cursor.execute("SELECT count(*) FROM traits_value WHERE customer_id = %s", [who])
        assert cursor.fetchone() == (0,)
        assert in_list("dora") == [live("dora")]


def test_versions_are_kept_and_two_who_save_at_once_do_not_undo_each_other(shop: None, tmp_path: Any) -> None:
    changed = TRAITS[0] | {"label": "Bought"}
    assert save(changed, after=1) == 2
    assert save(changed, after=2) == 2, "the same again is nothing new"
    with pytest.raises(TraitChanged):
        save(TRAITS[0] | {"days": 3}, after=1)
    with pytest.raises(TraitExists):
        save(TRAITS[0] | {"days": 3})
    everybody(tmp_path)
    with transaction() as cursor:
        remove_trait(cursor, "orders", after=2, at=NOW, actor="staff:a", reason="unused")
    with pytest.raises(TraitNotFound), transaction() as cursor:
        remove_trait(cursor, "orders", after=3, at=NOW, actor="staff:a")
    with pytest.raises(TraitNotFound):
        save(changed, after=3)
    everybody(tmp_path)
    with open_cursor() as cursor:
        assert "orders" not in [trait.name for trait in list_traits(cursor).rows]
        cursor.execute("SELECT count(*) FROM traits_value WHERE trait = 'orders'")
        assert cursor.fetchone() == (0,)
    assert save(TRAITS[0]) == 4
    with open_cursor() as cursor:
        assert [(one.version, one.document is None) for one in list_versions(cursor, "orders")] == [
            (4, False), (3, True), (2, False), (1, False),
        ]  # fmt: skip
        assert get_trait(cursor, "spent_5").document["currency"] == "EUR", "another currency of the shop changes nothing"
        first = list_traits(cursor, limit=2)
        assert [trait.name for trait in list_traits(cursor, after=first.next_cursor, limit=2).rows] == ["last_kind", "orders"]
