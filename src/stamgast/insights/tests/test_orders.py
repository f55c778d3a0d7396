"""From activities to orders, and from moments to days of the shop."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stamgast.insights.errors import NaiveMoment, UnknownZone
from stamgast.insights.orders import orders_in_zone, orders_of
from stamgast.insights.series import members_over_time
from stamgast.insights.types import Period

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)
ACTIVITIES = pa.schema(
    [("activity_id", pa.string()), ("kind", pa.string()), ("anchor_id", pa.string()),
     ("occurred_at", pa.timestamp("us", "UTC")), ("order_id", pa.string()), ("amount_minor", pa.int64()),
     ("currency", pa.string())]
)  # fmt: skip
LINKS = pa.table({"anchor_id": ["1", "2", "card"], "customer_id": ["anna", "bob", "anna"]})


def orders(*activities):
    rows = []
    for n, (kind, anchor, hours, *rest) in enumerate(activities):
        values = (f"activity {n}", kind, anchor, NOON + timedelta(hours=hours), *rest)
        rows.append(dict(zip(ACTIVITIES.names, values, strict=True)))
    made = orders_of(ibis.memtable(pa.Table.from_pylist(rows, schema=ACTIVITIES)), ibis.memtable(LINKS))
    fields = ("customer_id", "order_id", "amount_minor", "currency", "is_return")
    return Counter(tuple(row[name] for name in fields) for row in made.to_pyarrow().to_pylist())


DONE, ALSO, REFUND, TILL_RETURN = "Order Completed", "Completed Order", "Order Refunded", "Till Return"
UPDATE, CANCEL, EUR = "Order Updated", "Order Cancelled", "EUR"


@pytest.mark.parametrize(
    ("activities", "expected"),
    [
        ([("Till Sale", "1", 0, None, 500, EUR)], [("anna", "activity 0", 500, EUR, False)]),
        ([("Page", "1", 0, None, 500, EUR), ("Till Sale", "unknown", 0, None, 500, EUR)], []),
        # The same order from two identifiers of one customer is one order; of two customers it is two.
        ([(DONE, "1", 0, "7", 500, EUR), (ALSO, "card", 1, "7", 600, EUR)], [("anna", "7", 600, EUR, False)]),
        ([(DONE, "1", 0, "7", 500, EUR), (DONE, "2", 1, "7", 600, EUR)],
         [("anna", "7", 500, EUR, False), ("bob", "7", 600, EUR, False)]),
        # A part returned, all returned, more than all returned, a return without an amount.
        ([(DONE, "1", 0, "7", 500, EUR), (REFUND, "1", 1, "7", 200, None)],
         [("anna", "7", 300, EUR, False), ("anna", "7", 200, EUR, True)]),
        ([(DONE, "1", 0, "7", 500, EUR), (TILL_RETURN, "1", 1, "7", -500, EUR)],
         [("anna", "7", 0, EUR, False), ("anna", "7", 500, EUR, True)]),
        ([(DONE, "1", 0, "7", 500, EUR), (REFUND, "1", 1, "7", 400, EUR), (REFUND, "1", 2, "7", 200, EUR)],
         [("anna", "7", 0, EUR, False), ("anna", "7", 400, EUR, True), ("anna", "7", 200, EUR, True)]),
        ([(REFUND, "1", 1, "7", None, None), (DONE, "1", 0, "7", 500, EUR)],
         [("anna", "7", 0, EUR, False), ("anna", "7", 500, EUR, True)]),
        # What came before the order cannot be about it; what came at the same moment can.
        ([(REFUND, "1", -1, "7", 100, EUR), (UPDATE, "1", -1, "7", 900, EUR), (CANCEL, "1", -1, "7", None, None),
          (DONE, "1", 0, "7", 500, EUR)], [("anna", "7", 500, EUR, False), ("anna", "7", 100, EUR, True)]),
        ([(REFUND, "1", 0, "7", 100, EUR), (DONE, "1", 0, "7", 500, EUR)],
         [("anna", "7", 400, EUR, False), ("anna", "7", 100, EUR, True)]),
        # A return that names no order lowers none.
        ([(DONE, "1", 0, "7", 500, EUR), (TILL_RETURN, "1", 1, None, 200, EUR), (TILL_RETURN, "1", 1, "8", 100, EUR)],
         [("anna", "7", 500, EUR, False), ("anna", "activity 1", 200, EUR, True), ("anna", "8", 100, EUR, True)]),
        ([(DONE, "1", 0, "7", 500, EUR), (CANCEL, "1", 1, "7", None, None)], [("anna", "7", 0, EUR, False)]),
        # The latest amount stands, an update without one changes nothing, whatever order they come in.
        ([(UPDATE, "1", 1, "7", 900, EUR), (UPDATE, "1", 2, "7", None, EUR), (DONE, "1", 0, "7", 500, EUR)],
         [("anna", "7", 900, EUR, False)]),
        ([(UPDATE, "1", 1, "7", 900, EUR)], []),
        # An amount keeps its own currency: what told of no amount says nothing about it.
        ([(DONE, "1", 0, "7", 500, "USD"), (DONE, "1", 1, "7", None, EUR), (UPDATE, "1", 2, "7", None, EUR)],
         [("anna", "7", 500, "USD", False)]),
        ([(DONE, "1", 0, "7", None, EUR), (DONE, "1", 1, "7", 500, "USD")], [("anna", "7", 500, "USD", False)]),
        ([(DONE, "1", 0, "7", None, None)], [("anna", "7", 0, None, False)]),
    ],
)  # fmt: skip
def test_orders_of(activities, expected):
    assert orders(*activities) == Counter(expected)


def days(moments, zone):
    table = ibis.memtable(pa.table({"occurred_at": pa.array(moments, pa.timestamp("us", "UTC"))}))
    return orders_in_zone(table, zone).to_pyarrow()["ordered_on"].to_pylist()


def test_an_order_counts_on_its_day_in_the_zone_of_the_shop():
    moments = [
        datetime(2026, *rest, tzinfo=UTC)
        for rest in (
            (3, 28, 22, 59),
            (3, 28, 23, 0),
            (3, 29, 21, 59),
            (3, 29, 22, 0),
            (10, 24, 22, 0),
            (10, 25, 22, 59),
            (10, 25, 23, 0),
        )
    ]
    expected = [(3, 28), (3, 29), (3, 29), (3, 30), (10, 25), (10, 25), (10, 26)]
    assert days(moments, "Europe/Amsterdam") == [date(2026, *day) for day in expected]
    assert days(moments[:1], "Pacific/Kiritimati") == [date(2026, 3, 29)]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.datetimes(NOON.replace(year=1990, tzinfo=None), NOON.replace(year=2036, tzinfo=None)), min_size=1, max_size=50),
    st.sampled_from(["Europe/Amsterdam", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]),
)
def test_days_equal_those_of_pythons_own_zone_tables(moments, zone):
    aware = [moment.replace(tzinfo=UTC) for moment in moments]
    assert days(aware, zone) == [moment.astimezone(ZoneInfo(zone)).date() for moment in aware]


def test_zones_and_moments_that_are_refused():
    with pytest.raises(UnknownZone):
        days([], "Europe/Amsterdm")
    with pytest.raises(UnknownZone):
        days([], "../../etc/passwd")
    naive = ibis.memtable(pa.table({"occurred_at": pa.array([0], pa.timestamp("us"))}))
    with pytest.raises(NaiveMoment):
        orders_in_zone(naive, "UTC")


def stays_table(stays):
    moment = pa.timestamp("us", "UTC")
    columns = list(zip(*stays, strict=True)) or [(), ()]
    return ibis.memtable(pa.table({"entered_at": pa.array(columns[0], moment), "left_at": pa.array(columns[1], moment)}))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(-200, 400), st.one_of(st.none(), st.integers(0, 300))), max_size=20))
def test_members_over_time_equal_those_who_were_in_at_the_end_of_the_day(hours):
    stays = [(NOON + timedelta(hours=e), None if h is None else NOON + timedelta(hours=e + h)) for e, h in hours]
    period = Period(date(2026, 1, 30), date(2026, 2, 9))
    measured = members_over_time(stays_table(stays), period, "Europe/Amsterdam").to_pyarrow().to_pylist()
    assert len(measured) == period.days
    for row in measured:
        end = datetime.combine(row["day"] + timedelta(days=1), datetime.min.time(), ZoneInfo("Europe/Amsterdam"))
        assert row["members"] == sum(entered < end and (left is None or left >= end) for entered, left in stays)
