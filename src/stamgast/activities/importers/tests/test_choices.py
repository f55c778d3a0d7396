"""Choices become a mapping, names of columns become choices, and a look and a trial read the beginning of a file only."""

from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stamgast.activities.catalogue import builtin_catalogue
from stamgast.activities.importers.choices import (
    Choice,
    Choices,
    guess_columns,
    guess_format,
    mapping_text,
    read_choices,
    write_choices,
)
from stamgast.activities.importers.errors import InvalidMapping, UnreadableFile
from stamgast.activities.importers.looking import guess_csv, look, try_file
from stamgast.activities.importers.mapping import Csv, read_mapping
from stamgast.activities.messages import Reader
from stamgast.activities.types import Source

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
LINES = "bon;datum;kaart;artikel;aantal;bedrag\n" + "".join(
    f"{n // 2};{n % 28 + 1:02}-02-2026 10:00;C{n // 2 % 300};k{n};1;2,50\n" for n in range(5_000)
)


def test_what_columns_are_called_is_a_mapping_that_works():
    columns = guess_columns(["Bon", "Datum", "Kaart", "Artikel", "Aantal", "Bedrag", "Opmerking"])
    assert [choice.role for choice in columns.values()] == [
        "order", "date", "card_number", "product_id", "quantity", "line_revenue", "",
    ]  # fmt: skip
    choices = Choices(columns=columns, kind="Order Completed", zone="Europe/Amsterdam", currency="EUR", decimal=",")
    assert read_choices(write_choices(choices)) == choices
    mapping = read_mapping(mapping_text(choices))
    assert (mapping.group_by, mapping.kind, str(mapping.timestamp.zone)) == (("Bon",), "Order Completed", "Europe/Amsterdam")
    assert [(one.name, one.column, one.sum_of, one.constant) for one in mapping.properties] == [
        ("order_id", "Bon", None, None), ("revenue", None, "Bedrag", None), ("currency", None, None, "EUR"),
    ]  # fmt: skip
    assert [one.name for one in mapping.products] == ["product_id", "quantity", "revenue"]


def test_a_role_is_guessed_once_and_lines_need_an_order():
    assert [one.role for one in guess_columns(["e-mail", "mail", "aantal", "prijs"]).values()] == ["email", "", "", ""]


@pytest.mark.parametrize(
    ("stamps", "form"),
    [
        (["2026-03-01 12:00", "2026-03-01"], ""),
        (["31-12-2026", "01-02-2026"], "%d-%m-%Y"),
        (["01/02/2026", "12/31/2026"], "%m/%d/%Y"),
        (["01/02/2026 09:00"], "%d/%m/%Y %H:%M"),
        (["01-02-2026", "31-02-2026", "never"], "%d-%m-%Y"),
        (["soon"], ""),
    ],
)
def test_how_stamps_are_written(stamps, form):
    assert guess_format(stamps) == form


@pytest.mark.parametrize(
    ("columns", "kind", "wrong"),
    [
        ({"a": Choice("email")}, "x", "no_moment"),
        ({"a": Choice("date")}, "x", "no_identifier"),
        ({"a": Choice("date"), "b": Choice("email")}, " ", "no_kind"),
        ({"a": Choice("date"), "b": Choice("email"), "c": Choice("email")}, "x", "twice"),
        ({"a": Choice("date"), "b": Choice("email"), "c": Choice("trait")}, "x", "name"),
        ({"a": Choice("date"), "b": Choice("identifier", "Big One")}, "x", "identifier_name"),
        (
            {"a": Choice("date"), "b": Choice("email"), "c": Choice("money", "z"), "d": Choice("number", "z")},
            "x",
            "name_twice",
        ),
        ({"a": Choice("date"), "b": Choice("email"), "c": Choice("quantity")}, "x", "no_order"),
    ],
)
def test_what_is_missing_is_said(columns, kind, wrong):
    with pytest.raises(InvalidMapping) as refused:
        mapping_text(Choices(columns=columns, kind=kind))
    assert refused.value.details["wrong"] == wrong


@pytest.mark.parametrize(
    ("content", "csv"),
    [
        (b"a;b\n1,50;x\n", Csv(delimiter=";", decimal=",")),
        ("a;b\nGebäck;x\n".encode("windows-1252"), Csv(delimiter=";", encoding="windows-1252")),
        (b'"a, or b"\tc\n1\t2\n', Csv(delimiter="\t")),
        ("a,b\n1,2\n".encode("utf-16"), Csv(encoding="utf-16")),
    ],
)
def test_how_a_file_is_written_is_seen(tmp_path, content, csv):
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    assert guess_csv(path, is_utf8=csv.encoding == "utf-8") == csv
    assert len(look(path, csv, folder=tmp_path).columns) == 2


@pytest.mark.parametrize(
    ("content", "wrong"), [(b"", "empty"), (b"\n1,2\n", "empty"), (b"a,a\n1,2\n", "column_twice"), (b"a\0b,c\n", "not_csv")]
)
def test_what_cannot_be_read_is_said(tmp_path, content, wrong):
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile) as refused:
        look(path, guess_csv(path, is_utf8=True), folder=tmp_path)
    assert refused.value.details["wrong"] == wrong


def test_another_encoding_is_said_with_its_line(tmp_path):
    path = tmp_path / "file.csv"
    path.write_bytes("a,b\n1,2\nGebäck,2\n".encode("windows-1252"))
    with pytest.raises(UnreadableFile) as refused:
        look(path, Csv(), folder=tmp_path)
    assert (refused.value.details["wrong"], refused.value.details["line"]) == ("encoding", 3)


def test_lists_in_a_parquet_file_are_named_and_cannot_be_mapped(tmp_path):
    path = tmp_path / "file.parquet"
    pq.write_table(pa.table({"who": ["1"], "at": ["2026-01-01"], "tags": [["a"]]}), path)
    assert look(path, Csv(), folder=tmp_path).nested == {"tags"}
    columns = {"who": Choice("user_id"), "at": Choice("date"), "tags": Choice("property", "tags")}
    with pytest.raises(UnreadableFile) as refused:
        attempt(path, Choices(columns=columns, kind="Visit"))
    assert (refused.value.details["wrong"], refused.value.details["column"]) == ("type", "tags")


def attempt(path, choices, rows=1_000):
    return try_file(
        path,
        read_mapping(mapping_text(choices)),
        source=Source(1, "till", False, AT),
        reader=Reader(builtin_catalogue(), currency="EUR", region="NL"),
        at=AT,
        folder=path.parent,
        rows=rows,
    )


def test_a_trial_says_what_the_first_rows_would_become(tmp_path):
    path = tmp_path / "file.csv"
    broken = LINES.replace("k3;1;2,50", "k3;1;2,5x").replace("\n2;", "\n2;;;;;;;", 1)
    path.write_text(broken)
    csv = guess_csv(path, is_utf8=True)
    choices = Choices(columns=guess_columns(LINES.split("\n")[0].split(";")), kind="Order Completed", format="%d-%m-%Y %H:%M",
                      currency="EUR", delimiter=csv.delimiter, decimal=csv.decimal)  # fmt: skip
    trial = attempt(path, choices)
    assert (trial.rows, trial.rows_accepted, trial.activities, trial.customers) == (1_001, 998, 500, 300)
    assert trial.refused == [
        (4, "line 5 of the same order is refused"),
        (5, "bedrag: 2,5x is not an amount"),
        (6, "it has 12 fields, and the header has 6"),
    ]
    assert trial.kinds == [("Order Completed", 500)]
    assert (trial.first_at, trial.last_at) == (datetime(2026, 2, 1, 10, tzinfo=UTC), datetime(2026, 2, 27, 10, tzinfo=UTC))
    assert attempt(path, choices, rows=10_000).rows == 5_000


def test_customers_of_a_trial_are_those_who_share_no_identifier(tmp_path):
    path = tmp_path / "file.csv"
    path.write_text("at,mail,card\n2026-01-01,a@example.org,C100\n2026-01-01,b@example.org,C200\n2026-01-02,a@example.org,C200\n"
                    "2026-01-02,c@example.org,\n")  # fmt: skip
    choices = Choices(columns={"at": Choice("date"), "mail": Choice("email"), "card": Choice("card_number")}, kind="Visit")
    assert attempt(path, choices).customers == 2
