"""Endpoints, the outbox, claims and what settling makes of them, on the real database."""

import json
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from uuid import UUID

import pytest

from stamgast.kit.database import open_cursor, transaction, trial
from stamgast.kit.ids import new_id
from stamgast.webhooks.errors import (
    DeliveryNotFound,
    EndpointExists,
    EndpointNotFound,
    EndpointSwitchedOff,
    InvalidEndpoint,
)
from stamgast.webhooks.operations import (
    claim_due,
    create_endpoint,
    delete_endpoint,
    edit_endpoint,
    list_wanted_kinds,
    reseal_endpoints,
    resend,
    resend_failed,
    rotate_secret,
    send_test,
    settle,
    sweep,
    switch,
    write_events,
)
from stamgast.webhooks.queries import (
    count_endpoints_sealed_by_former,
    count_waiting,
    find_next_due,
    get_endpoint,
    list_deliveries,
    summarise_endpoints,
)
from stamgast.webhooks.types import DeliveryState, Endpoint, EventKind, Fact, Outcome, Parcel, Reach, WhyOff

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
BY = {"actor": "staff:hanna@example.org"}
REACH = Reach((ip_network("127.0.0.0/8"),))
GOOD, BAD = Outcome(204, "", "", 12), Outcome(500, "", "sorry", 30)
pytestmark = pytest.mark.django_db(transaction=True)


def make(name: str = "crm", kinds: tuple[str, ...] = (EventKind.SEGMENT_ENTERED,)) -> Endpoint:
    with transaction() as cursor:
        return create_endpoint(
            cursor, name=name, url="https://example.org/hook", kinds=kinds, reach=REACH, random=bytes(32), at=NOW, **BY
        )[0]


def fact(number: int, kind: EventKind = EventKind.SEGMENT_ENTERED) -> Fact:
    return Fact(UUID(int=number), kind, NOW - timedelta(hours=1), {"customer_id": str(UUID(int=900))})


def tell(*facts: Fact, at: datetime = NOW) -> int:
    with transaction() as cursor:
        return write_events(cursor, facts, at=at)


def claim(at: datetime = NOW, limit: int = 10, busy: tuple[UUID, ...] = ()) -> list[Parcel]:
    with transaction() as cursor:
        return claim_due(cursor, new_id(), limit=limit, busy=busy, at=at)


def finish(parcel: Parcel, outcome: Outcome, at: datetime = NOW) -> None:
    with transaction() as cursor:
        settle(cursor, parcel, outcome, at=at, chance=0.5, actor="worker")


def log_of(endpoint: Endpoint, state: DeliveryState | None = None):
    with open_cursor() as cursor:
        return list_deliveries(cursor, endpoint.id, state=state, before=None, limit=50).rows


def trail() -> list[tuple[str, str | None]]:
    with open_cursor() as cursor:
        return cursor.execute("SELECT action, detail->>'why' FROM access_trail ORDER BY id").fetchall()


def fail_for_good(endpoint: Endpoint, number: int, at: datetime) -> datetime:
    """Tells one event and fails every attempt at it; returns the moment of the last."""
    tell(fact(number), at=at)
    for _ in range(10):
        with open_cursor() as cursor:
            at = find_next_due(cursor) or at
        [parcel] = claim(at)
        finish(parcel, BAD, at)
        with open_cursor() as cursor:
            if get_endpoint(cursor, endpoint.id).disabled_at:
                return at
    return at


def test_a_fact_is_written_once_for_each_who_asks_and_not_at_all_where_nobody_does() -> None:
    assert tell(fact(1)) == 0
    crm, mail = make(), make("mail", (EventKind.SEGMENT_ENTERED, EventKind.SEGMENT_LEFT))
    with open_cursor() as cursor:
        assert list_wanted_kinds(cursor) == {EventKind.SEGMENT_ENTERED, EventKind.SEGMENT_LEFT}
    assert tell(fact(1), fact(2, EventKind.SEGMENT_LEFT), fact(3, EventKind.CUSTOMER_MERGED)) == 3
    assert tell(fact(1), fact(2, EventKind.SEGMENT_LEFT)) == 0
    with open_cursor() as cursor:
        assert cursor.execute("SELECT id FROM webhooks_event ORDER BY id").fetchall() == [(UUID(int=1),), (UUID(int=2),)]
        assert count_waiting(cursor) == 3
    assert [row.event_id for row in log_of(crm)] == [UUID(int=1)]
    assert {row.event_id for row in log_of(mail)} == {UUID(int=1), UUID(int=2)}


def test_what_is_rolled_back_is_told_to_nobody() -> None:
    endpoint = make()
    with trial() as cursor:
        assert write_events(cursor, [fact(1)], at=NOW) == 1
    assert log_of(endpoint) == []


def test_an_endpoint_that_is_off_is_told_nothing_and_goes_on_with_what_waited() -> None:
    endpoint = make()
    tell(fact(1))
    with transaction() as cursor:
        assert switch(cursor, endpoint.id, is_on=False, at=NOW, **BY)
        assert not switch(cursor, endpoint.id, is_on=False, at=NOW, **BY)
        assert list_wanted_kinds(cursor) == frozenset()
        assert count_waiting(cursor) == 0
        assert find_next_due(cursor) is None
    assert tell(fact(2)) == 0
    assert claim() == []
    with transaction() as cursor:
        assert switch(cursor, endpoint.id, is_on=True, at=NOW, **BY)
    assert [parcel.event_id for parcel in claim()] == [UUID(int=1)]
    assert [action for action, _ in trail()] == ["create webhook", "switch webhook off", "switch webhook on"]


def test_a_claim_is_a_lease() -> None:
    endpoint = make()
    tell(fact(1))
    [parcel] = claim()
    assert claim() == []
    [again] = claim(NOW + timedelta(seconds=30))
    assert (again.event_id, again.attempts) == (parcel.event_id, 0)
    finish(parcel, BAD)  # comes back after its lease: only the log hears of it
    [row] = log_of(endpoint)
    assert (row.state, row.due_at, len(row.attempts)) == ("waiting", NOW + timedelta(seconds=60), 1)
    finish(again, GOOD)
    [row] = log_of(endpoint)
    assert (row.state, len(row.attempts)) == ("delivered", 2)


def test_a_claim_takes_a_few_of_each_and_none_of_the_busy() -> None:
    busy, other = make(), make("other")
    tell(*(fact(number) for number in range(1, 9)))
    assert [parcel.endpoint_id for parcel in claim(busy=(busy.id,))] == [other.id] * 4
    assert [parcel.endpoint_id for parcel in claim(busy=(other.id,), limit=3)] == [busy.id] * 3


def test_what_fails_is_tried_by_the_schedule_and_then_given_up() -> None:
    endpoint = make()
    last = fail_for_good(endpoint, 1, NOW)
    [row] = log_of(endpoint)
    assert (row.state, len(row.attempts)) == ("failed", 10)
    moments = [attempt.at for attempt in reversed(row.attempts)]
    assert moments[1] - moments[0] == timedelta(seconds=5)
    assert last - NOW == timedelta(hours=75, minutes=35, seconds=5)
    assert row.attempts[0].outcome == BAD
    assert claim(last + timedelta(days=9)) == []


def test_an_answer_forgets_that_it_failed() -> None:
    endpoint = make()
    tell(fact(1))
    finish(claim()[0], BAD)
    with open_cursor() as cursor:
        assert get_endpoint(cursor, endpoint.id).failing_since == NOW
    finish(claim(NOW + timedelta(seconds=5))[0], GOOD)
    with open_cursor() as cursor:
        assert get_endpoint(cursor, endpoint.id).failing_since is None


def test_gone_switches_off_at_once() -> None:
    endpoint = make()
    tell(fact(1), fact(2))
    finish(claim()[0], Outcome(410, "", "", 3))
    with open_cursor() as cursor:
        assert get_endpoint(cursor, endpoint.id).disabled_reason == WhyOff.GONE
    assert claim(NOW + timedelta(days=1)) == []
    assert trail()[-1] == ("switch webhook off", "gone")


def test_who_only_fails_for_five_days_is_switched_off() -> None:
    endpoint = make()
    for number, days in ((1, 0), (2, 4), (3, 8)):
        with open_cursor() as cursor:
            assert get_endpoint(cursor, endpoint.id).disabled_at is None
        fail_for_good(endpoint, number, NOW + timedelta(days=days))
    with open_cursor() as cursor:
        found = get_endpoint(cursor, endpoint.id)
    assert (found.disabled_reason, found.disabled_at.date().isoformat()) == (WhyOff.FAILING, "2026-06-12")


def test_a_test_is_tried_once_and_goes_to_one() -> None:
    endpoint, _other = make(), make("other")
    with transaction() as cursor:
        event_id = send_test(cursor, endpoint.id, at=NOW, **BY)
    [parcel] = claim()
    assert (parcel.event_id, parcel.endpoint_id, json.loads(parcel.body)["type"]) == (event_id, endpoint.id, "webhook.test")
    finish(parcel, BAD)
    assert [row.state for row in log_of(endpoint)] == ["failed"]


def test_sending_again_by_hand() -> None:
    endpoint = make()
    tell(fact(1), fact(2), fact(3))
    one, two, three = sorted(claim(), key=lambda parcel: parcel.event_id)
    finish(one, GOOD)
    with transaction() as cursor:
        cursor.execute(
            "UPDATE webhooks_delivery SET state = 'failed' WHERE id = ANY(%s)", ([two.delivery_id, three.delivery_id],)
        )
        resend(cursor, endpoint.id, one.delivery_id, at=NOW, **BY)
        assert resend_failed(cursor, endpoint.id, since=NOW + timedelta(seconds=1), at=NOW, **BY) == 0
        assert resend_failed(cursor, endpoint.id, since=NOW, at=NOW, **BY) == 2
    again = claim()
    assert {parcel.event_id for parcel in again} == {UUID(int=1), UUID(int=2), UUID(int=3)}
    assert {parcel.attempts for parcel in again} == {0}


def test_refusals_change_nothing() -> None:
    endpoint, other = make(), make("other")
    tell(fact(1))
    finish(claim()[0], GOOD)
    [row] = log_of(endpoint) or log_of(other)
    with transaction() as cursor:
        switch(cursor, endpoint.id, is_on=False, at=NOW, **BY)
    before = trail(), log_of(endpoint), log_of(other)
    form = {"url": "https://example.org/", "kinds": ["segment.left"], "reach": REACH, "at": NOW, **BY}
    acts = [
        (EndpointExists, lambda cursor: create_endpoint(cursor, name="other", random=bytes(32), **form)),
        (InvalidEndpoint, lambda cursor: create_endpoint(cursor, name="third", random=bytes(32), **form | {"url": "x"})),
        (EndpointExists, lambda cursor: edit_endpoint(cursor, endpoint.id, name="other", **form)),
        (EndpointNotFound, lambda cursor: edit_endpoint(cursor, UUID(int=1), name="fourth", **form)),
        (EndpointNotFound, lambda cursor: rotate_secret(cursor, UUID(int=1), random=bytes(32), at=NOW, **BY)),
        (EndpointNotFound, lambda cursor: delete_endpoint(cursor, "fifth", at=NOW, **BY)),
        (EndpointSwitchedOff, lambda cursor: send_test(cursor, endpoint.id, at=NOW, **BY)),
        (EndpointSwitchedOff, lambda cursor: resend_failed(cursor, endpoint.id, since=NOW, at=NOW, **BY)),
        (DeliveryNotFound, lambda cursor: resend(cursor, UUID(int=1), row.id, at=NOW, **BY)),
    ]
    for error, act in acts:
        with pytest.raises(error), transaction() as cursor:
            act(cursor)
    assert (trail(), log_of(endpoint), log_of(other)) == before


def test_for_a_day_both_secrets_sign() -> None:
    endpoint = make()
    tell(fact(1))
    with transaction() as cursor:
        _found, secret = rotate_secret(cursor, endpoint.id, random=bytes([1]) * 32, at=NOW, **BY)
    [parcel] = claim()
    assert (len(parcel.secrets), parcel.secrets[0]) == (2, secret)
    assert secret not in repr(parcel)
    [parcel] = claim(NOW + timedelta(hours=24))
    assert parcel.secrets == (secret,)
    with open_cursor() as cursor:
        assert secret not in str(cursor.execute("SELECT detail FROM access_trail").fetchall())


def test_what_waits_goes_to_the_new_address() -> None:
    endpoint = make()
    tell(fact(1))
    with transaction() as cursor:
        edited = edit_endpoint(
            cursor, endpoint.id, name="crm", url="https://example.com/", kinds=["segment.left"], reach=REACH, at=NOW, **BY
        )
    assert edited.kinds == ("segment.left",)
    assert [parcel.url for parcel in claim()] == ["https://example.com/"]


def test_deleting_takes_the_log_along() -> None:
    endpoint, other = make(), make("other")
    tell(fact(1))
    finish(next(parcel for parcel in claim() if parcel.endpoint_id == endpoint.id), BAD)
    with transaction() as cursor:
        assert delete_endpoint(cursor, "crm", at=NOW, **BY).id == endpoint.id
        assert cursor.execute("SELECT count(*) FROM webhooks_attempt").fetchone() == (0,)
        assert [row.endpoint.name for row in summarise_endpoints(cursor, since=NOW)] == ["other"]
    assert len(log_of(other)) == 1


def test_the_log_is_swept_after_thirty_days() -> None:
    endpoint = make()
    tell(fact(1))
    tell(fact(2), at=NOW + timedelta(days=1))
    for parcel in claim(NOW + timedelta(days=1)):
        finish(parcel, GOOD)
    with transaction() as cursor:
        assert sweep(cursor, at=NOW + timedelta(days=30)) == 0
        assert sweep(cursor, at=NOW + timedelta(days=30, seconds=1)) == 1
        assert cursor.execute("SELECT count(*) FROM webhooks_attempt").fetchone() == (1,)
    assert [row.event_id for row in log_of(endpoint)] == [UUID(int=2)]


def test_the_log_by_pages_and_by_state() -> None:
    endpoint = make()
    tell(*(fact(number) for number in range(1, 6)))
    for parcel in claim(limit=2):
        finish(parcel, GOOD)
    with open_cursor() as cursor:
        first = list_deliveries(cursor, endpoint.id, state=None, before=None, limit=3)
        second = list_deliveries(cursor, endpoint.id, state=None, before=first.next_cursor, limit=3)
        [summary] = summarise_endpoints(cursor, since=NOW)
    assert len({row.id for row in [*first.rows, *second.rows]}) == 5
    assert second.next_cursor is None
    assert len(log_of(endpoint, DeliveryState.DELIVERED)) == 2
    assert (summary.waiting, summary.delivered, summary.failed, summary.last_delivered_at) == (3, 2, 0, NOW)


def test_secrets_are_sealed_and_sealed_again_when_the_installation_has_a_new_one(settings) -> None:
    endpoint = make()
    with transaction() as cursor:
        _found, secret = rotate_secret(cursor, endpoint.id, random=bytes([1]) * 32, at=NOW, **BY)
        kept = cursor.execute("SELECT secret, former_secret FROM webhooks_endpoint").fetchall()
    assert secret not in str(kept)
    tell(fact(1))
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-secret-that-is-as-long-as-it-should-be-0123"
    assert len(claim()[0].secrets) == 2
    with transaction() as cursor:
        assert count_endpoints_sealed_by_former(cursor) == 1
        assert reseal_endpoints(cursor) == 1
        assert reseal_endpoints(cursor) == 0
        assert count_endpoints_sealed_by_former(cursor) == 0
    settings.SECRET_KEY_FALLBACKS = []
    [parcel] = claim(NOW + timedelta(minutes=1))
    assert (parcel.secrets[0], len(parcel.secrets)) == (secret, 2)
    settings.SECRET_KEY = "a-third-secret-that-did-not-seal-anything-here-4567"
    with transaction() as cursor:
        assert reseal_endpoints(cursor) == 0
    [parcel] = claim(NOW + timedelta(minutes=2))
    assert parcel.secrets == ()
