from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from stamgast.activities.envelopes import read_batch, refuse
from stamgast.activities.errors import RefusalNotFound, RefusalSettled, StillRefused
from stamgast.activities.messages import Reader
from stamgast.activities.operations import correct_and_resend, dismiss, store
from stamgast.activities.queries import count_pending, get_activity
from stamgast.activities.refusal_queries import count_refusals, get_refusal, list_refusals
from stamgast.activities.tests.conftest import NOON
from stamgast.activities.types import Reason, Refused, Source, Stored
from stamgast.kit.database import Cursor
from stamgast.kit.ids import new_id

LATER = NOON + timedelta(days=9)
Read = Callable[..., Any]


@pytest.fixture
def refused(cursor: Cursor, read: Read) -> Refused:
    refused: Refused = read(type="track", event="Order Completed", userId="u", messageId="m", timestamp="2026-02-28T12:00:00Z")
    assert store(cursor, [], [refused, refused]) == Stored(0, 0, 1)
    assert store(cursor, [], [refused]) == Stored(0, 0, 0)
    return refused


def test_what_is_refused_waits_whole_with_its_reason(cursor: Cursor, refused: Refused) -> None:
    [kept] = list_refusals(cursor).rows
    assert (kept.id, kept.source, kept.reason, kept.body) == (refused.id, "shop", "schema", refused.body)
    assert kept.detail == 'properties: "order_id" is a required property'
    assert count_refusals(cursor) == {"schema": 1}
    assert count_pending(cursor) == 0


def test_corrected_it_is_stored_as_on_its_day(cursor: Cursor, reader: Reader, refused: Refused) -> None:
    body = msgspec.json.decode(refused.body) | {"properties": {"order_id": "7", "revenue": 5}}
    mended = msgspec.json.encode(body).decode()
    [activity_id] = correct_and_resend(cursor, refused.id, mended, reader=reader, at=LATER, actor="anna")
    activity = get_activity(cursor, activity_id)
    assert (activity.received_at, activity.occurred_at, activity.amount_minor) == (NOON, NOON - timedelta(days=1), 500)
    assert count_pending(cursor) == 1
    settled = get_refusal(cursor, refused.id)
    assert (settled.settled_at, settled.settled_by, settled.activity_id) == (LATER, "anna", activity_id)
    assert list_refusals(cursor).rows == []
    assert list_refusals(cursor, is_settled=True).rows == [settled]
    with pytest.raises(RefusalSettled):
        correct_and_resend(cursor, refused.id, mended, reader=reader, at=LATER, actor="anna")


def test_what_is_still_wrong_changes_nothing(cursor: Cursor, reader: Reader, refused: Refused) -> None:
    with pytest.raises(StillRefused, match="order_id") as error:
        correct_and_resend(cursor, refused.id, refused.body, reader=reader, at=LATER, actor="anna")
    assert error.value.details == {"reason": "schema"}
    assert get_refusal(cursor, refused.id).settled_at is None
    assert count_pending(cursor) == 0


def test_dismissed_it_stays_on_record(cursor: Cursor, refused: Refused) -> None:
    dismiss(cursor, refused.id, at=LATER, actor="anna")
    assert store(cursor, [], [refused]).refused == 0
    assert list_refusals(cursor).rows == []
    assert get_refusal(cursor, refused.id).activity_id is None
    with pytest.raises(RefusalSettled):
        dismiss(cursor, refused.id, at=LATER, actor="anna")
    with pytest.raises(RefusalNotFound):
        dismiss(cursor, new_id(), at=LATER, actor="anna")


def test_a_batch_that_could_not_be_read_comes_back_as_a_batch_or_not_at_all(
    cursor: Cursor, reader: Reader, shop: Source
) -> None:
    raw = b'{"batch":[{"type":"page","userId":"a"},{"type":"page","userId":"b"}],"sentAt":"2026-03-01T12:00:00Z"'
    with pytest.raises(ValueError, match="truncated"):
        read_batch(raw)
    refused = refuse(raw, reason=Reason.INVALID_JSON, detail="truncated", source=shop, received_at=NOON)
    store(cursor, [], [refused])
    half = refused.body.replace('"b"', '""') + "}"
    with pytest.raises(StillRefused, match=r"^Message 2: "):
        correct_and_resend(cursor, refused.id, half, reader=reader, at=LATER, actor="anna")
    assert count_pending(cursor) == 0
    assert len(correct_and_resend(cursor, refused.id, refused.body + "}", reader=reader, at=LATER, actor="anna")) == 2
    assert count_pending(cursor) == 2


def test_refusals_are_paged_and_chosen(cursor: Cursor, read: Read) -> None:
    store(cursor, [], [read(NOON + timedelta(seconds=n // 2), type="page", n=n) for n in range(7)])
    first = list_refusals(cursor, source="shop", reason="no_identity", limit=4)
    second = list_refusals(cursor, after=first.next_cursor, limit=4)
    assert [len(first.rows), len(second.rows), second.next_cursor] == [4, 3, None]
    assert len({row.id for row in (*first.rows, *second.rows)}) == 7
    assert list_refusals(cursor, reason="schema").rows == []
