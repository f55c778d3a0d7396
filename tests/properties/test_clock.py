"""While the clock goes on and points expire, activities come in late or at once: the end is as the plain oracle says."""

from datetime import timedelta

import pytest
from django.db import transaction as django_transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from stamgast.activities.operations import store
from stamgast.flows.audit import run as audit
from stamgast.flows.decide_pending import decide_pending, settle_now
from stamgast.flows.install import BEGINNING
from stamgast.kit.database import open_cursor, transaction
from stamgast.programmes.operations import publish
from stamgast.segments.operations import define_segment

from . import oracle
from .test_any_order import DOCUMENT, NOW, OVER, expected, found, moments, read

days_late = st.integers(0, 120)
coupons = st.builds(
    lambda who, at, late: ((who, at, oracle.COUPON, "o", None), min(at + timedelta(days=late), NOW)),
    st.sampled_from([("user_id:u1",), ("user_id:u1", "anonymous_id:a1"), ("anonymous_id:a1",)]),
    moments,
    days_late,
)
EARLY = (("user_id:u1",), NOW - timedelta(days=110), oracle.COUPON, "o", None)
NEXT = (("user_id:u1",), NOW - timedelta(days=100), oracle.COUPON, "o", None)


@pytest.mark.django_db
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@example([(EARLY, NOW), (NEXT, NOW)])
@example([(EARLY, EARLY[1]), (NEXT, NOW)])
@given(st.lists(coupons, min_size=2, max_size=8))
def test_what_comes_in_after_something_expired_counts_from_when_it_happened(arrivals):
    with django_transaction.atomic():
        with transaction() as cursor:
            publish(cursor, DOCUMENT, effective_from=BEGINNING, at=NOW, actor="test", reason="test")
            define_segment(cursor, name="Few", condition={"balance": "score", "over": OVER}, at=NOW, actor="test")
            activities, messages = read(cursor, [row for row, _ in arrivals])
        for activity, at in sorted(zip(activities, [at for _, at in arrivals], strict=True), key=lambda pair: pair[1]):
            settle_now(at=at, actor="test")
            with transaction() as cursor:
                store(cursor, [activity], [])
            decide_pending(at=at, actor="test", limit=10)
        settle_now(at=NOW, actor="test")
        with open_cursor() as cursor:
            assert found(cursor) == expected(messages)
        assert audit(lambda check, rows: None) == []
        django_transaction.set_rollback(True)
