"""From draft to version: a second person, a moment to come, withdrawn, and the one before again."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from django.db import connection

from stamgast.flows.install import install
from stamgast.flows.publish import (
    publish_draft,
    publish_one_before,
    publish_programme,
    put_in_force,
    withdraw_version,
)
from stamgast.kit.database import open_cursor, transaction
from stamgast.programmes.documents import default_document
from stamgast.programmes.drafts import Draft, DraftState, begin_draft, edit_draft, get_draft, send_to_review, set_second_person
from stamgast.programmes.errors import (
    AlreadyWithdrawn,
    DraftChanged,
    DraftClosed,
    PublishedMeanwhile,
    SecondPersonNeeded,
    UnknownVersion,
    UnsoundProgramme,
    VersionInForce,
)
from stamgast.programmes.operations import publish as publish_unseen
from stamgast.programmes.operations import save_states
from stamgast.programmes.queries import get_programme, list_versions, list_withdrawn, load_states
from stamgast.programmes.types import STATES, Version

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ZONE = "Europe/Amsterdam"
TEXT = default_document(ZONE)
OTHER = TEXT.replace("score: 5", "score: 7")


@pytest.fixture
def shop(db: None) -> None:
    install(timezone=ZONE, at=NOW, actor="test")


def begin(text: str = OTHER, actor: str = "staff:a", base: int = 1) -> Draft:
    with transaction() as cursor:
        return begin_draft(cursor, programme="default", title="More", document=text, base=base, at=NOW, actor=actor)


def review(draft: Draft) -> Draft:
    with transaction() as cursor:
        return send_to_review(cursor, draft.id, revision=draft.revision, reason="a treat", at=NOW, actor="staff:a")


def publish(draft: Draft, actor: str = "staff:a", effective_from: datetime = NOW) -> Version:
    return publish_draft(
        draft.id, revision=draft.revision, effective_from=effective_from, at=NOW, actor=actor, reason="a treat"
    )


def versions() -> list[Version]:
    with open_cursor() as cursor:
        return list_versions(cursor, "default")


def ask_for_a_second_person() -> None:
    with transaction() as cursor:
        set_second_person(cursor, True, at=NOW, actor="staff:owner", reason="")


def acts(action: str) -> list[tuple[str, dict[str, object]]]:
    with open_cursor() as cursor:
        rows = cursor.execute(
            "SELECT actor, detail::text FROM access_trail WHERE action = %s ORDER BY at DESC, id DESC", (action,)
        )
        return [(actor, json.loads(detail)) for actor, detail in rows]


def test_a_draft_becomes_a_version_once(shop: None) -> None:
    draft = begin()
    version = publish(draft)
    assert (version.version, version.document, version.published_by) == (2, OTHER, "staff:a")
    with open_cursor() as cursor:
        kept = get_draft(cursor, draft.id)
    assert (kept.state, kept.version) == (DraftState.PUBLISHED, 2)
    with pytest.raises(DraftChanged):
        publish(draft)
    with pytest.raises(DraftClosed):
        publish(kept)
    assert len(versions()) == 2
    detail = {"version": 2, "effective_from": NOW.isoformat(), "reason": "a treat"}
    assert acts("publish programme") == [("staff:a", detail | {"draft": str(draft.id), "written_by": ["staff:a"]})]


def test_what_cannot_be_meant_is_not_published_and_what_held_before_can_be_put_back(shop: None) -> None:
    never = TEXT.replace("{field: amount, over: 0}", "{field: amount, over: 0, under: 0}")
    assert never != TEXT
    draft = begin(never)
    with pytest.raises(UnsoundProgramme) as refused:
        publish(draft)
    problems: Any = refused.value.details["problems"]
    [problem] = problems
    assert (problem["path"], "can never apply" in problem["problem"]) == ("earn[0].when", True)
    with pytest.raises(UnsoundProgramme):
        put_in_force(never, effective_from=NOW, at=NOW, actor="staff:a", reason="a treat")
    assert len(versions()) == 1
    with transaction() as cursor:  # one from before it was refused
        publish_unseen(cursor, never, effective_from=NOW, at=NOW, actor="staff:a", reason="old")
    put_in_force(OTHER, effective_from=NOW, at=NOW, actor="staff:a", reason="a treat")
    assert publish_one_before(3, at=NOW, actor="staff:a", reason="back").document == never


def test_where_a_second_person_is_asked_for_no_writer_publishes(shop: None) -> None:
    ask_for_a_second_person()
    draft = begin()
    with transaction() as cursor:
        draft = edit_draft(cursor, draft.id, revision=1, document=OTHER + "# b\n", title="", at=NOW, actor="staff:b")
    with pytest.raises(SecondPersonNeeded, match="Send this draft to review first"):
        publish(draft, "staff:c")
    draft = review(draft)
    for writer in ("staff:a", "staff:b"):
        with pytest.raises(SecondPersonNeeded, match="wrote some of this yourself"):
            publish(draft, writer)
    with pytest.raises(SecondPersonNeeded, match="a second person publishes"):
        put_in_force(OTHER, effective_from=NOW, at=NOW, actor="staff:c", reason="round the back")
    with pytest.raises(SecondPersonNeeded):
        publish_programme(OTHER, effective_from=NOW, at=NOW, actor="cli", reason="x", progress=lambda done, total: None)
    assert len(versions()) == 1
    assert publish(draft, "staff:c").version == 2


def test_a_draft_on_an_older_version_is_not_published_over_the_newer(shop: None) -> None:
    draft = begin()
    put_in_force(OTHER + "# theirs\n", effective_from=NOW, at=NOW, actor="staff:b", reason="first")
    with pytest.raises(PublishedMeanwhile, match="version 2"):
        publish(draft)
    with open_cursor() as cursor:
        assert get_draft(cursor, draft.id) == draft
    with transaction() as cursor:
        draft = edit_draft(cursor, draft.id, revision=1, document=OTHER, title="", at=NOW, actor="staff:a", base=2)
    assert publish(draft).version == 3


def test_a_scheduled_version_is_withdrawn_and_its_number_is_not_used_again(shop: None) -> None:
    scheduled = publish(begin(), effective_from=NOW + timedelta(days=7))
    withdrawn = withdraw_version(2, at=NOW, actor="staff:b", reason="not this year")
    assert withdrawn == scheduled
    with open_cursor() as cursor:
        programme = get_programme(cursor)
        assert [one.version for one in programme.versions] == [1]
        [kept] = list_withdrawn(cursor, "default")
    assert (kept.version, kept.actor, kept.reason) == (scheduled, "staff:b", "not this year")
    assert acts("withdraw programme version") == [("staff:b", {"version": 2, "reason": "not this year"})]
    with pytest.raises(AlreadyWithdrawn):
        withdraw_version(2, at=NOW, actor="staff:b", reason="again")
    with pytest.raises(UnknownVersion):
        withdraw_version(9, at=NOW, actor="staff:b", reason="again")
    later = put_in_force(OTHER, effective_from=NOW + timedelta(days=8), at=NOW, actor="staff:a", reason="after all")
    assert later.version == 3


def test_what_holds_is_not_withdrawn_but_the_one_before_holds_again(shop: None) -> None:
    publish(begin())
    with pytest.raises(VersionInForce, match="Publish the one before it again"):
        withdraw_version(2, at=NOW, actor="staff:a", reason="oops")
    with pytest.raises(PublishedMeanwhile):
        publish_one_before(1, at=NOW, actor="staff:a", reason="oops")
    again = publish_one_before(2, at=NOW + timedelta(minutes=1), actor="staff:a", reason="oops")
    assert (again.version, again.document, again.effective_from) == (3, TEXT, NOW + timedelta(minutes=1))
    assert acts("publish programme")[0][1] == {
        "version": 3,
        "effective_from": again.effective_from.isoformat(),
        "reason": "oops",
        "instead_of": 2,
        "again": 1,
    }


def test_what_somebody_was_decided_by_is_not_withdrawn_whatever_the_clock_of_who_asks(shop: None) -> None:
    """The moment was taken before waiting for a worker, who decided meanwhile by the version that had begun to hold."""
    moment = NOW + timedelta(seconds=1)
    scheduled = publish(begin(), effective_from=moment)
    state = {"customer_id": bytes(16), "last_at": moment, "last_activity_id": bytes(16), "version": 2, "counters": "{}"}
    with transaction() as cursor:
        save_states(cursor, "default", pa.Table.from_pylist([state], schema=STATES))
    with pytest.raises(VersionInForce):
        withdraw_version(2, at=NOW, actor="staff:a", reason="late")
    assert versions()[-1] == scheduled


def test_who_was_decided_before_a_version_was_withdrawn_goes_on_from_their_state(shop: None) -> None:
    put_in_force(OTHER, effective_from=NOW + timedelta(days=1), at=NOW, actor="staff:a", reason="later")
    withdraw_version(2, at=NOW, actor="staff:a", reason="not at all")
    last_at = NOW + timedelta(days=2)
    state = {"customer_id": bytes(16), "last_at": last_at, "last_activity_id": bytes(16), "version": 1, "counters": "{}"}
    with transaction() as cursor:
        save_states(cursor, "default", pa.Table.from_pylist([state], schema=STATES))
        assert load_states(cursor, "default", [UUID(int=0)]).num_rows == 1


def test_the_first_version_has_none_before_it(shop: None) -> None:
    with pytest.raises(UnknownVersion):
        publish_one_before(1, at=NOW, actor="staff:a", reason="oops")


def both(act: Callable[[str], object]) -> list[object]:
    """What two people get who do one thing at the same time."""
    outcomes: list[object] = []
    together = threading.Barrier(2)

    def run(actor: str) -> None:
        together.wait(10)
        try:
            outcomes.append(act(actor))
        except Exception as error:
            outcomes.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(actor,)) for actor in ("staff:a", "staff:b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return outcomes


@pytest.mark.django_db(transaction=True)
def test_of_two_who_publish_one_draft_at_once_one_does() -> None:
    install(timezone=ZONE, at=NOW, actor="test")
    draft = begin()
    outcomes = both(lambda actor: publish(draft, actor))
    assert sorted(type(one).__name__ for one in outcomes) == ["DraftChanged", "Version"]
    assert len(versions()) == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_who_go_back_at_once_one_does() -> None:
    install(timezone=ZONE, at=NOW, actor="test")
    publish(begin())
    at = NOW + timedelta(minutes=1)
    outcomes = both(lambda actor: publish_one_before(2, at=at, actor=actor, reason="oops"))
    assert sorted(type(one).__name__ for one in outcomes) == ["PublishedMeanwhile", "Version"]
    assert len(versions()) == 3
