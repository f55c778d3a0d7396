"""Somebody is erased by any identifier: nothing of them is left anywhere, and the books are what they were.

What comes in later for them stays erased, whatever it comes in by.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stamgast.access.operations import record
from stamgast.activities.messages import Reader, Refused
from stamgast.activities.operations import ensure_source, store
from stamgast.activities.queries import load_catalogue
from stamgast.customers.consent.queries import may_contact
from stamgast.customers.erasure.errors import AlreadyErased, ErasureKeyLost
from stamgast.customers.erasure.operations import leave_traces
from stamgast.customers.erasure.queries import get_erasure
from stamgast.customers.errors import CustomerNotFound
from stamgast.customers.queries import count_customers, find_customer, get_customer, list_customers, list_identifiers
from stamgast.flows import audit
from stamgast.flows.decide_pending import decide_again, decide_pending
from stamgast.flows.erase import erase
from stamgast.flows.export_lake import clean
from stamgast.flows.install import install
from stamgast.flows.keep_erased_out import empty_refusals_of_erased
from stamgast.flows.read_customer import read_customer
from stamgast.kit.database import open_cursor, transaction
from stamgast.lake.manifest import Manifest, State, find_manifest, put_manifest
from stamgast.lake.parts import write_columns, write_part
from stamgast.ledger.queries import get_balances
from stamgast.programmes.operations import publish

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANNA = ("anna@example.org", "+31612345678", "0612345678", "anna-900", "Annabella", "Zonnebloemstraat", "visitor-77",
        "Fairphone",
        "web-order-1", "10.1.2.3")  # fmt: skip
"""What only Anna has."""
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _installed() -> None:
    install(timezone="Europe/Amsterdam", at=NOON, actor="test")


def send(*messages: dict[str, Any], decide: bool = True) -> None:
    with transaction() as cursor:
        source = ensure_source(cursor, "shop", at=NOON, actor="test")
        reader = Reader(load_catalogue(cursor), currency="EUR", region="NL")
        read = [
            reader.read_message(json.dumps(one).encode(), source=source, received_at=NOON, fallback_id=f"f{number}")
            for number, one in enumerate(messages)
        ]
        refused = [one for one in read if isinstance(one, Refused)]
        store(cursor, [one for one in read if not isinstance(one, Refused)], refused)
    while decide and decide_pending(at=NOON, actor="test", limit=100):
        pass


def order(number: int, minute: int, event: str = "Order Completed", **more: Any) -> dict[str, Any]:
    properties = {
        "order_id": f"web-order-{number}", "revenue": "12.50", "currency": "EUR", "gift_note": "for Annabella",
        "products": [{"product_id": "beans", "price": "12.50", "quantity": 1, "engraving": "Annabella"}],
    }  # fmt: skip
    at = (NOON - timedelta(days=30, minutes=-minute)).isoformat()
    body = {"type": "track", "event": event, "messageId": f"{event} {number}", "timestamp": at, "properties": properties,
            "context": {"ip": "10.1.2.3", "device": {"manufacturer": "Fairphone"}}}  # fmt: skip
    return {**body, "userId": "anna-900", **more}


def identify(message_id: str = "i1", **more: Any) -> dict[str, Any]:
    traits = {"email": "Anna@example.org", "phone": "0612345678", "firstName": "Annabella",
              "address": {"street": "Zonnebloemstraat"}}  # fmt: skip
    return {"type": "identify", "messageId": message_id, "userId": "anna-900", "anonymousId": "visitor-77", "traits": traits,
            "timestamp": (NOON - timedelta(days=31)).isoformat(), **more}  # fmt: skip


@pytest.fixture
def anna() -> str:
    """A customer with everything that one can have, and another who shares a till with her."""
    send(
        identify(),
        order(1, 1),
        order(2, 2, context={}),
        order(2, 3, "Order Refunded"),
        {**order(3, 4), "event": "Consent Given", "messageId": "c",
         "properties": {"purpose": "newsletter", "channel": "email", "text": "Annabella, may we?"}},
        {"type": "track", "event": "Order Completed", "messageId": "bad", "userId": "anna-900",
         "context": {"traits": {"email": "anna@example.org"}}, "properties": {"order_id": "x", "revenue": "12,30"}},
        {**order(9, 9), "userId": "bob", "context": {"traits": {"email": "anna@example.org"}}, "messageId": "bob",
         "properties": {"order_id": "bobs", "revenue": "5.00", "currency": "EUR"}},
    )  # fmt: skip
    with open_cursor() as cursor:
        return str(get_customer(cursor, "user_id:anna-900").id)


def everything_kept() -> Iterator[tuple[str, str]]:
    """Every row of every table, as text."""
    with open_cursor() as cursor:
        tables = cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        ).fetchall()
        for (table,) in tables:
            for (row,) in cursor.execute(f'SELECT t::text FROM "{table}" AS t').fetchall():
                yield table, row


def found_of_anna() -> set[tuple[str, str]]:
    return {(table, text) for table, row in everything_kept() for text in ANNA if text.lower() in row.lower()}


def balances(customer: str) -> dict[str, int]:
    with open_cursor() as cursor:
        owner = find_customer(cursor, customer)
        assert owner is not None
        return {one.currency: one.available for one in get_balances(cursor, owner.id)}


@pytest.mark.parametrize(
    "reference", ["user_id:anna-900", "email:Anna@Example.org", "phone:06-12345678", "anonymous_id:visitor-77"]
)
def test_nothing_is_left_by_whichever_identifier_and_the_books_are_what_they_were(anna: str, reference: str) -> None:
    assert {text for _, text in found_of_anna()} >= set(ANNA) - {"0612345678"}
    before, orders = balances(anna), orders_of(anna)
    assert before["score"] > 0
    receipt = erase(reference, reason="asked by letter", at=NOON, actor="test", region="NL")
    assert found_of_anna() == set()
    assert (balances(anna), orders_of(anna)) == (before, orders)
    assert audit.run(lambda check, rows: None) == []
    assert receipt.removed == {
        "activities": 5, "activities_of_others": 1, "traits_of_others": 2, "refusals": 1, "traits": 4, "trait_values": 4,
        "evidence": 4, "households": 0, "judgements": 0, "links": 4, "identifiers": 4, "consents": 1, "adjustments": 0,
    }  # fmt: skip
    with open_cursor() as cursor:
        assert get_erasure(cursor, receipt.id) == receipt
        for one in ("user_id:anna-900", "email:anna@example.org", "anonymous_id:visitor-77"):
            with pytest.raises(CustomerNotFound):
                get_customer(cursor, one)
        assert count_customers(cursor) == 1
        assert list_customers(cursor, search="anna").rows == []
        assert [one.kind for one in list_identifiers(cursor, receipt.customer_id)] == ["erased"]
        assert find_customer(cursor, receipt.identifier) is None, "nobody names an erased customer but by our own id"
        assert [one.kind for one in list_identifiers(cursor, get_customer(cursor, "user_id:bob").id)] == ["user_id"]
        trail = cursor.execute("SELECT actor, subject FROM access_trail WHERE action = 'erase customer'").fetchall()
    assert trail == [("test", f"customer:{receipt.customer_id}")]
    with pytest.raises(AlreadyErased):
        erase(anna, reason="", at=NOON, actor="test")


def orders_of(customer: str) -> tuple[int, int]:
    with open_cursor() as cursor:
        view = read_customer(cursor, customer)
    return view.orders.count, view.orders.revenue_minor


LATER = [
    [identify()],
    [identify("i2")],
    [order(1, 1)],
    [order(5, 50), order(5, 55, "Order Refunded")],
    [order(1, 70, "Order Refunded")],
    [order(5, 50, userId="", context={"traits": {"email": "ANNA@example.org"}})],
    [order(5, 50, userId="", context={"externalIds": [{"id": "card-1", "type": "card_number"}],
                                      "traits": {"phone": "+31612345678"}})],
    [{**order(5, 50), "event": "Consent Given", "properties": {"purpose": "newsletter", "channel": "email"}}],
]  # fmt: skip


@pytest.mark.parametrize("messages", LATER)
def test_what_is_imported_later_for_an_erased_person_stays_erased(anna: str, messages: list[dict[str, Any]]) -> None:
    receipt = erase(anna, reason="", at=NOON, actor="test", region="NL")
    with open_cursor() as cursor:
        customers = cursor.execute("SELECT count(*) FROM customers_customer").fetchall()
    send(*messages)
    assert found_of_anna() == set()
    assert "card-1" not in "".join(row for _, row in everything_kept())
    assert audit.run(lambda check, rows: None) == []
    with open_cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM customers_customer").fetchall() == customers
        assert [one.kind for one in list_identifiers(cursor, receipt.customer_id)] == ["erased"]
        assert not may_contact(cursor, receipt.customer_id, "newsletter", "email", at=NOON)


def test_a_refund_that_comes_later_still_finds_its_order(anna: str) -> None:
    erase(anna, reason="", at=NOON, actor="test", region="NL")
    count, revenue = orders_of(anna)
    send(order(1, 70, "Order Refunded"))
    assert orders_of(anna) == (count - 1, revenue - 1250)


def test_an_identifier_that_came_in_with_hers_is_known_as_hers(anna: str) -> None:
    erase(anna, reason="", at=NOON, actor="test", region="NL")
    card = {"externalIds": [{"id": "card-1", "type": "card_number"}]}
    send(order(5, 50, userId="", context={**card, "traits": {"email": "anna@example.org"}}))
    send(order(6, 60, userId="", context=card))
    assert "card-1" not in "".join(row for _, row in everything_kept())
    with open_cursor() as cursor:
        assert count_customers(cursor) == 1


def test_somebody_else_keeps_what_they_do_without_her_address(anna: str) -> None:
    erase(anna, reason="", at=NOON, actor="test", region="NL")
    before = orders_of("user_id:bob")
    send(order(8, 80, userId="bob", context={"traits": {"email": "anna@example.org"}}))
    assert orders_of("user_id:bob") == (before[0] + 1, before[1] + 1250)
    assert {text for _, text in found_of_anna()} <= {"Annabella", "Fairphone", "10.1.2.3"}
    with open_cursor() as cursor:
        assert [one.kind for one in list_identifiers(cursor, get_customer(cursor, "user_id:bob").id)] == ["user_id"]


def test_what_waits_when_she_is_erased_is_erased_when_it_is_decided(anna: str) -> None:
    send(identify("i3"), order(7, 70), decide=False)
    erase(anna, reason="", at=NOON, actor="test", region="NL")
    while decide_pending(at=NOON, actor="test", limit=100):
        pass
    assert found_of_anna() == set()
    assert audit.run(lambda check, rows: None) == []


def test_what_is_refused_later_is_emptied(anna: str) -> None:
    erase(anna, reason="", at=NOON, actor="test", region="NL")
    bad = {"revenue": "12,30", "order_id": "y"}
    send({**order(5, 5), "properties": bad, "context": {"traits": {"email": "anna@example.org"}}},
         {**order(6, 6), "properties": bad, "userId": "carl"})  # fmt: skip
    assert found_of_anna() != set()
    assert empty_refusals_of_erased(at=NOON) == 1
    assert found_of_anna() <= {("activities_refusal", text) for text in ("Fairphone", "10.1.2.3")}
    assert "carl" in "".join(row for table, row in everything_kept() if table == "activities_refusal")


def test_the_secret_may_be_replaced_and_must_not_be_lost(anna: str, settings: Any) -> None:
    old = settings.SECRET_KEY
    erase(anna, reason="", at=NOON, actor="test", region="NL")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 40, []
    send(order(5, 50), decide=False)
    with pytest.raises(ErasureKeyLost):
        decide_pending(at=NOON, actor="test", limit=100)
    settings.SECRET_KEY_FALLBACKS = [old]
    erase("user_id:bob", reason="", at=NOON, actor="test")  # wraps the key anew
    settings.SECRET_KEY_FALLBACKS = []
    while decide_pending(at=NOON, actor="test", limit=100):
        pass
    assert found_of_anna() == set()


def test_the_receipt_cannot_be_edited_by_the_application(anna: str) -> None:
    receipt = erase(anna, reason="", at=NOON, actor="test", region="NL")
    with transaction() as cursor:
        record(cursor, "test", "noted", f"erasure:{receipt.id}", {}, NOON)
        cursor.execute("SET LOCAL ROLE stamgast_app")
        for statement in ("DELETE FROM customers_tombstone", "UPDATE customers_erasure SET actor = 'me'"):
            cursor.execute("SAVEPOINT before")
            with pytest.raises(Exception, match="permission denied"):
                cursor.execute(statement)
            cursor.execute("ROLLBACK TO SAVEPOINT before")


def test_the_lake_forgets_her_too_and_adds_up(anna: str, tmp_path: Path) -> None:
    """On rows of its own, because the export has a connection of its own and sees only what is committed."""
    old, other = (str(UUID(int=number)) for number in (1, 2))
    table = pa.table({"activity_id": ["a", "b", "c"], "anchor_id": [old, other, old], "order_id": ["1", "1", None]})
    parts = tuple(write_part(tmp_path, f"activities/month={month}/part-1.parquet", month, table) for month in ("01", "02"))
    alone_part = write_part(tmp_path, "activities/month=03/part-1.parquet", "03", table.slice(1, 1))
    columns = write_columns(tmp_path, "activities", table.schema)
    state = State(columns, 7, "", (*parts, alone_part))
    put_manifest(tmp_path, Manifest("server", NOON, 1, NOON, {"activities": state}))
    receipt = erase(anna, reason="", at=NOON, actor="test", region="NL")
    with transaction() as cursor:
        leave_traces(cursor, receipt.id, [UUID(old)])
    assert clean(at=NOON + timedelta(minutes=1), folder=tmp_path) == 4
    manifest = find_manifest(tmp_path)
    assert manifest is not None
    files = [part.file for part in manifest.datasets["activities"].parts]
    rows = [row for file in files for row in pq.read_table(tmp_path / file, partitioning=None).to_pylist()]
    assert [row["activity_id"] for row in rows] == ["a", "b", "c", "a", "b", "c", "b"]
    assert {row["anchor_id"] for row in rows} == {other, str(receipt.anchor_id)}
    assert sorted({str(row["order_id"]) for row in rows if row["anchor_id"] != other})[1].startswith("erased-")
    assert {row["order_id"] for row in rows if row["anchor_id"] == other} == {"1"}
    assert (files[2], len(manifest.retired)) == (alone_part.file, 2)
    with open_cursor() as cursor:
        assert get_erasure(cursor, receipt.id).lake_cleaned_at == NOON + timedelta(minutes=1)
    assert clean(at=NOON + timedelta(minutes=2), folder=tmp_path) == 0


PROGRAMME = """
programme: default
timezone: Europe/Amsterdam
currencies: {score: {}}
earn:
  - {name: town, when: {field: properties.town, is: Delft}, give: {score: 1}}
  - {name: other town, when: {field: properties.town, is_not: Gouda}, give: {score: 2}}
  - {name: gift, when: {field: properties.gift_note, contains: for}, give: {score: 4}}
  - {name: note, when: {field: properties.gift_note, exists: true}, give: {score: 8}}
  - {name: list, when: {field: properties.guests, exists: true}, give: {score: 16}}
  - {name: not a text, when: {field: properties.guests, is_not: nobody}, give: {score: 32}}
  - {name: seats, when: {field: properties.seats, at_least: 2}, give: {score: 64}}
  - {name: deep, when: {field: properties.table.side, in: [window, door]}, give: {score: 128}}
"""


def test_rules_that_read_properties_give_what_they_gave() -> None:
    """Also where what they read is what she told of herself: the programme names the town, so it names nobody."""
    with transaction() as cursor:
        publish(cursor, PROGRAMME, effective_from=NOON - timedelta(days=900), at=NOON, actor="test", reason="test")
    properties = {
        "order_id": "web-order-1", "revenue": "1.00", "town": "Delft", "gift_note": "for Annabella", "guests": ["Annabella"],
        "seats": 2, "table": {"side": "window", "name": "Annabella"},
    }  # fmt: skip
    town = {"traits": {"email": "anna@example.org", "city": "Delft", "firstName": "Annabella"}}
    send(identify(**town), {**order(1, 1), "properties": properties})
    before = balances("user_id:anna-900")
    receipt = erase("user_id:anna-900", reason="", at=NOON, actor="test")
    assert found_of_anna() == set()
    assert audit.run(lambda check, rows: None) == []
    decide_again(customers=[receipt.customer_id], at=NOON, actor="test", reason="test")
    assert balances(str(receipt.customer_id)) == before == {"score": 1 + 2 + 4 + 8 + 16 + 64 + 128}
