"""Amounts that nobody can mean: below zero, nothing, parts of a point, more than there is."""

import json

import pytest

from stamgast.access.operations import create_key
from stamgast.kit.database import transaction
from stamgast.programmes.documents import load
from stamgast.programmes.errors import InvalidProgramme

from .shop import BEN, EUROS, NOW, document, line, order, refund

NOT_AMOUNTS = [-1, -100, 0, 0.5, 1.5, "-5", "1e3", "ten", "5", True, 10**16, [], {}]


@pytest.fixture
def shop(open_shop):
    shop = open_shop(document())
    shop.tell(order("o1", "100.00"), order("o2", "5.00", user="ben"))
    return shop


@pytest.fixture
def post(client, shop):
    with transaction() as cursor:
        key = create_key(cursor, "till", ["*"], at=NOW, actor="test")[1]

    def send(path, name, **body):
        headers = {"authorization": f"Bearer {key}", "idempotency-key": name}
        answer = client.post(
            f"/v1/customers/user_id:anna/{path}",
            json.dumps({"reason": "test", **body}),
            content_type="application/json",
            headers=headers,
        )
        return answer.status_code, answer.json()

    return send


@pytest.mark.django_db
@pytest.mark.parametrize("amount", NOT_AMOUNTS, ids=repr)
def test_no_way_of_using_points_takes_what_is_no_amount(shop, post, amount):
    """wpswings/points-and-rewards-for-woocommerce #71, #169, #177: "apply points" took a value below zero."""
    _, held = post("holds", "hold", currency="points", amount=10)
    _, spent = post("spends", "spend", currency="points", amount=10)
    before = shop.balance(), shop.balance(BEN)
    asked = {
        "spends": {"currency": "points"},
        "holds": {"currency": "points"},
        "transfers": {"currency": "points", "receiver": BEN},
        f"holds/{held['id']}/capture": {},
        f"spends/{spent['id']}/reversals": {},
    }
    for path, more in asked.items():
        status, said = post(path, path, amount=amount, **more)
        assert (path, status, said["code"], said["fields"]) == (path, 422, "invalid_request", ["body.amount"])
    assert (shop.balance(), shop.balance(BEN)) == before


@pytest.mark.django_db
def test_more_than_there_is_is_refused_and_changes_nothing(shop, post):
    """fuint #71, wpswings #71: a balance below zero."""
    for path, more in (("spends", {}), ("holds", {}), ("transfers", {"receiver": BEN})):
        status, said = post(path, path, currency="points", amount=101, **more)
        assert (status, said["code"]) == (409, "insufficient_balance")
    assert (shop.points(), shop.points(BEN)) == (100, 5)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "told",
    [
        order("o3", "-50.00"),
        order("o3", products=[line("a", "-10.00", 5)]),
        order("o3", products=[line("a", "10.00", -5)]),
        refund("o1", "-0.00"),
        refund("unknown", "-100.00"),
        order("o1", "-40.00", event="Till Return", number="of another"),
    ],
    ids=["total", "price", "quantity", "refund of nothing", "refund of an unknown order", "return below zero"],
)
def test_an_order_below_zero_takes_no_points_of_others(shop, told):
    """wpswings #169; odoo PR #177312: a line below zero counts as less than nothing."""
    shop.tell(order("o9", "3.00"))
    shop.tell(told)
    left = 60 if told["event"] == "Till Return" else 100  # what came back of o1 is written with or without its sign
    assert (shop.points(), shop.balance().debt) == (left + 3, 0)


@pytest.mark.parametrize(
    "rule",
    [
        {"give": {"points": -5}},
        {"give": {"points": 0}},
        {"give": {"points": 1.5}},
        {"give": {"points": {"amount": -1, "per": 1}}},
        {"give": {"points": {"amount": 1, "per": -1}}},
        {"give": {"points": {"amount": 1, "per": 0}}},
        {"give": {"points": 5}, "cap": {"points": -1, "per": "day"}},
        {"multiply": {"points": -2}, "give": None},
        {"multiply": {"points": 0.5}, "give": None},
    ],
    ids=json.dumps,
)
def test_a_programme_cannot_give_less_than_nothing(rule):
    """wpswings #177: the points of a membership could be set below zero."""
    stated = {name: value for name, value in {**EUROS, **rule}.items() if value is not None}
    with pytest.raises(InvalidProgramme):
        load(document(stated))
