"""Versions and states in PostgreSQL."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pyarrow as pa
import pytest

from stamgast.kit.database import open_cursor
from stamgast.kit.ids import derive_id
from stamgast.programmes.documents import default_document
from stamgast.programmes.errors import InvalidProgramme, PublishedMeanwhile, UnknownProgramme
from stamgast.programmes.operations import forget_states, publish, save_states
from stamgast.programmes.queries import find_programme, get_programme, list_versions, load_states
from stamgast.programmes.sql import INSERT_VERSION
from stamgast.programmes.types import STATES, Version

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TEXT = default_document("Europe/Amsterdam")


def publish_text(text: str, effective_from: datetime = NOW) -> Version:
    with open_cursor() as cursor:
        return publish(cursor, text, effective_from=effective_from, at=NOW, actor="system", reason="first start")


def state_of(number: int, last_at: datetime, version: int = 1, counters: str = "{}") -> dict[str, object]:
    id_ = derive_id("customer", str(number)).bytes
    return {
        "customer_id": id_,
        "last_at": last_at,
        "last_activity_id": id_,
        "version": version,
        "counters": counters,
        "review_at": None,
    }


def test_publishing_makes_the_next_version() -> None:
    first = publish_text(TEXT)
    second = publish_text(TEXT.replace("score: 5", "score: 7"), NOW + timedelta(days=1))
    assert (first.version, second.version) == (1, 2)
    with open_cursor() as cursor:
        assert list_versions(cursor, "default") == [first, second]
        programme = get_programme(cursor)
    assert programme.name == "default"
    assert programme.versions == (first, second)


def test_publishing_the_version_in_force_again_writes_nothing() -> None:
    first = publish_text(TEXT)
    assert publish_text(TEXT, NOW + timedelta(days=9)) == first
    other = publish_text(TEXT.replace("score: 5", "score: 7"), NOW + timedelta(days=1))
    assert publish_text(TEXT, NOW) == first
    assert publish_text(TEXT, NOW + timedelta(days=2)).version == other.version + 1


def test_an_earlier_moment_is_another_version() -> None:
    publish_text(TEXT)
    assert publish_text(TEXT, NOW - timedelta(days=1)).version == 2


def test_an_invalid_document_is_refused_and_nothing_changes() -> None:
    with pytest.raises(InvalidProgramme, match="line 13"):
        publish_text(TEXT.replace("amount, over", "amonut, over"))
    with open_cursor() as cursor:
        assert list_versions(cursor, "default") == []
        assert find_programme(cursor) is None
        with pytest.raises(UnknownProgramme):
            get_programme(cursor)
        with pytest.raises(UnknownProgramme, match="'nothing'"):
            get_programme(cursor, "nothing")


def test_two_publishers_at_once_get_one_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one read the versions before the first one wrote."""
    publish_text(TEXT)
    monkeypatch.setattr("stamgast.programmes.operations.list_versions", lambda *_: [])
    with pytest.raises(PublishedMeanwhile):
        publish_text(TEXT.replace("score: 5", "score: 7"))
    with open_cursor() as cursor:
        assert [version.document for version in list_versions(cursor, "default")] == [TEXT]


def test_a_programme_is_compiled_once_and_again_for_a_new_version() -> None:
    publish_text(TEXT)
    with open_cursor() as cursor:
        first = get_programme(cursor, "default")
        assert get_programme(cursor, "default") is first
        publish_text(TEXT.replace("score: 5", "score: 7"))
        second = get_programme(cursor, "default")
    assert second is not first
    assert len(second.versions) == 2


def test_states_are_kept_and_replaced() -> None:
    publish_text(TEXT)
    rows = [state_of(number, NOW + timedelta(hours=number), counters='{"a/b/day": [3, 4]}') for number in range(40)]
    later = [state_of(number, NOW + timedelta(days=number + 7)) for number in range(0, 40, 2)]
    ids = [UUID(bytes=row["customer_id"]) for row in rows]
    with open_cursor() as cursor:
        save_states(cursor, "default", pa.Table.from_pylist(rows, schema=STATES))
        save_states(cursor, "default", pa.Table.from_pylist(later, schema=STATES))
        found = load_states(cursor, "default", [*ids, *ids, derive_id("customer", "unknown")])
        assert load_states(cursor, "other", ids).num_rows == 0
    assert found.schema == STATES
    expected = {row["customer_id"]: row for row in [*rows, *later]}
    assert {row["customer_id"]: row for row in found.to_pylist()} == expected
    with open_cursor() as cursor:
        forget_states(cursor, "default", ids[:10])
        left = load_states(cursor, "default", ids)
    assert {UUID(bytes=id_) for id_ in left["customer_id"].to_pylist()} == set(ids[10:])


def test_a_state_is_left_out_when_a_version_reaches_back_behind_it() -> None:
    publish_text(TEXT, NOW - timedelta(days=100))
    rows = [state_of(1, NOW - timedelta(days=10)), state_of(2, NOW - timedelta(days=2)), state_of(3, NOW, version=2)]
    ids = [UUID(bytes=row["customer_id"]) for row in rows]
    with open_cursor() as cursor:
        save_states(cursor, "default", pa.Table.from_pylist(rows, schema=STATES))
        assert load_states(cursor, "default", ids).num_rows == 3
        publish_text(TEXT.replace("score: 5", "score: 7"), NOW - timedelta(days=5))
        found = load_states(cursor, "default", ids)["customer_id"].to_pylist()
    assert set(found) == {rows[0]["customer_id"], rows[2]["customer_id"]}


def test_versions_are_inserted_and_never_overwritten() -> None:
    first = publish_text(TEXT)
    with open_cursor() as cursor:
        cursor.execute(INSERT_VERSION, ("default", 1, "other", "", NOW, NOW, "", ""))
        assert cursor.rowcount == 0
        assert list_versions(cursor, "default") == [first]
