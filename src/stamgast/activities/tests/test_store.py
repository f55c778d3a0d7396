"""Storing and reading back, on the real database."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Rollback

from stamgast.activities.messages import Reader
from stamgast.activities.operations import remove_pending, store
from stamgast.activities.queries import (
    count_pending,
    find_oldest_pending,
    get_activity,
    list_kinds,
    list_latest,
    load_for_deciding,
    load_history,
    take_pending,
)
from stamgast.activities.refusal_queries import list_refusals
from stamgast.activities.tests.conftest import NOON
from stamgast.activities.timeline import list_activities
from stamgast.activities.types import Activity, Line, NewActivity, Refused, Source, Stored
from stamgast.customers.rules import identifier_id
from stamgast.kit.database import Cursor
from stamgast.kit.paging import InvalidCursor, encode_cursor

Read = Callable[..., Any]


def everything(cursor: Cursor) -> list[Any]:
    """All rows of the three tables, in no order that depends on how they came in."""
    return [
        cursor.execute(f"SELECT {columns} FROM {table} ORDER BY 1, 2").fetchall()
        for table, columns in (
            ("activities_activity", "id, type, kind, anchor_id, identifiers::text, occurred_at, received_at, order_id, body"),
            ("activities_pending", "occurred_at, activity_id, received_at"),
            ("activities_refusal", "id, reason, detail, body"),
        )
    ]


def test_an_activity_is_stored_whole_and_waits(cursor: Cursor, read: Read) -> None:
    activity = read(
        type="track",
        event="Order Completed",
        messageId="m1",
        userId="900",
        timestamp="2026-02-28T11:59:59.123456Z",
        context={"traits": {"email": "a@example.org"}},
        properties={"order_id": "7", "revenue": "12.30", "products": [{"product_id": 1, "price": 12.3, "category": "tea"}]},
    )
    assert store(cursor, [activity], []) == Stored(new=1, repeated=0, refused=0)
    assert get_activity(cursor, activity.id) == Activity(
        id=activity.id,
        source="shop",
        type="track",
        kind="Order Completed",
        identifiers=("user_id:900", "email:a@example.org"),
        occurred_at=activity.occurred_at,
        received_at=NOON,
        order_id="7",
        amount_minor=1230,
        currency="EUR",
        lines=[Line("1", "tea", 1, 1230)],
        properties={"order_id": "7", "revenue": "12.30", "products": [{"product_id": 1, "price": 12.3, "category": "tea"}]},
    )
    assert activity.occurred_at.microsecond == 123_456
    [pending] = take_pending(cursor, 10)
    assert (pending.activity_id, pending.received_at) == (activity.id, NOON)
    assert (count_pending(cursor), count_pending(cursor, at_most=0), find_oldest_pending(cursor)) == (1, 0, NOON)
    remove_pending(cursor, [pending])
    assert (take_pending(cursor, 10), find_oldest_pending(cursor)) == ([], None)


def test_a_number_that_no_float_holds_breaks_no_page_and_no_decision(cursor: Cursor, reader: Reader, shop: Source) -> None:
    raw = b'{"type":"identify","userId":"u","messageId":"m","traits":{"age":1e400,"size":1.5},"properties":{"n":[1e400]}}'
    activity = reader.read_message(raw, source=shop, received_at=NOON, fallback_id="")
    assert isinstance(activity, NewActivity)
    store(cursor, [activity], [])
    assert list_latest(cursor).rows[0].properties == {"n": ["1e400"]}
    assert load_for_deciding(cursor, [activity.id], needs_body=True).traits == [{"age": "1e400", "size": 1.5}]


@pytest.mark.parametrize("key", [("x", "y"), ("2026-01-01", "y"), ("\x00", str(UUID(int=1)))])
def test_a_cursor_that_no_list_made_is_refused(cursor: Cursor, key: tuple[str, str]) -> None:
    for read in (
        lambda: list_latest(cursor, after=encode_cursor(*key)),
        lambda: list_activities(cursor, [], before=encode_cursor(*key)),
        lambda: list_refusals(cursor, after=encode_cursor(*key)),
    ):
        with pytest.raises(InvalidCursor):
            read()


def test_the_same_message_is_stored_once_for_ever(cursor: Cursor, read: Read) -> None:
    first = read(type="page", userId="u", messageId="m")
    again = read(NOON + timedelta(days=4_000), type="page", userId="u", messageId="m")
    assert store(cursor, [first, first], []) == Stored(1, 1, 0)
    remove_pending(cursor, take_pending(cursor, 9))
    assert store(cursor, [again, first], []) == Stored(0, 2, 0)
    assert get_activity(cursor, first.id).received_at == NOON
    assert count_pending(cursor) == 0


def test_the_queue_keeps_the_order_in_which_things_happened(cursor: Cursor, read: Read) -> None:
    activities = [read(NOON + timedelta(seconds=n), type="page", userId="u", messageId=f"m{n}") for n in range(50)]
    store(cursor, list(reversed(activities)), [])
    assert [row.activity_id for row in take_pending(cursor, 100)] == [activity.id for activity in activities]


def test_nothing_is_said_to_the_worker_when_nothing_is_new(cursor: Cursor, read: Read) -> None:
    activity = read(type="page", userId="u", messageId="m")
    with connection.execute_wrapper(lambda execute, *rest: execute(*rest)):
        assert store(cursor, [], []) == Stored(0, 0, 0)
        assert store(cursor, [activity], []).new == 1
        assert store(cursor, [activity], []).new == 0


def test_the_transaction_that_stored_a_row_is_on_it(cursor: Cursor, read: Read) -> None:
    store(cursor, [read(type="page", userId="u", messageId="m")], [])
    row = cursor.execute("SELECT stored_in = pg_current_xact_id() FROM activities_activity").fetchone()
    assert row == (True,)


MESSAGES = st.lists(
    st.builds(
        lambda number, user, event: {"type": "track", "messageId": f"m{number}", "userId": user, "event": event},
        st.integers(0, 6),
        st.sampled_from(("u1", "u2", "null")),
        st.just("Never Heard Of"),
    ),
    max_size=12,
    unique_by=lambda message: (message["messageId"],),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=MESSAGES, data=st.data())
def test_any_order_repetition_and_grouping_gives_the_same_rows(
    cursor: Cursor, reader: Reader, shop: Source, messages: list[dict[str, str]], data: st.DataObject
) -> None:
    read = [
        reader.read_message(msgspec.json.encode(message), source=shop, received_at=NOON, fallback_id="") for message in messages
    ]
    repeated = data.draw(
        st.permutations(read + data.draw(st.lists(st.sampled_from(read), max_size=6) if read else st.just([])))
    )
    groups = data.draw(st.lists(st.integers(0, len(repeated)), max_size=4).map(sorted))
    outcomes = []
    for parts in ([read], [repeated[a:b] for a, b in zip([0, *groups], [*groups, len(repeated)], strict=True)]):
        with cursor.connection.transaction():
            for part in parts:
                activities = [one for one in part if isinstance(one, NewActivity)]
                store(cursor, activities, [one for one in part if isinstance(one, Refused)])
            outcomes.append(everything(cursor))
            raise Rollback
    assert outcomes[0] == outcomes[1]
    assert len(outcomes[0][0]) == len({message["messageId"] for message in messages if message["userId"] != "null"})


def test_a_kind_that_was_never_heard_of_is_kept_and_shown(cursor: Cursor, read: Read) -> None:
    store(cursor, [read(type="track", event="Chair Reserved", userId="u", messageId="m")], [])
    [kind] = list_kinds(cursor, is_undescribed=True)
    assert (kind.name, kind.schema, kind.is_builtin, kind.first_seen_at) == ("Chair Reserved", None, False, NOON)


def test_columns_for_deciding(cursor: Cursor, read: Read) -> None:
    order = read(
        type="track", event="Order Completed", messageId="1", userId="u", timestamp="2026-02-01T00:00:00Z",
        properties={"order_id": "7", "products": [{"product_id": "a", "price": 2, "quantity": 2}]},
    )  # fmt: skip
    named = read(type="identify", messageId="2", anonymousId="x", timestamp="2026-01-01T00:00:00Z", traits={"name": "A"})
    other = read(type="group", messageId="3", userId="v", groupId="g", traits={"name": "Company"})
    store(cursor, [order, named, other], [])
    columns = load_for_deciding(cursor, [order.id, named.id], needs_body=True)
    assert len(columns) == 2
    assert columns.ids == [named.id, order.id]
    assert columns.anchor_ids == [identifier_id("anonymous_id", "x"), identifier_id("user_id", "u")]
    assert columns.identifiers == [("anonymous_id:x",), ("user_id:u",)]
    assert (columns.types, columns.kinds, columns.sources) == (
        ["identify", "track"],
        ["identify", "Order Completed"],
        ["shop"] * 2,
    )
    assert (columns.amounts_minor, columns.currencies, columns.order_ids) == ([None, 400], [None, "EUR"], [None, "7"])
    assert columns.lines == [None, [Line("a", "", 2, 400)]]
    assert columns.traits == [{"name": "A"}, None]
    assert columns.properties[0] is None
    assert columns.properties[1] is not None
    assert msgspec.json.decode(columns.properties[1])["order_id"] == "7"
    without = load_for_deciding(cursor, [order.id, named.id], needs_body=False)
    assert (without.properties, without.lines, without.traits) == ([None] * 2, [None] * 2, [{"name": "A"}, None])
    anchors = [order.anchor_id, named.anchor_id, other.anchor_id]
    assert len(load_history(cursor, anchors, needs_body=True)) == 0
    remove_pending(cursor, take_pending(cursor, 2))
    history = load_history(cursor, anchors, needs_body=True)
    assert history.ids == [named.id, order.id]


def test_a_timeline_and_the_live_view_are_paged_without_gaps(cursor: Cursor, read: Read) -> None:
    activities = [
        read(
            NOON + timedelta(seconds=n // 3),
            type="page",
            userId=f"u{n % 2}",
            messageId=f"m{n}",
            timestamp="2026-01-01T00:00:00Z",
        )
        for n in range(20)
    ]
    store(cursor, activities, [])
    mine = {activity.id for activity in activities if activity.identifiers == ("user_id:u0",)}
    anchors = [identifier_id("user_id", "u0")]
    for wanted, page_after in (
        (mine, lambda after: list_activities(cursor, anchors, before=after, limit=3)),
        (
            {activity.id for activity in activities},
            lambda after: list_latest(cursor, source="shop", kind="page", after=after, limit=7),
        ),
    ):
        seen: list[Activity] = []
        after = None
        while True:
            page = page_after(after)
            seen += page.rows
            after = page.next_cursor
            if after is None:
                break
        assert len(seen) == len(wanted)
        assert {activity.id for activity in seen} == wanted


@pytest.mark.usefixtures("committed")
def test_two_workers_do_not_take_the_same(reader: Reader) -> None:
    from stamgast.activities.intake import _connect
    from stamgast.activities.operations import ensure_source

    with _connect() as one, _connect() as two:
        with one.transaction(), one.cursor() as cursor:
            shop = ensure_source(cursor, "shop", at=NOON, actor="test")
            raws = [b'{"type":"page","userId":"u","messageId":"%d"}' % n for n in range(10)]
            store(cursor, [reader.read_message(raw, source=shop, received_at=NOON, fallback_id="") for raw in raws], [])  # type: ignore[misc]
        with one.transaction(), two.transaction(), one.cursor() as first, two.cursor() as second:
            taken = [take_pending(first, 6), take_pending(second, 6)]
    assert [len(rows) for rows in taken] == [6, 4]
    assert not set(taken[0]) & set(taken[1])
