"""Grouping and typing against a plain-Python oracle that reads the same file with the csv module, for generated files."""

import csv
import io
import json
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stamgast.activities.catalogue import builtin_catalogue
from stamgast.activities.importers.grouping import build_query
from stamgast.activities.importers.mapping import read_mapping
from stamgast.activities.importers.messages import Writer, parts_of
from stamgast.activities.importers.reading import open_table
from stamgast.activities.importers.tests.conftest import AT
from stamgast.activities.messages import Reader
from stamgast.activities.types import NewActivity, Source

MAPPING = read_mapping("""\
source: s
kind: Order Completed
timestamp: day
identifiers: {user_id: who}
group_by: [shop, basket]
properties:
  order_id: basket
  shop: shop
  note: note
  revenue: {sum: amount}
products:
  name: article
  quantity: {column: pieces, type: number}
  revenue: {column: amount, type: money}
""")
COLUMNS = ("shop", "basket", "day", "who", "note", "article", "pieces", "amount")

amounts = st.one_of(
    st.decimals(-(10**6), 10**6, places=2).map(str),
    st.sampled_from(["", "0", "007", "1.005", "0.000000001", "x", "1,5", "1e3"]),
)
# No control characters and no rare spaces: which of those end a cell is the reader's own affair, and not of the import.
characters = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], include_characters=" \n")
texts = st.text(characters, max_size=6)
rows = st.lists(
    st.tuples(
        st.sampled_from(["A", "B"]), st.sampled_from(["1", "2", "3", ""]), st.just("2026-01-01"),
        st.sampled_from(["7", "7", "7", "8"]),
        st.sampled_from(["", "", "n", "m"]), texts, st.sampled_from(["1", "2.50", "", "-1", "two"]), amounts,
    ),
    max_size=25,
)  # fmt: skip


def as_csv(rows):
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])
    return file.getvalue()


def is_number(text):
    digits = text.removeprefix("-").split(".")
    return len(digits) <= 2 and all(part.isascii() and part.isdigit() for part in digits)


def expect(text):
    """What the file comes to: orders by key, and the number of rejected rows."""
    orders = {}
    for number, fields in enumerate(csv.reader(io.StringIO(text, newline=""))):
        row = dict(zip(COLUMNS, (field.strip(" ") for field in fields), strict=True))
        if number:
            key = (row["shop"], row["basket"]) if row["basket"] else number
            orders.setdefault(key, []).append(row)
    good, rejected = {}, 0
    for key, lines in orders.items():
        notes = {row["note"] for row in lines if row["note"]}
        values_are_good = all(
            (not row["pieces"] or is_number(row["pieces"])) and (not row["amount"] or is_number(row["amount"])) for row in lines
        )
        if not isinstance(key, tuple) or not values_are_good or len(notes) > 1 or len({row["who"] for row in lines}) > 1:
            rejected += len(lines)
            continue
        given = [Decimal(row["amount"]) for row in lines if row["amount"]]
        good[key] = {
            "who": lines[0]["who"],
            "note": min(notes, default=None),
            "revenue": sum(given) if given else None,
            "products": [
                (row["article"] or None, (row["pieces"] and Decimal(row["pieces"])) or (Decimal(0) if row["pieces"] else None),
                 Decimal(row["amount"]) if row["amount"] else None)
                for row in lines
            ],
        }  # fmt: skip
    return good, rejected


def read(message):
    properties = message["properties"]
    return (properties["shop"], properties["order_id"]), {
        "who": message["userId"],
        "note": properties.get("note"),
        "revenue": Decimal(properties["revenue"]) if "revenue" in properties else None,
        "products": [
            (line.get("name"), Decimal(line["quantity"]) if "quantity" in line else None,
             Decimal(line["revenue"]) if "revenue" in line else None)
            for line in properties["products"]
        ],
    }  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=rows, batch=st.sampled_from([1, 3, 1000]))
def test_files_come_to_what_the_oracle_says(rows, batch, tmp_path):
    path = tmp_path / "rows.csv"
    text = as_csv(rows)
    path.write_text(text, "utf-8", newline="")
    writer = Writer(MAPPING, Source(1, "s", False, AT), Reader(builtin_catalogue(), currency="EUR", region=None))
    good, rejected, ids = {}, 0, Counter()
    with open_table(path, MAPPING, folder=tmp_path) as table:
        assert table.ragged == []
        for parts in parts_of(table.connection.sql(build_query(MAPPING, decimal=".", after=0)).to_arrow_reader(batch)):
            written = writer.write(parts, at=AT)
            if isinstance(written, NewActivity):
                key, order = read(json.loads(written.body, parse_float=Decimal))
                good[key] = order
                ids[written.id] += 1
            else:
                rejected += len(written)
    assert (good, rejected) == expect(text)
    assert len(ids) == len(good)


@pytest.mark.parametrize("after", [0, 1, 2, 4])
def test_what_is_done_is_left_out(tmp_path, after):
    path = tmp_path / "rows.csv"
    path.write_text(as_csv([("A", basket, "2026-01-01", "7", "", "", "", "1") for basket in ("1", "2", "1", "3", "2")]))
    with open_table(path, MAPPING, folder=tmp_path) as table:
        query = build_query(MAPPING, decimal=".", after=after)
        parts = list(parts_of(table.connection.sql(query).to_arrow_reader(2)))
    expected = [(1, [1, 3], [2, 4]), (2, [2, 5], [3, 6]), (4, [4], [5])]
    assert [(one.first_row, one.row_numbers, one.lines) for one in parts] == [one for one in expected if one[0] > after]
