"""What releases before 0005 gave for orders that came back whole is taken back once the worker follows the versions."""

from importlib import import_module

import pytest

from stamgast.flows import history
from stamgast.flows.publish import Follower
from stamgast.kit.database import transaction
from tests.complaints.shop import BEN, EUROS, Shop, document, order, refund

MIGRATION = import_module("stamgast.programmes.migrations.0005_decide_returns_again")


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
        cursor.execute(MIGRATION.DECIDE_AGAIN)
        assert cursor.rowcount == 1
    Follower().turn(at=shop.now, actor="worker", should_stop=lambda: False)
    assert (shop.points(), shop.points(BEN)) == (0, 10)
    shop.close()
