"""Computed traits over the API: the definitions, and one customer's values with the customer."""

from decimal import Decimal

import pytest
from django.db import connection

from stamgast.kit.database import transaction
from stamgast.traits.definition import read_definition
from stamgast.traits.operations import save_trait

from .conftest import NOW

SHOP = {"zone": "Europe/Amsterdam", "currency": "EUR"}
BOUGHT = {"activity": "Order Completed"}


@pytest.fixture
def traits(shop: None) -> None:
    documents = [
        {"name": "orders", "label": "Orders", "aggregate": "count", "when": BOUGHT},
        {"name": "spent", "label": "Spent", "aggregate": "sum", "of": "amount", "when": BOUGHT},
        {"name": "last_coupon", "label": "Coupon", "aggregate": "last", "of": "properties.coupon_id"},
    ]
    with transaction() as cursor:
        for document in documents:
            save_trait(cursor, read_definition(document, **SHOP), after=None, at=NOW, actor="test")


def test_definitions_by_page(traits, get) -> None:
    first = get("/v1/traits?limit=2", **{"accept-language": "nl"}).json()
    assert [one["name"] for one in first["data"]] == ["last_coupon", "orders"]
    rest = get(f"/v1/traits?limit=2&cursor={first['next_cursor']}").json()
    assert rest == {
        "data": [
            {
                "name": "spent",
                "label": "Spent",
                "type": "money",
                "currency": "EUR",
                "sentence": "The sum of the amount in EUR, where the activity is Order Completed.",
                "definition": {
                    "name": "spent", "label": "Spent", "aggregate": "sum", "of": "amount", "when": BOUGHT, "currency": "EUR",
                },
                "version": 1,
                "saved_at": NOW.isoformat().replace("+00:00", "Z"),
                "computed_at": None,
            }
        ],
        "next_cursor": None,
    }  # fmt: skip
    assert first["data"][1]["sentence"] == "Het aantal activiteiten, waarvoor geldt: de activiteit is Order Completed."
    assert get("/v1/traits?cursor=nonsense").status_code == 422


def test_values_come_with_the_customer_who_is_asked_for(traits, get, statements) -> None:
    assert get("/v1/customers/user_id:bob").json()["computed_traits"] is None
    without = len(statements)
    statements.clear()
    answer = get("/v1/customers/user_id:bob?include=computed_traits").json()
    assert len(statements) == without + 4, "definitions, an erasure, identifiers, activities"
    assert [(one["name"], one["value"], one["activities"]) for one in answer["computed_traits"]] == [
        ("last_coupon", None, 3), ("orders", 2, 2), ("spent", "12.50", 2),
    ]  # fmt: skip
    assert get("/v1/customers/user_id:anna?include=computed_traits").json()["computed_traits"][0]["value"] == "c"
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(amount_minor) FROM activities_activity WHERE kind = 'Order Completed'")
        assert cursor.fetchone() == (Decimal(1250),)
