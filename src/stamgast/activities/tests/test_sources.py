from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from stamgast.activities.errors import InvalidKind, InvalidSourceName, SourceExists, SourceKeyNotFound, SourceNotFound
from stamgast.activities.operations import (
    create_source,
    digest_of,
    install_kinds,
    revoke_key,
    rotate_key,
    set_schema,
    set_strict,
    store,
)
from stamgast.activities.queries import (
    country_of,
    find_source_by_digest,
    get_kind,
    get_source,
    list_sources,
    load_catalogue,
)
from stamgast.activities.tests.conftest import NOON
from stamgast.kit.database import Cursor


def test_a_source_is_found_by_its_key_and_the_key_is_not_kept(cursor: Cursor) -> None:
    source, write_key = create_source(cursor, " till ", is_strict=True, at=NOON, actor="anna")
    assert (source.name, source.is_strict, source.created_at) == ("till", True, NOON)
    assert write_key.startswith("sgw_")
    assert len(write_key) == 47
    assert find_source_by_digest(cursor, digest_of(write_key)) == source
    assert find_source_by_digest(cursor, digest_of(write_key + "x")) is None
    rows = cursor.execute("SELECT encode(digest, 'hex') || hint FROM activities_sourcekey").fetchall()
    assert all(write_key not in text for (text,) in rows)


def test_a_name_is_taken_once_and_is_a_name(cursor: Cursor) -> None:
    create_source(cursor, "till", at=NOON, actor="anna")
    with pytest.raises(SourceExists):
        create_source(cursor, "till", at=NOON, actor="anna")
    for name in ("", " ", "x" * 101, "a\nb"):
        with pytest.raises(InvalidSourceName):
            create_source(cursor, name, at=NOON, actor="anna")
    with pytest.raises(SourceNotFound):
        get_source(cursor, "web")


def test_a_new_key_stands_beside_the_old_until_that_is_revoked(cursor: Cursor) -> None:
    source, old = create_source(cursor, "till", at=NOON, actor="anna")
    new = rotate_key(cursor, "till", at=NOON + timedelta(days=1), actor="bo")
    assert find_source_by_digest(cursor, digest_of(old)) == find_source_by_digest(cursor, digest_of(new)) == source
    [summary] = list_sources(cursor, since=NOON)
    first = summary.keys[0]
    assert (first.hint[:8], first.hint[-4:], first.created_by) == (old[:8], old[-4:], "anna")
    revoke_key(cursor, first.id, at=NOON)
    assert find_source_by_digest(cursor, digest_of(old)) is None
    assert find_source_by_digest(cursor, digest_of(new)) == source
    with pytest.raises(SourceKeyNotFound):
        revoke_key(cursor, first.id, at=NOON)


def test_what_came_in_from_a_source(cursor: Cursor, read: Callable[..., Any]) -> None:
    store(cursor, [read(NOON - timedelta(days=1), type="page", userId="u", messageId="1")], [read(type="page")])
    store(cursor, [read(NOON, type="page", userId="u", messageId="2")], [])
    [summary] = list_sources(cursor, since=NOON)
    assert (summary.activities_today, summary.refusals_waiting, summary.last_received_at) == (1, 1, NOON)
    assert set_strict(cursor, "shop", True).is_strict


def test_a_kind_is_given_a_schema(cursor: Cursor) -> None:
    install_kinds(cursor)
    install_kinds(cursor)
    schema = {"required": ["chair"], "properties": {"chair": {"type": "integer"}}}
    set_schema(cursor, "Chair Reserved", schema, at=NOON, actor="anna")
    set_schema(cursor, "Order Completed", None, at=NOON, actor="anna")
    install_kinds(cursor)
    assert get_kind(cursor, "Chair Reserved").schema == schema
    assert get_kind(cursor, "Order Completed").schema is None
    catalogue = load_catalogue(cursor)
    assert (
        catalogue.find_fault("Chair Reserved", {"chair": "by the window"})
        == 'properties, chair: the value is not of type "integer"'
    )
    assert catalogue.find_fault("Chair Reserved", {"chair": 3}) is None
    assert catalogue.find_fault("Order Completed", {}) is None
    assert catalogue.find_fault("Till Sale", {}) is not None


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("", {}),
        ("x" * 256, {}),
        ("X", {"type": "wrong"}),
        ("X", {"pattern": "("}),
        ("X", {"$ref": "https://example.org/x.json"}),
    ],
)
def test_what_is_no_schema_is_refused(cursor: Cursor, name: str, schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidKind):
        set_schema(cursor, name, schema, at=NOON, actor="anna")
    assert cursor.execute("SELECT count(*) FROM activities_kind").fetchone() == (0,)


def test_the_country_of_a_time_zone() -> None:
    assert (country_of("Europe/Amsterdam"), country_of("Europe/Brussels"), country_of("UTC")) == ("NL", "BE", None)
