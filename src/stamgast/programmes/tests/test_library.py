"""``load`` and ``replay`` on files and frames: the same from each, in parts, stopped when asked, and refused in words."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stamgast.kit.ids import derive_id
from stamgast.programmes import load, replay
from stamgast.programmes.deciding import decide
from stamgast.programmes.documents import default_document
from stamgast.programmes.errors import InvalidActivities, InvalidProgramme
from stamgast.programmes.types import ACTIVITIES

from .generated import activities as generated_activities
from .generated import documents

TEXT = default_document("Europe/Amsterdam")
CAPPED = TEXT.replace("give: {score: 5}", "give: {score: 5}\n    cap: {score: 12, per: lifetime}")
START = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = ("customer_id", "activity_id", "amount")


def table(count: int = 30, **columns: Any) -> pa.Table:
    rows = {
        "customer_id": [f"c{number % 7}" for number in range(count)],
        "activity_id": [f"a{number}" for number in range(count)],
        "occurred_at": [START + timedelta(hours=number) for number in range(count)],
        "kind": ["Coupon Redeemed"] * count,
    }
    return pa.table(rows | columns)


def rows(source: Any, text: str = CAPPED) -> list[tuple[Any, ...]]:
    found = [row for part in replay(load(text), source) for row in part.to_pylist()]
    return sorted(tuple(row[name] for name in COLUMNS) for row in found)


def test_importing_costs_nothing_and_deciding_needs_no_django(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    pq.write_table(table(), file)
    code = f"""
import sys
from stamgast.programmes import load, replay
heavy = ("django", "numba", "ibis", "duckdb", "pyarrow", "numpy", "pandas", "yaml")
assert not [name for name in heavy if name in sys.modules]
print(sum(part.num_rows for part in replay(load({TEXT!r}), {str(file)!r})))
assert "django" not in sys.modules and "psycopg" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"HOME": str(tmp_path)}, check=False
    )
    assert (done.stdout, done.returncode) == ("30\n", 0), done.stderr


def test_every_kind_of_source_gives_the_same(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    activities = table()
    wanted = rows(activities)
    assert len(wanted) == 7 * 3
    assert rows(activities.to_pandas()) == wanted
    assert isinstance(activities.to_pandas(), pandas.DataFrame)
    pq.write_table(activities.slice(0, 11), tmp_path / "one.parquet")
    (tmp_path / "deeper").mkdir()
    pq.write_table(activities.slice(11), tmp_path / "deeper" / "two.parquet")
    assert rows(tmp_path) == wanted
    pq.write_table(activities, tmp_path / "all.parquet")
    assert rows(str(tmp_path / "all.parquet")) == wanted
    assert rows(activities.take(pa.array(list(reversed(range(30)))))) == wanted


def test_a_frame_of_polars_gives_the_same() -> None:
    polars = pytest.importorskip("polars")
    assert rows(polars.from_arrow(table())) == rows(table())


def test_a_month_of_birth_is_a_column_of_any_source(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    text = TEXT.replace("activity: Coupon Redeemed", "birthday_month: true")
    assert rows(table(), text) == []
    known = table(birth_month=pa.array([1, None, 2] * 10, pa.int64()))
    wanted = rows(known, text)
    assert {row[1] for row in wanted} == {f"a{number}" for number in range(0, 30, 3)}
    assert rows(known.to_pandas(), text) == wanted, "as doubles with NaN"
    assert rows(polars.from_arrow(known), text) == wanted
    pq.write_table(known, tmp_path / "a.parquet")
    assert rows(tmp_path, text) == wanted


def test_ids_come_back_as_they_came() -> None:
    ids = [derive_id("x", str(number)) for number in range(30)]
    as_text, as_bytes = [str(one) for one in ids], pa.array([one.bytes for one in ids], pa.binary(16))
    found = {str(UUID(bytes=row[1])): row[2] for row in rows(table(activity_id=as_bytes))}
    assert {row[1]: row[2] for row in rows(table(activity_id=as_text))} == found
    numbers = rows(table(customer_id=[number % 7 for number in range(30)]))
    assert {row[0] for row in numbers} == set(range(7))


def test_parts_have_whole_customers_and_change_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wanted = rows(table(500))
    monkeypatch.setattr("stamgast.programmes.sources.PART", 50)
    pq.write_table(table(500), tmp_path / "a.parquet")
    seen: list[tuple[int, int]] = []
    parts = list(replay(load(CAPPED), tmp_path, report=lambda done, total: seen.append((done, total))))
    assert len(parts) == 7
    assert sorted(tuple(row[name] for name in COLUMNS) for part in parts for row in part.to_pylist()) == wanted
    assert (seen[0], seen[-1]) == ((0, 500), (500, 500))


def test_it_is_stopped_between_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stamgast.programmes.sources.PART", 50)
    came: list[int] = []
    for part in replay(load(CAPPED), table(500), should_stop=lambda: len(came) == 2):
        came.append(part.num_rows)
    assert len(came) == 2


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents(), generated_activities(), st.integers(1, 8))
def test_any_programme_gives_what_decide_gives(
    monkeypatch: pytest.MonkeyPatch, document: dict[str, Any], activities: list[dict[str, Any]], part: int
) -> None:
    monkeypatch.setattr("stamgast.programmes.sources.PART", part)
    programme = load(json.dumps(document) + "\n")
    given_rows = pa.Table.from_pylist(activities, schema=ACTIVITIES)
    wanted = decide(programme, None, given_rows).table.to_pylist()
    found = [row for one in replay(programme, given_rows) for row in one.to_pylist()]
    assert found == wanted


def test_versions_hold_from_their_moments() -> None:
    programme = load({START + timedelta(hours=15): TEXT.replace("score: 5", "score: 7"), START: TEXT})
    [found] = replay(programme, table())
    assert sorted(set(zip(found["amount"].to_pylist(), found["version"].to_pylist(), strict=True))) == [(5, 1), (7, 2)]


def test_a_document_holds_from_the_first_moment_that_an_activity_can_have() -> None:
    [found] = replay(load(TEXT), table(occurred_at=[datetime(1900, 1, 1, tzinfo=UTC)] * 30))
    assert found.num_rows == 30


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (table().drop_columns(["kind"]), "'kind' is missing"),
        (table(occurred_at=[datetime(2026, 1, 1)] * 30), "has no time zone"),  # noqa: DTZ001
        (table(kind=[None] * 30), "has no kind"),
        (table(activity_id=["a"] * 30), "The activity 'a' stands 30 times"),
        (table(occurred_at=[datetime(9999, 12, 31, tzinfo=UTC)] * 30), "before 1900 or after 2199"),
        (table(customer_id=[["a"]] * 30), "holds list<.*>. Ids are text"),
        (table(customer_id=[True] * 30), "holds bool. Ids are text"),
        (table(amount_minor=["many"] * 30), "'amount_minor' is string"),
        (table(customer_id=[0.5] * 30), "Ids are text"),
        (table(birth_month=[None, 13] * 15), "'birth_month' holds a number that is no month"),
        (table(birth_month=[0, 12] * 15), "'birth_month' holds a number that is no month"),
        (table(birth_month=["May"] * 30), "'birth_month' is string and has to be int8"),
        (table(birth_month=[5.5] * 30), "'birth_month' is double and has to be int8"),
        (table(is_returned=["yes?"] * 30), "'is_returned' is string and has to be bool"),
        (7, "Activities are an Arrow table"),
        ("nowhere.parquet", "There is no Parquet"),
    ],
)
def test_what_cannot_be_is_said(source: Any, sentence: str) -> None:
    with pytest.raises(InvalidActivities, match=sentence):
        list(replay(load(TEXT), source))


def test_what_is_not_parquet_and_what_is_no_programme_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("no")
    with pytest.raises(InvalidActivities, match="is not Parquet"):
        list(replay(load(TEXT), tmp_path))
    with pytest.raises(InvalidProgramme):
        load("programme: 7\n")
    for nothing in ("", " "):
        with pytest.raises(InvalidProgramme, match="It is empty"):
            load(nothing)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes("programme: club\n# caf\u00e9\n".encode("latin-1"))
    with pytest.raises(InvalidProgramme, match="is not text in UTF-8: see line 2"):
        load(tmp_path / "latin.yaml")
    with pytest.raises(InvalidProgramme, match="a moment with a time zone"):
        load({datetime.fromisoformat("2026-01-01"): TEXT})
    with pytest.raises(InvalidProgramme, match="one name, and here are 'default' and 'other'"):
        load({START: TEXT, START + timedelta(days=1): TEXT.replace("programme: default", "programme: other")})
    pq.write_table(table(), tmp_path / "a.parquet")
    content = bytearray((tmp_path / "a.parquet").read_bytes())
    content[20:60] = bytes(40)
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(InvalidActivities, match="cannot be read to their end"):
        list(replay(load(TEXT), tmp_path))


def test_frames_that_are_none_are_refused() -> None:
    pandas = pytest.importorskip("pandas")
    with pytest.raises(InvalidActivities, match="'customer_id' is missing"):
        list(replay(load(TEXT), pandas.DataFrame()))
    mixed = table().to_pandas().assign(customer_id=["a", 1] * 15)
    with pytest.raises(InvalidActivities, match=r"This frame cannot be read: .* column customer_id"):
        list(replay(load(TEXT), mixed))


def test_an_order_of_which_all_came_back_counts_for_nothing() -> None:
    second = TEXT.replace("give: {score: 5}", "give: {score: 5}\n    nth: 2")
    assert [row[1] for row in rows(table(3, customer_id=["c"] * 3), second)] == ["a1"]
    returned = table(3, customer_id=["c"] * 3).append_column("is_returned", pa.array([True, None, False]))
    assert [row[1] for row in rows(returned, second)] == ["a2"]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_moments_of_any_fineness_are_moments(unit: Any, tmp_path: Path) -> None:
    moments = pa.array([START + timedelta(hours=number) for number in range(30)], pa.timestamp(unit, "Europe/Amsterdam"))
    activities = table(occurred_at=moments)
    assert rows(activities) == rows(table())
    pq.write_table(activities, tmp_path / "a.parquet")
    assert rows(tmp_path) == rows(table())


@pytest.mark.parametrize(("ids", "first"), [(["order 3", "order 1", "order 2"], "order 1"), ([10, 9, 100], 9)])
def test_of_two_activities_at_one_moment_the_smaller_id_is_the_first(ids: list[Any], first: Any) -> None:
    activities = table(3, customer_id=["c"] * 3, activity_id=ids, occurred_at=[START] * 3)
    once = TEXT.replace("give: {score: 5}", "give: {score: 5}\n    nth: 1")
    assert [row[1] for row in rows(activities, once)] == [first]
