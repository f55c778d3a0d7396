"""How records are written before they are compared, which pairs are found among them, and that it is the same each time."""

import pyarrow as pa
import pytest

from stamgast.bench.people import SECOND_RECORDS, generate
from stamgast.duplicates import matching, model
from stamgast.duplicates.gathering import gather
from stamgast.duplicates.matching import Matcher
from stamgast.duplicates.types import RECORD

JAN = {
    "given": "Jan",
    "surname": "de Vries",
    "born": "1980-03-07",
    "street": "Kerkstraat",
    "number": "5",
    "postcode": "1234 AB",
    "city": "Hoorn",
    "email": "jan@example.org",
    "phone": "+31612345678",
}


def table(*rows):
    return pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in RECORD})


def find(*rows, parts=1):
    with Matcher(table(*[{"id": str(number), **row} for number, row in enumerate(rows)]), threads=1) as matcher:
        matcher.learn()
        return [one for part in range(parts) for one in matcher.likely(part=part, parts=parts)]


def written(row):
    with Matcher(table({"id": "1", **row}), threads=1) as matcher:
        found = matcher._database.sql("SELECT * FROM written").to_arrow_table().to_pylist()
    return {name: value for name, value in found[0].items() if value is not None and name != "id"}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"given": " José-Maria ", "surname": "van den Berg"}, {"given": "josemaria", "surname": "berg"}),
        ({"surname": "Berg, van den"}, {"surname": "berg"}),
        ({"surname": "D'Angelo"}, {"surname": "dangelo"}),
        ({"surname": "’t Hart"}, {"surname": "hart"}),
        ({"surname": "de"}, {"surname": "de"}),
        ({"surname": "Müller-Lüdenscheidt"}, {"surname": "mullerludenscheidt"}),
        ({"surname": "Иванова"}, {"surname": "иванова"}),
        ({"name": "Anna van den Berg"}, {"given": "anna", "surname": "berg"}),
        ({"name": "Anna Berg", "surname": "Berg"}, {"surname": "berg"}),
        ({"name": "Anna"}, {"given": "anna"}),
        ({"surname": " - "}, {}),
        ({"born": "1975-04-09T00:00:00Z"}, {"born": "19750409"}),
        ({"born": "9-4-1975"}, {"born": "19750409"}),
        ({"born": "09/04/1975"}, {"born": "19750409"}),
        ({"born": "1900-01-01"}, {}),
        ({"born": "unknown"}, {}),
        ({"street": "Dorpsstraat 12a"}, {"street": "dorpsstraat", "number": "12a"}),
        ({"street": "Plein 1940 3"}, {"street": "plein1940", "number": "3"}),
        ({"street": "12 High Street"}, {"street": "highstreet", "number": "12"}),
        ({"street": "Dorpsstraat", "number": "12 A"}, {"street": "dorpsstraat", "number": "12a"}),
        ({"postcode": "1621 ab", "city": "’s-Gravenhage"}, {"postcode": "1621AB", "city": "sgravenhage"}),
    ],
)
def test_records_are_written_one_way(row, expected):
    assert written(row) == expected


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"given": "de Vries", "surname": "Jan"}, "given:swapped"),
        ({"given": "J."}, "given:initial"),
        ({"surname": "de Vreis"}, "surname:one_letter"),
        ({"born": "1980-07-03"}, "born:swapped"),
        ({"born": "1980-03-08"}, "born:one_digit"),
        ({"born": None}, "given:same"),
        ({"email": "jan@exmaple.org"}, "email:alike"),
        (
            {"email": None, "phone": None, "street": "Nieuweweg", "number": "8", "city": "Sneek", "postcode": "8601ZZ"},
            "born:same",
        ),
        ({"phone": "+31612345679"}, "phone:one_digit"),
    ],
)
def test_one_person_written_otherwise_is_found_and_it_says_why(change, reason):
    (found,) = find(JAN, {**JAN, **change})
    assert (found.one_id, found.other_id) == ("0", "1")
    assert reason in found.reasons
    assert found.probability > matching.LEAST_PROBABILITY


@pytest.mark.parametrize(
    "change",
    [
        {"given": "Anna", "born": "1982-11-30"},
        {"given": "Anna", "born": None},
        {"given": "Piet", "surname": "Smit", "born": "1991-01-05", "email": None, "phone": None},
        {"given": "Anna", "surname": "Smit", "born": "1991-01-05", "street": "Nieuweweg"},
    ],
    ids=["partner", "partner whose birth date is not known", "who lived there before", "housemate"],
)
def test_who_shares_a_house_is_another(change):
    assert find(JAN, {**JAN, **change}) == []


def test_what_nobody_knows_proves_nothing():
    assert find({}, {}, {"given": "Jan"}, {"given": "Jan"}) == []
    assert find() == []


def test_a_key_that_too_many_share_is_left_out_and_said(monkeypatch):
    monkeypatch.setattr(matching, "LARGEST_BLOCK", 3)
    crowd = [{"id": str(number), "given": f"{number}", "phone": "+31201234567"} for number in range(5)]
    with Matcher(table(*crowd), threads=1) as matcher:
        assert [(one.block, one.records) for one in matcher.left_out] == [("phone", 5)]
        matcher.learn()
        assert matcher.likely(part=0, parts=1) == []


def test_it_learns_from_a_shop_and_finds_the_same_in_parts_and_again(monkeypatch):
    monkeypatch.setattr(matching, "SAMPLED_PAIRS", 50_000)
    records = generate(2_500)
    found = []
    for parts in (1, 3):
        with Matcher(records, threads=1) as matcher:
            learnt = matcher.learn()
            likely = [one for part in range(parts) for one in matcher.likely(part=part, parts=parts)]
            found.append(sorted(likely, key=lambda one: (one.one_id, one.other_id)))
    assert found[0] == found[1]
    assert learnt["odds"].keys() == model.FIELDS.keys()
    assert all(level[0] >= matching.LEAST_CHANGE for levels in learnt["odds"].values() for level in [levels[model.DIFFERENT]])
    right = sum(one.one_id[1:] == one.other_id[1:] for one in found[0])
    assert right / len(found[0]) > 0.95
    assert right / (2_500 * SECOND_RECORDS) > 0.95


def test_a_record_is_the_latest_that_was_told():
    def rows(names, *values):
        return pa.Table.from_pylist(
            [dict(zip(names, row, strict=True)) for row in values], pa.schema([(n, pa.string()) for n in names])
        )

    gathered = gather(
        rows(["customer_id"], ["1"], ["2"]),
        rows(
            ["customer_id", "name", "value", "occurred_at", "activity_id"],
            ["1", "firstName", "Ann", "2026-01-01", "a"],
            ["1", "first_name", "Anna", "2026-01-02", "b"],
            ["1", "address.postalCode", "1621 AB", "2026-01-01", "a"],
            ["1", "phone", "06 12 34 56 78", "2026-01-01", "a"],
            ["1", "email", "Old@Example.org", "2026-01-01", "a"],
            ["1", "unheard_of", "x", "2026-01-01", "a"],
        ),
        rows(
            ["customer_id", "kind", "value", "seen_at"],
            ["1", "email", "anna@example.org", "2026-01-03"],
            ["1", "card_number", "7", "2026-01-01"],
            ["1", "card_number", "8", "2026-01-02"],
            ["1", "national_number", "123", "2026-01-02"],
        ),
        region="NL",
    ).to_pylist()
    assert gathered == [
        dict.fromkeys(RECORD)
        | {
            "id": "1",
            "given": "Anna",
            "postcode": "1621 AB",
            "email": "anna@example.org",
            "phone": "+31612345678",
            "card": "card_number:8",
            "national": "123",
        },
        dict.fromkeys(RECORD) | {"id": "2"},
    ]
