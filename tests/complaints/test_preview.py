"""What a programme of tomorrow would give, before it holds."""

from datetime import datetime

import pyarrow as pa
import pytest

from stamgast.programmes import load, replay

from .shop import EUROS, NOW, days, document, order

CHRISTMAS = {"name": "christmas", "when": EUROS["when"], "multiply": {"points": 3}, "from": "2026-12-24", "until": "2026-12-26"}


def test_what_a_later_day_will_give_can_be_seen_today():
    """Setono/SyliusCatalogPromotionPlugin #67: a promotion of the future could not be tried."""
    moments = ["2026-12-23T23:59:59+01:00", "2026-12-24T00:00:00+01:00", "2026-12-26T23:59:59+01:00", "2026-12-27T00:00+01:00"]
    basket = {
        "customer_id": ["anna"] * 4,
        "activity_id": ["a", "b", "c", "d"],
        "occurred_at": [datetime.fromisoformat(moment) for moment in moments],
        "kind": ["Order Completed"] * 4,
        "amount_minor": [1000] * 4,
        "currency": ["EUR"] * 4,
    }
    given = dict.fromkeys("abcd", 0)
    for decisions in replay(load(document(EUROS, CHRISTMAS)), pa.table(basket)):
        for row in decisions.to_pylist():
            given[row["activity_id"]] += row["amount"]
    assert given == {"a": 10, "b": 30, "c": 30, "d": 10}


@pytest.mark.django_db
def test_a_version_that_is_scheduled_gives_nothing_before_its_moment(open_shop):
    """Setono/SyliusCatalogPromotionPlugin #67: what was made ready for later held at once."""
    shop = open_shop(document())
    double = document({**EUROS, "give": {"points": {"amount": 2, "per": 1}}})
    shop.tell(order("o1", "10.00"))
    shop.publish(double, since=NOW + days(1))
    shop.pass_to(NOW + days(2))
    shop.tell(order("o2", "10.00", NOW + days(1) - days(1) / 86_400), order("o3", "10.00", NOW + days(1)))
    assert [lot.given for lot in sorted(shop.lots(), key=lambda lot: lot.effective_at)] == [10, 10, 20]
