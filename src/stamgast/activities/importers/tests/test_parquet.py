"""What Parquet columns of every type become, and what is said of those that cannot become anything."""

import csv
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stamgast.activities.importers.errors import UnreadableFile

pytestmark = pytest.mark.django_db(transaction=True)

SALES = """\
source: pos
kind: Order Completed
timestamp: sold
identifiers: {user_id: who}
message_id: id
properties: {order_id: id, revenue: {column: amount, type: money}}
"""


@pytest.fixture
def sold(imported, bodies, tmp_path):
    """Imports one sale for each amount, and returns the revenue that each was stored with."""

    def run(amounts, **columns):
        count = len(amounts)
        table = {
            "id": pa.array([f"s{number}" for number in range(count)]).dictionary_encode(),
            "sold": pa.array([datetime(2026, 3, 1, 12, 0, number, tzinfo=UTC) for number in range(count)]),
            "who": pa.array(range(1, count + 1)),
            "amount": amounts,
        }
        pq.write_table(pa.table(table | columns), tmp_path / "sales.parquet")
        outcome = imported(tmp_path / "sales.parquet", SALES)
        return [body.get("properties", {}).get("revenue") for body in bodies()], outcome

    return run


def test_decimals_of_every_scale_are_written_without_an_exponent(sold):
    amounts = [Decimal("0E-9"), Decimal("1.000000000"), Decimal("1E-9"), None, Decimal("-12.5")]
    revenues, outcome = sold(pa.array(amounts, pa.decimal128(20, 9)))
    assert revenues == ["0.000000000", "1.000000000", "0.000000001", None, "-12.500000000"]
    assert outcome.rows_rejected == 0


def test_floats_are_their_shortest_decimal_and_not_a_number_is_no_amount(sold, tmp_path):
    revenues, outcome = sold(pa.array([25.1, 0.1 + 0.2, 1e-7, 1e12, 100.0, float("nan")]))
    assert revenues == ["25.1", "0.30000000000000004", "0.0000001", "1000000000000", "100"]
    assert outcome.rows_rejected == 1
    with (tmp_path / "sales.parquet.rejects.csv").open() as file:
        assert [(row["line"], row["reason"]) for row in csv.DictReader(file)] == [("6", "amount: nan is not an amount")]


def test_moments_of_every_type(sold):
    assert sold(pa.array([1, 2]), sold=pa.array([date(2026, 3, 1), date(2026, 3, 2)]))[0] == ["1", "2"]
    zoned = pa.array([datetime(2026, 3, 3, tzinfo=UTC)] * 2, pa.timestamp("ns", "Europe/Amsterdam"))
    assert sold(pa.array([3, 4]), sold=zoned, id=pa.array([3, 4]))[1].activities_new == 2


def test_a_column_that_has_no_text_hinders_only_who_maps_it(sold):
    revenues, outcome = sold(pa.array([Decimal("1.50")]), tags=pa.array([["a", "b"]]), blob=pa.array([b"\xff"]))
    assert (revenues, outcome.rows_rejected) == (["1.50"], 0)
    with pytest.raises(
        UnreadableFile, match=r"^The column 'amount' is of type list<element: int64>, which cannot be imported\.$"
    ):
        sold(pa.array([[1]]))
