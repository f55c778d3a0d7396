"""What earlier releases gave that is no longer given is taken back once the worker follows the versions."""

from importlib import import_module

import pytest

from stamgast.flows import history
from stamgast.flows.publish import Follower
from stamgast.kit.database import transaction
from stamgast.programmes import matching
from tests.complaints.shop import BEN, EUROS, Shop, document, order, refund

RETURNS = import_module("stamgast.programmes.migrations.0005_decide_returns_again")
CHALLENGES = import_module("stamgast.programmes.migrations.0006_decide_challenges_again")


@pytest.mark.django_db
def test_whom_a_return_concerns_is_decided_again(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop(document({"name": "gift", "when": EUROS["when"], "give": {"points": 10}}))
    net_of = history._net_of
    with monkeypatch.context() as former:
        former.setattr(history, "_net_of", lambda *told: net_of(*told)._replace(is_returned=False))
        shop.tell(order("o1", "20.00"), order("o2", "20.00", user="ben"))
        shop.tell(refund("o1"))
    assert (shop.points(), shop.points(BEN)) == (10, 10)
    with transaction() as cursor:
        cursor.execute(RETURNS.DECIDE_AGAIN)
        assert cursor.rowcount == 1
    Follower().turn(at=shop.now, actor="worker", should_stop=lambda: False)
    assert (shop.points(), shop.points(BEN)) == (0, 10)
    shop.close()


@pytest.mark.django_db
def test_whom_an_empty_text_helped_is_decided_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = {"name": "tour", "when": EUROS["when"], "give": {"points": 50}}
    shop = Shop(document({**rule, "challenge": {"count": 3, "different": "properties.shop", "per": "month"}}))
    number_of = matching.number_of
    with monkeypatch.context() as former:
        former.setattr(matching, "number_of", lambda value: number_of("" if value is None else value or "none"))
        for number, name in enumerate(("north", "", "south")):
            shop.tell(order(f"o{number}", "20.00", shop=name))
    assert shop.points() == 50
    with transaction() as cursor:
        cursor.execute(CHALLENGES.DECIDE_AGAIN)
        assert cursor.rowcount == 1
    Follower().turn(at=shop.now, actor="worker", should_stop=lambda: False)
    assert shop.points() == 0
    shop.tell(order("o4", "20.00", shop="east"))
    assert shop.points() == 50
    shop.close()
