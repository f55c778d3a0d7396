"""A profile with its parts, and the timeline, as a system reads them."""

import json
from datetime import timedelta

import pytest

from stamgast.activities.messages import Reader
from stamgast.activities.operations import ensure_source, store
from stamgast.activities.queries import load_catalogue
from stamgast.flows.decide_pending import decide_pending
from stamgast.kit.database import transaction

from .conftest import NOW

AGENT = "Mozilla/5.0 (X11; Linux x86_64) Chrome/140"
PARTS = ("buying", "consents", "devices", "lots", "sources", "trait_values")


def send(source_name, *messages):
    with transaction() as cursor:
        source = ensure_source(cursor, source_name, at=NOW, actor="test")
        reader = Reader(load_catalogue(cursor), currency="EUR", region="NL")
        read = [
            reader.read_message(json.dumps(body).encode(), source=source, received_at=NOW, fallback_id=str(number))
            for number, body in enumerate(messages)
        ]
        store(cursor, read, [])
    while decide_pending(at=NOW, actor="test", limit=1000):
        pass


@pytest.fixture
def eva(shop):
    """Three orders ten and twenty days apart, one of them half returned, over two sources; two towns; two devices."""

    def order(number, days, **more):
        at = NOW - timedelta(days=days)
        properties = {"order_id": f"e{number}", "currency": "EUR", **more}
        return {"type": "track", "userId": "eva", "messageId": f"e{number}", "event": "Order Completed",
                "timestamp": at.isoformat(), "properties": properties}  # fmt: skip

    def line(product, price, quantity=1):
        return {"product_id": product, "category": "coffee", "price": price, "quantity": quantity}

    identify = {"type": "identify", "userId": "eva", "traits": {"city": "Delft"}, "timestamp": NOW.isoformat()}
    send(
        "Web shop",
        {**order(1, 40, products=[line("beans", "10.00", 2)]), "anonymousId": "tablet",
         "context": {"userAgent": AGENT}},
        {**order(2, 30, products=[line("beans", "10.00"), line("cups", "5.00")]),
         "context": {"device": {"id": "d1", "manufacturer": "Fairphone", "model": "5"}, "os": {"name": "Android"}}},
        {**order(3, 20), "event": "Order Refunded", "messageId": "r",
         "properties": {"order_id": "e2", "currency": "EUR", "products": [line("beans", "10.00")]}},
        {**identify, "messageId": "i", "timestamp": (NOW - timedelta(days=41)).isoformat()},
    )  # fmt: skip
    send(
        "Till",
        order(4, 10, revenue="3.00"),
        {**identify, "messageId": "i", "traits": {"city": "Gouda"}},
    )
    return "/v1/customers/user_id:eva"


def test_the_parts_of_a_profile(eva, get):
    body = get(f"{eva}?include={','.join(PARTS)}").json()
    buying = body["buying"]
    assert {name: buying[name] for name in ("orders", "currency", "revenue", "average", "usual_gap_days")} == {
        "orders": 3, "currency": "EUR", "revenue": "28.00", "average": "9.33", "usual_gap_days": 15.0,
    }  # fmt: skip
    assert [(one["name"], one["orders"], one["amount"]) for one in buying["channels"]] == [
        ("Web shop", 2, "25.00"),
        ("Till", 1, "3.00"),
    ]
    assert [(one["name"], one["quantity"], one["amount"]) for one in buying["products"]] == [
        ("beans", 2, "20.00"),
        ("cups", 1, "5.00"),
    ]
    assert [(one["name"], one["activities"]) for one in body["sources"]] == [("Till", 2), ("Web shop", 4)]
    assert [(one["id"], one["make"], one["system"], one["program"]) for one in body["devices"]] == [
        ("d1", "Fairphone 5", "Android", ""),
        ("tablet", "", "", AGENT),
    ]
    assert [(one["value"], one["source"], one["holds"]) for one in body["trait_values"]] == [
        ("Gouda", "Till", True),
        ("Delft", "Web shop", False),
    ]
    assert sum(lot["remaining"] for lot in body["lots"]) == body["balances"]["score"]
    assert body["consents"] == []


def test_a_part_that_was_not_asked_for_costs_nothing(eva, get, statements):
    def asked(include=""):
        statements.clear()
        body = get(f"{eva}?include={include}").json()
        assert {name for name in PARTS if body[name] is not None} == set(filter(None, include.split(",")))
        return len(statements)

    alone = asked()
    assert {part: asked(part) - alone for part in PARTS} == dict.fromkeys(PARTS, 1)


def test_a_part_that_is_none_is_refused(eva, get):
    answer = get(f"{eva}?include=buying,secrets")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "secrets" in answer.json()["detail"]


def test_the_timeline_by_kind_source_and_period(eva, get):
    def told(query=""):
        return [row["activity"]["kind"] for row in get(f"{eva}/timeline?{query}").json()["data"] if row["activity"]]

    everything = told()
    assert everything == ["identify", "Order Completed", "Order Refunded", "Order Completed", "Order Completed", "identify"]
    assert told("kind=Order%20Refunded") == ["Order Refunded"]
    assert told("source=Till") == ["identify", "Order Completed"]
    assert told("source=Nobody") == []
    assert told("from=2026-05-02T12:00:00Z&to=2026-05-22T12:00:00Z") == ["Order Refunded", "Order Completed"]
    assert told("from=2026-05-02T12:00:01Z&to=2026-05-12T12:00:00Z") == []
    first = get(f"{eva}/timeline?limit=4").json()
    rest = get(f"{eva}/timeline?limit=4&cursor={first['next_cursor']}").json()
    assert [row["activity"]["kind"] for row in (*first["data"], *rest["data"])] == everything
    assert rest["next_cursor"] is None
    assert first["data"][1]["movements"][0]["amount"] > 0
    refused = get(f"{eva}/timeline?from=yesterday")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert get("/v1/customers/user_id:nobody/timeline").status_code == 404
