"""Golden tables of rounding and caps: the cases that generated ones meet too seldom."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numba
import pyarrow as pa
import pytest

from stamgast.programmes import passes
from stamgast.programmes.deciding import decide
from stamgast.programmes.slots import LARGEST
from stamgast.programmes.tests import oracle
from stamgast.programmes.tests.generated import Versions, in_order, programme_of, table_of
from stamgast.programmes.types import ACTIVITIES

START = datetime(2000, 1, 1, tzinfo=UTC)


def versions_of(rule: dict[str, Any], zone: str = "UTC", rounding: str = "down") -> Versions:
    earn = [{"name": "a", "when": {"activity": "Order Completed"}, **rule}]
    document = {"programme": "club", "timezone": zone, "round": rounding, "currencies": {"points": {}}, "earn": earn}
    return [(1, START, document)]


def order(number: int, minor: int, at: str = "2024-06-01T12:00:00+00:00", currency: str = "EUR") -> dict[str, Any]:
    row = dict.fromkeys(ACTIVITIES.names) | {"kind": "Order Completed", "amount_minor": minor, "currency": currency}
    return row | {
        "activity_id": number.to_bytes(16, "big"),
        "customer_id": bytes(16),
        "occurred_at": datetime.fromisoformat(at).astimezone(UTC),
    }


def amounts_of(versions: Versions, rows: list[dict[str, Any]]) -> dict[int, int]:
    """By the number of the activity; the oracle must say the same."""
    found = {
        row["activity_id"]: row["amount"] for row in decide(programme_of(versions), None, table_of(rows)).table.to_pylist()
    }
    assert found == {one.activity: one.amount for one in oracle.decide_all(versions, rows)}
    return {int.from_bytes(id_, "big"): amount for id_, amount in found.items()}


@pytest.mark.parametrize(
    ("rounding", "minor", "expected"),
    [
        ("down", 99, 0),
        ("down", 100, 1),
        ("down", 199, 1),
        ("nearest", 49, 0),
        ("nearest", 50, 1),
        ("nearest", 149, 1),
        ("nearest", 150, 2),
        ("up", 1, 1),
        ("up", 100, 1),
        ("up", 101, 2),
        ("up", 0, 0),
        ("up", -1, 0),
    ],
)
def test_rounding(rounding: str, minor: int, expected: int) -> None:
    versions = versions_of({"give": {"points": {"amount": 1, "per": 1.00}}}, rounding=rounding)
    assert amounts_of(versions, [order(1, minor)]).get(1, 0) == expected


@pytest.mark.parametrize(
    ("amount", "per", "minor", "currency", "expected"),
    [
        (3, 10, 2500, "EUR", 6),  # three for each whole ten, never seven and a half
        (1, 0.01, 5, "EUR", 5),
        (1, 0.333, 100, "EUR", 3),
        (1, 1, 4120, "JPY", 4120),
        (1, 1, 4120, "KWD", 4),
        (1, 1, 41200, "CLF", 4),
        (10**9, 0.01, 10**15, "JPY", LARGEST),
    ],
)
def test_per_amount(amount: int, per: float, minor: int, currency: str, expected: int) -> None:
    versions = versions_of({"give": {"points": {"amount": amount, "per": per}}})
    assert amounts_of(versions, [order(1, minor, currency=currency)]) == {1: expected}


@pytest.mark.parametrize(
    ("zone", "per", "moments", "expected"),
    [
        # the cap of 3 takes the third of two each; the local midnight begins anew
        (
            "Europe/Amsterdam",
            "day",
            ["2024-06-01T10:00+02:00", "2024-06-01T23:59+02:00", "2024-06-02T00:00+02:00"],
            {1: 2, 2: 1, 3: 2},
        ),
        # Sunday to Monday
        ("UTC", "week", ["2024-06-02T23:59+00:00", "2024-06-03T00:00+00:00", "2024-06-09T23:59+00:00"], {1: 2, 2: 2, 3: 1}),
        ("UTC", "month", ["2024-02-29T23:59+00:00", "2024-03-01T00:00+00:00", "2024-03-31T00:00+00:00"], {1: 2, 2: 2, 3: 1}),
        ("UTC", "year", ["2023-12-31T23:59+00:00", "2024-01-01T00:00+00:00", "2024-12-31T23:59+00:00"], {1: 2, 2: 2, 3: 1}),
        ("UTC", "lifetime", ["2001-01-01T00:00+00:00", "2011-01-01T00:00+00:00", "2021-01-01T00:00+00:00"], {1: 2, 2: 1}),
        # St. John's turned its clock back at 00:01: the second 23:30 of 28 October counts in the 29th, which had begun
        (
            "America/St_Johns",
            "day",
            ["2006-10-29T02:30:30+00:00", "2006-10-29T03:00:00+00:00", "2006-10-29T12:00:00+00:00"],
            {1: 2, 2: 1},
        ),
    ],
)
def test_caps(zone: str, per: str, moments: list[str], expected: dict[int, int]) -> None:
    versions = versions_of({"give": {"points": 2}, "cap": {"points": 3, "per": per}}, zone)
    assert amounts_of(versions, [order(number + 1, 100, at) for number, at in enumerate(moments)]) == expected


def lines(*rows: tuple[str, int | None]) -> list[dict[str, Any]]:
    return [{"product_id": "p", "category": category, "quantity": quantity, "amount_minor": 100} for category, quantity in rows]


@pytest.mark.parametrize(
    ("of", "per", "bought", "expected"),
    [
        ("quantity", 1, [("coffee", 2), ("tea", 3)], 5),
        ("quantity", 2, [("coffee", 2), ("tea", 3)], 2),
        ({"quantity": {"category": "coffee"}}, 1, [("coffee", 2), ("tea", 3), ("coffee", None)], 2),
        ({"quantity": {"category": "coffee"}}, 1, [("tea", 3)], 0),
        ("quantity", 1, [], 0),
    ],
)
def test_per_quantity_counts_pieces_and_not_money(of: Any, per: int, bought: list[tuple[str, int]], expected: int) -> None:
    versions = versions_of({"give": {"points": {"amount": 1, "per": per, "of": of}}})
    for currency in ("EUR", "JPY", "KWD"):
        rows = [order(1, 9900, currency=currency) | {"lines": lines(*bought)}]
        assert amounts_of(versions, rows).get(1, 0) == expected


@pytest.mark.parametrize(
    ("bounds", "moments", "given"),
    [
        # others end the day too early, or in the zone of the server: the last day belongs to the rule, whole
        ({"until": "2024-12-31"}, ["2024-12-31T23:59:59.999999+01:00", "2025-01-01T00:00:00+01:00"], {1}),
        ({"from": "2024-12-01"}, ["2024-11-30T23:59:59+01:00", "2024-12-01T00:00:00+01:00"], {2}),
        ({"until": "2024-12-31 18:00"}, ["2024-12-31T17:59:59+01:00", "2024-12-31T18:00:00+01:00"], {1}),
        # the day on which the clock goes forward is a day all the same
        ({"from": "2024-03-31", "until": "2024-03-31"}, ["2024-03-31T00:00:00+01:00", "2024-04-01T00:00:00+02:00"], {1}),
        # of a half hour that comes twice the first is meant
        ({"until": "2024-10-27 02:30"}, ["2024-10-27T00:29:59+00:00", "2024-10-27T00:30:00+00:00"], {1}),
    ],
)
def test_a_rule_holds_from_and_until_in_the_zone_of_the_programme(
    bounds: dict[str, str], moments: list[str], given: set[int]
) -> None:
    versions = versions_of({"give": {"points": 1}, **bounds}, "Europe/Amsterdam")
    assert set(amounts_of(versions, [order(number + 1, 100, at) for number, at in enumerate(moments)])) == given


def test_what_waits_is_available_after_its_days_on_the_wall_clock() -> None:
    (version,) = versions_of({"give": {"points": 1}}, "Europe/Amsterdam")
    version[2]["currencies"]["points"] = {"pending": "14 days", "expires": {"after": "1 year"}}
    rows = [order(1, 100, "2024-03-20T12:00:00+01:00")]
    (found,) = decide(programme_of([version]), None, table_of(rows)).table.to_pylist()
    assert found["available_at"] == datetime(2024, 4, 3, 10, tzinfo=UTC)  # noon again, in summer time
    assert found["expires_at"] == datetime(2025, 3, 20, 11, tzinfo=UTC)


def given_by(versions: Versions, rows: list[dict[str, Any]]) -> dict[tuple[int, str], int]:
    """By the number of the activity and the rule; the oracle must say the same."""
    table = decide(programme_of(versions), None, table_of(rows)).table
    found = {(row["activity_id"], row["rule"]): row["amount"] for row in table.to_pylist()}
    assert found == {(one.activity, one.rule): one.amount for one in oracle.decide_all(versions, rows)}
    return {(int.from_bytes(id_, "big"), rule): amount for (id_, rule), amount in found.items()}


def multiplying(*factors: float, stacking: str, rounding: str = "down", per: float = 1, **more: Any) -> Versions:
    (version,) = versions_of({"give": {"points": {"amount": 1, "per": per}}}, rounding=rounding)
    when = {"activity": "Order Completed"}
    version[2]["earn"] += [{"name": f"x{factor}", "when": when, "multiply": {"points": factor}, **more} for factor in factors]
    version[2]["stacking"] = stacking
    return [version]


@pytest.mark.parametrize(
    ("stacking", "factors", "minor", "expected"),
    [
        ("base", (2, 1.5), 1000, {"a": 10, "x2": 10, "x1.5": 5}),
        ("standing", (2, 1.5), 1000, {"a": 10, "x2": 10, "x1.5": 10}),
        ("standing", (1.5, 2), 1000, {"a": 10, "x1.5": 5, "x2": 15}),
        # rounding once, at the end: of 3 points 3.75, 4.6875, and not 3, 3
        ("standing", (1.25, 1.25), 300, {"a": 3, "x1.25": 1}),
        ("base", (1.25, 1.75), 300, {"a": 3, "x1.75": 3}),
        ("base", (2,), 99, {}),
    ],
)
def test_multipliers_stack_as_the_document_says(
    stacking: str, factors: tuple[float, ...], minor: int, expected: dict[str, int]
) -> None:
    versions = multiplying(*dict.fromkeys(factors), stacking=stacking)
    if len(set(factors)) < len(factors):
        versions[0][2]["earn"].append({**versions[0][2]["earn"][-1], "name": "again"})
        expected = {**{name: amount for name, amount in expected.items() if name != "x1.25"}, "again": 1}
    assert {rule: amount for (_, rule), amount in given_by(versions, [order(1, minor)]).items()} == expected


def test_the_cap_of_a_multiplier_is_its_own_and_what_it_cuts_off_is_not_multiplied_again() -> None:
    versions = multiplying(2, stacking="standing", cap={"points": 15, "per": "day"})
    versions[0][2]["earn"].append({"name": "half more", "when": {"activity": "Order Completed"}, "multiply": {"points": 1.5}})
    found = given_by(versions, [order(1, 1000), order(2, 1000), order(3, 1000)])
    assert [found.get((number, "x2"), 0) for number in (1, 2, 3)] == [10, 5, 0]
    assert [found[number, "half more"] for number in (1, 2, 3)] == [10, 7, 5]


def test_a_partial_return_leaves_what_the_rest_is_worth() -> None:
    """Others deduct points again at each refund, or round each line: here what is left is decided, with its multipliers."""
    versions = multiplying(1.5, stacking="base", rounding="nearest")
    whole = sum(given_by(versions, [order(1, 1999)]).values())
    assert (whole, sum(given_by(versions, [order(1, 1000)]).values())) == (30, 15)
    assert sum(given_by(versions, [order(1, 0)]).values()) == 0


@pytest.mark.parametrize(
    ("turn", "moments", "expected"),
    [
        ({"nth": 1}, ["2024-06-01", "2024-06-02", "2024-07-01"], [1]),
        ({"nth": 3}, ["2024-06-01", "2024-06-02", "2024-07-01", "2024-07-02"], [3]),
        ({"every": 2}, ["2024-06-01", "2024-06-02", "2024-07-01", "2024-07-02", "2024-07-03"], [2, 4]),
        # three weeks in a row, and then anew; two in one week are one
        (
            {"streak": {"count": 3, "per": "week"}},
            ["2024-06-03", "2024-06-09", "2024-06-10", "2024-06-17", "2024-06-24", "2024-07-01", "2024-07-08", "2024-07-15"],
            [4, 7],
        ),
        (
            {"streak": {"count": 2, "per": "month"}},
            ["2023-11-30", "2024-01-01", "2024-02-29", "2024-04-01", "2024-05-01"],
            [3, 5],
        ),
        ({"streak": {"count": 2, "per": "day"}}, ["2024-02-28", "2024-02-29", "2024-03-01", "2024-03-02"], [2, 4]),
    ],
)
def test_turns(turn: dict[str, Any], moments: list[str], expected: list[int]) -> None:
    versions = versions_of({"give": {"points": 1}, **turn})
    rows = [order(number + 1, 100, f"{day}T12:00+00:00") for number, day in enumerate(moments)]
    assert sorted(amounts_of(versions, rows)) == expected


def test_three_stores_in_a_month_give_once_in_each() -> None:
    challenge = {"challenge": {"count": 3, "different": "properties.store", "per": "month"}}
    versions = versions_of({"give": {"points": 50}, **challenge})
    visits = [("06-01", "North"), ("06-02", "North"), ("06-03", 12), ("06-04", None), ("06-05", 12.0), ("06-06", "South")]
    visits += [("06-07", "West"), ("07-01", "North"), ("07-02", "South"), ("07-03", "West")]
    rows = [
        order(number + 1, 100, f"2024-{day}T12:00+00:00") | {"properties": json.dumps({"store": store})}
        for number, (day, store) in enumerate(visits)
    ]
    assert amounts_of(versions, rows) == {6: 50, 10: 50}


def visits(*stores: str | None) -> list[dict[str, Any]]:
    """One a day of June, the first on the first."""
    return [
        order(day, 100, f"2024-06-{day:02}T12:00+00:00") | {"properties": json.dumps({"store": store})}
        for day, store in enumerate(stores, 1)
    ]


def changed_on(day: int, before: int, after: int, per: str) -> Versions:
    """A challenge that asks for ``before`` different stores, and from a day of June on for ``after``."""
    challenges = [{"challenge": {"count": count, "different": "properties.store", "per": per}} for count in (before, after)]
    (first,), (second,) = (versions_of({"give": {"points": 50}, **challenge}) for challenge in challenges)
    return [first, (2, datetime(2024, 6, day, tzinfo=UTC), second[2])]


@pytest.mark.parametrize("per", ["month", "lifetime"])
@pytest.mark.parametrize(
    ("before", "after", "stores", "expected"),
    [
        (5, 3, "NSWNNE", [4]),  # three were there already: the next visit gives, though to a known store, and once
        (5, 2, "NSW EE", [5]),
        (5, 4, "NSWNEA", [5]),
        (2, 4, "NSWWEA", [2]),  # it gave in this period
        (3, 4, "NSNNWE", [6]),
        (2, 2, "NSNNWE", [2]),
    ],
)
def test_a_challenge_that_asks_for_another_number_gives_once_in_a_period(
    per: str, before: int, after: int, stores: str, expected: list[int]
) -> None:
    versions, rows = changed_on(4, before, after, per), visits(*(None if store == " " else store for store in stores))
    assert sorted(amounts_of(versions, rows)) == expected
    programme = programme_of(versions)
    for parts in ([1] * 6, [3, 1, 2], [2, 3, 1]):
        states, found, start = None, [], 0
        for count in parts:
            decided = decide(programme, states, table_of(rows[start : start + count]))
            states, start = decided.states, start + count
            found += decided.table["activity_id"].to_pylist()
        assert [int.from_bytes(one, "big") for one in found] == expected


def test_a_challenge_of_another_field_begins_anew_and_goes_on_when_the_field_comes_back() -> None:
    versions: Versions = []
    for number, (day, field) in enumerate([(1, "store"), (3, "size"), (6, "store")], 1):
        challenge = {"challenge": {"count": 3, "different": f"properties.{field}", "per": "month"}}
        [(_, _, document)] = versions_of({"give": {"points": 50}, **challenge})
        versions.append((number, datetime(2024, 6, day, tzinfo=UTC), document))
    rows = [
        order(day, 100, f"2024-06-{day:02}T12:00+00:00") | {"properties": json.dumps({"store": store, "size": size})}
        for day, (store, size) in enumerate(zip("NSWWWWA", "LLLMSLM", strict=True), 1)
    ]
    assert sorted(amounts_of(versions, rows)) == [5, 6]
    programme = programme_of(versions)
    states = decide(programme, None, table_of(rows[:4])).states
    found = decide(programme, states, table_of(rows[4:])).table["activity_id"].to_pylist()
    assert [int.from_bytes(one, "big") for one in found] == [5, 6]
    known = json.loads(decide(programme_of(versions[:1]), None, table_of(rows[:2])).states["counters"].to_pylist()[0])
    assert list(known) == ["a/challenge/month"]


@pytest.mark.parametrize(("before", "after", "expected"), [(5, 2, []), (5, 3, []), (5, 4, [4]), (2, 4, [2, 4])])
def test_a_version_that_asks_for_another_number_is_about_that_number(before: int, after: int, expected: list[int]) -> None:
    """The third purchase is the third: who is beyond it when a version names it is never there again."""
    (first,), (second,) = (versions_of({"give": {"points": 50}, "nth": count}) for count in (before, after))
    versions = [first, (2, datetime(2024, 6, 4, tzinfo=UTC), second[2])]
    rows = [order(day, 100, f"2024-06-{day:02}T12:00+00:00") for day in range(1, 7)]
    assert sorted(amounts_of(versions, rows)) == expected


def test_a_version_that_asks_for_fewer_each_time_gives_at_the_next() -> None:
    (first,), (second,) = (versions_of({"give": {"points": 50}, "every": count}) for count in (10, 5))
    versions = [first, (2, datetime(2024, 6, 8, tzinfo=UTC), second[2])]
    rows = [order(day, 100, f"2024-06-{day:02}T12:00+00:00") for day in range(1, 14)]
    assert sorted(amounts_of(versions, rows)) == [8, 13]


def test_a_state_of_before_the_mark_has_given_where_it_has_as_many_as_were_asked_for() -> None:
    rows, name = visits("N", "S", "W", "E", "A"), "a/challenge/month"
    for before, after, expected in ((3, 4, []), (4, 3, [4]), (4, 5, [5])):
        programme = programme_of(changed_on(4, before, after, "month"))
        states = decide(programme, None, table_of(rows[:3])).states
        unmarked = decide(programme_of(changed_on(4, 50, 50, "month")), None, table_of(rows[:3])).states
        counters = json.loads(unmarked["counters"].to_pylist()[0])
        assert counters[name].pop() == 0
        place = states.schema.get_field_index("counters")
        old = states.set_column(place, states.schema.field(place), pa.array([json.dumps(counters)]))
        for one in (states, old):
            found = decide(programme, one, table_of(rows[3:])).table["activity_id"].to_pylist()
            assert [int.from_bytes(id_, "big") for id_ in found] == expected


def test_ten_coffees_and_the_eleventh_is_free() -> None:
    (version,) = versions_of({"give": {"points": {"amount": 1, "per": 1, "of": {"quantity": {"category": "coffee"}}}}})
    version[2]["currencies"]["coffees"] = {}
    version[2]["cards"] = [{"name": "coffee card", "of": "points", "each": 10, "give": {"coffees": 1}}]
    rows = [
        order(number, 300) | {"lines": lines(("coffee", cups), ("tea", 9))} for number, cups in enumerate((4, 5, 3, 8, 25), 1)
    ]
    found = given_by([version], rows)
    assert {number: amount for (number, rule), amount in found.items() if rule == "coffee card"} == {3: 1, 4: 1, 5: 2}


def test_a_card_that_asks_for_less_than_it_holds_is_full_at_the_next_stamp_and_once() -> None:
    (first,) = versions_of({"give": {"points": {"amount": 1, "per": 1}}})
    first[2]["currencies"]["coffees"] = {}
    first[2]["cards"] = [{"name": "card", "of": "points", "each": 10, "give": {"coffees": 1}}]
    second = (2, datetime(2024, 6, 10, tzinfo=UTC), json.loads(json.dumps(first[2]).replace('"each": 10', '"each": 4')))
    rows = [order(1, 700)] + [order(number, 0, f"2024-06-{number}T12:00+00:00") for number in (11, 12)]
    rows += [order(13, 100, "2024-06-13T12:00+00:00"), order(14, 300, "2024-06-14T12:00+00:00")]
    found = given_by([first, second], rows)
    assert {number: amount for (number, rule), amount in found.items() if rule == "card"} == {13: 2}


def test_ten_euro_is_one_star() -> None:
    versions = versions_of({"give": {"points": {"amount": 1, "per": 10}}})
    assert amounts_of(versions, [order(1, 999), order(2, 1000), order(3, 2999)]) == {2: 1, 3: 2}


def test_a_cap_goes_on_counting_in_the_next_version() -> None:
    rule = {"give": {"points": 2}, "cap": {"points": 3, "per": "month"}}
    (first,) = versions_of(rule)
    second = (2, datetime(2024, 6, 10, tzinfo=UTC), json.loads(json.dumps(first[2]).replace('"points": 3', '"points": 5')))
    rows = [order(number, 1, f"2024-06-{number:02}T00:00+00:00") for number in (8, 9, 10, 11)]
    assert amounts_of([first, second], rows) == {8: 2, 9: 1, 10: 2}


def test_a_tie_of_moments_is_decided_by_the_id() -> None:
    versions = versions_of({"give": {"points": 2}, "cap": {"points": 3, "per": "lifetime"}})
    assert amounts_of(versions, in_order([order(number, 1) for number in (3, 1, 2)])) == {1: 2, 2: 1}


def test_the_newest_of_two_versions_of_one_moment_is_in_force() -> None:
    (first,) = versions_of({"give": {"points": 2}})
    (second,) = versions_of({"give": {"points": 5}})
    assert amounts_of([first, (2, START, second[2])], [order(1, 1)]) == {1: 5}
    future = (3, START + timedelta(days=36_500), versions_of({"give": {"points": 9}})[0][2])
    assert amounts_of([first, (2, START, second[2]), future], [order(1, 1)]) == {1: 5}


def test_without_a_folder_to_write_the_pass_still_compiles() -> None:
    """A function from no file has no folder to be kept in, which numba refuses as it does one that cannot be written."""
    names: dict[str, Any] = {}
    exec("def add_one(number):\n    return number + 1\n", names)
    with pytest.raises(RuntimeError, match="cannot cache"):
        numba.njit(cache=True)(names["add_one"])
    assert passes.compile_pass(names["add_one"])(1) == 2
