"""A movement says why it was posted, also when what it was posted for turned out to be something else."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from stamgast.activities.messages import Reader
from stamgast.activities.operations import ensure_source, store
from stamgast.activities.queries import load_catalogue
from stamgast.activities.types import NewActivity
from stamgast.customers.queries import get_customer
from stamgast.flows.decide_pending import decide_pending
from stamgast.flows.explain_movement import NO_LONGER_THEIRS, TOLD_AGAIN, explain_movement
from stamgast.flows.install import BEGINNING, install
from stamgast.flows.publish import publish_programme
from stamgast.kit.database import open_cursor, transaction
from stamgast.ledger.queries import list_movements
from stamgast.programmes.documents import default_document

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def happen(minute: int, event: str = "Order Completed", received_at: datetime = NOW, order_id: str = "o", **who: str) -> None:
    """The same order is told of at this minute, or what became of it."""
    message = {
        "type": "track",
        "event": event,
        "messageId": f"m{minute}",
        "timestamp": f"2026-02-01T12:{minute:02}:00Z",
        "properties": {"order_id": order_id, "total": "5.00"},
        **who,
    }
    with transaction() as cursor:
        source = ensure_source(cursor, "Shop", at=NOW, actor="test")
        reader = Reader(load_catalogue(cursor), currency="EUR", region="NL")
        read = reader.read_message(msgspec.json.encode(message), source=source, received_at=received_at, fallback_id="")
        assert isinstance(read, NewActivity)
        store(cursor, [read], [])
    assert len(decide_pending(at=NOW, actor="worker", limit=10)) == 1


def told(movement: UUID) -> str:
    with open_cursor() as cursor:
        return explain_movement(cursor, movement, language="en").sentence


@pytest.mark.django_db
def test_an_order_that_turns_out_to_be_told_of_before() -> None:
    install(timezone="Europe/Amsterdam", at=NOW, actor="test")
    happen(20, userId="u")
    happen(10, userId="u")
    with open_cursor() as cursor:
        movements = list_movements(cursor, get_customer(cursor, "user_id:u").id).rows
        sentences = {explain_movement(cursor, movement.id, language="en").sentence for movement in movements}
        first = next(row for row in movements if row.effective_at.minute == 10)
        of_first = explain_movement(cursor, first.id, language="en")
    assert of_first.explanation is not None
    again = TOLD_AGAIN["en"]
    assert sentences == {
        of_first.sentence,
        f"Given: {again}",
        f"Taken back, because the activity is now worth less. {again}",
    }


@pytest.mark.django_db
def test_an_activity_that_turns_out_to_be_of_somebody_else() -> None:
    install(timezone="Europe/Amsterdam", at=NOW, actor="test")
    happen(10, anonymousId="a")
    happen(20, userId="u")
    with open_cursor() as cursor:
        lost = get_customer(cursor, "anonymous_id:a").id
        [given] = list_movements(cursor, lost).rows
    happen(30, userId="u", anonymousId="a")
    with open_cursor() as cursor:
        assert get_customer(cursor, "anonymous_id:a").id != lost
        assert explain_movement(cursor, given.id, language="nl").sentence == f"Gekregen: {NO_LONGER_THEIRS['nl']}"


@pytest.mark.django_db
def test_what_was_given_before_two_became_one_is_explained_by_who_they_were() -> None:
    """Each was given for a first order; of the one whom they became the later is the second."""
    install(timezone="Europe/Amsterdam", at=NOW, actor="test")
    document = (
        default_document("Europe/Amsterdam")
        .replace("score: 1", "score: 7")
        .replace(
            "  - name: coupon",
            "  - {name: first, when: {activity: Order Completed}, nth: 1, give: {score: 20}}\n  - name: coupon",
        )
    )
    publish_programme(
        document, effective_from=BEGINNING, at=NOW, actor="test", reason="test", progress=lambda done, total: None
    )
    happen(10, order_id="a", anonymousId="a")
    happen(20, order_id="u", userId="u")
    owners = {}
    with open_cursor() as cursor:
        for reference in ("anonymous_id:a", "user_id:u"):
            owner = get_customer(cursor, reference).id
            owners[owner] = [(row.id, row.delta) for row in list_movements(cursor, owner).rows]
    before = {key: told(key) for rows in owners.values() for key, _ in rows}
    assert all("20 score" in told or "7 score" in told for told in before.values())
    happen(30, received_at=NOW + timedelta(hours=1), order_id="c", userId="u", anonymousId="a")
    assert {key: told(key) for key in before} == before
    with open_cursor() as cursor:
        survivor = get_customer(cursor, "user_id:u").id
        assert get_customer(cursor, "anonymous_id:a").id == survivor
        taken = [row for owner in owners for row in list_movements(cursor, owner).rows if row.delta < 0]
    assert taken
    assert all(told(row.id).startswith("Taken back") for row in taken)


@pytest.mark.django_db
def test_what_became_known_later_explains_later_movements_only() -> None:
    install(timezone="Europe/Amsterdam", at=NOW, actor="test")
    later, last = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    happen(10, userId="u")
    document = default_document("Europe/Amsterdam").replace("score: 1", "score: 3")
    publish_programme(
        document, effective_from=BEGINNING, at=later, actor="test", reason="test", progress=lambda done, total: None
    )
    happen(30, "Order Cancelled", last, userId="u")
    with open_cursor() as cursor:
        movements = list_movements(cursor, get_customer(cursor, "user_id:u").id).rows
        found = [explain_movement(cursor, movement.id, language="en") for movement in movements]
    assert [(row.movement.delta, row.sentence) for row in sorted(found, key=lambda row: row.movement.posted_at)] == [
        (1, "Given: 1 score under version 1 of default."),
        (2, "Given more, because the activity is now worth more. 3 score under version 2 of default."),
        (-3, "Taken back, because the activity is now worth less. Nothing, because the whole order came back."),
    ]
    assert {row.movement.posted_at for row in found} == {NOW, later, last}


@pytest.mark.django_db
def test_nothing_is_posted_before_it_was_received() -> None:
    """The clock of the machine that received it may be ahead of the worker's."""
    install(timezone="Europe/Amsterdam", at=NOW, actor="test")
    ahead = NOW + timedelta(seconds=2)
    happen(10, received_at=ahead, userId="u")
    with open_cursor() as cursor:
        [movement] = list_movements(cursor, get_customer(cursor, "user_id:u").id).rows
        assert movement.posted_at == ahead
        assert explain_movement(cursor, movement.id, language="en").sentence == "Given: 1 score under version 1 of default."
