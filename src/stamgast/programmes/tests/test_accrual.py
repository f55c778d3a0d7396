"""Golden tables of rounding and caps: the cases that generated ones meet too seldom."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numba
import pytest

from stamgast.programmes import accrual
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
    assert accrual.compile_pass(names["add_one"])(1) == 2
