"""Tiers by hand: reached at once, reviewed at the ends of periods, by invitation, and what they multiply."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stamgast.programmes.deciding import decide
from stamgast.programmes.documents import load
from stamgast.programmes.errors import InvalidProgramme
from stamgast.programmes.explaining import explain
from stamgast.programmes.standing import find_standing
from stamgast.programmes.tests import oracle
from stamgast.programmes.tests.generated import Versions, programme_of, table_of
from stamgast.programmes.tiering import add_months
from stamgast.programmes.types import ACTIVITIES

START = datetime(2000, 1, 1, tzinfo=UTC)
YEAR = {"calendar": "year"}
LEVELS = [{"name": "Blue", "from": 0}, {"name": "Silver", "from": 200}, {"name": "Gold", "from": 500}]


def versions_of(zone: str = "Europe/Amsterdam", **tiers: Any) -> Versions:
    document = {
        "programme": "club",
        "timezone": zone,
        "currencies": {"points": {}},
        "earn": [{"name": "purchase", "when": {"activity": "Order"}, "give": {"points": {"amount": 1, "per": 1}}}],
        "tiers": {"qualify_on": "points", "period": YEAR, "levels": LEVELS, **tiers},
    }
    return [(1, START, document)]


def order(number: int, at: str, euros: int, kind: str = "Order") -> dict[str, Any]:
    row = dict.fromkeys(ACTIVITIES.names) | {"kind": kind, "amount_minor": euros * 100, "currency": "EUR"}
    moment = datetime.fromisoformat(at)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return row | {
        "activity_id": number.to_bytes(16, "big"),
        "customer_id": bytes(16),
        "occurred_at": moment.astimezone(UTC),
    }


def told(versions: Versions, rows: list[dict[str, Any]], until: str) -> list[tuple[str, str | None, str]]:
    """The changes of tiers; the oracle must say the same."""
    moment = datetime.fromisoformat(until).replace(tzinfo=UTC)
    changes = decide(programme_of(versions), None, table_of(rows), until=moment).tiers.to_pylist()
    found = [(row["customer_id"], row["since"], row["tier"], row["cause"]) for row in changes]
    assert found == oracle.changes_of(versions, rows, moment.date())
    return [(since.astimezone(UTC).isoformat()[:16], tier, cause) for _, since, tier, cause in found]


def test_a_level_is_reached_at_once_and_lost_at_the_end_of_the_next_period() -> None:
    rows = [order(1, "2024-03-01T12:00", 150), order(2, "2024-06-01T12:00", 400)]
    assert told(versions_of(), rows, "2025-12-31T12:00") == [
        ("2024-03-01T12:00", "Blue", "reached"),
        ("2024-06-01T12:00", "Gold", "reached"),
    ]
    # midnight of the year in Amsterdam
    assert told(versions_of(), rows, "2026-01-01T12:00")[-1] == ("2025-12-31T23:00", "Blue", "reviewed")


def test_a_soft_landing_goes_down_one_level_at_a_time() -> None:
    rows = [order(1, "2024-06-01T12:00", 600)]
    assert told(versions_of(downgrade="one level"), rows, "2030-01-01T12:00")[1:] == [
        ("2025-12-31T23:00", "Silver", "reviewed"),
        ("2026-12-31T23:00", "Blue", "reviewed"),
    ]


def test_in_a_grace_what_is_missing_can_still_be_earned() -> None:
    rows = [order(1, "2024-06-01T12:00", 600), order(2, "2025-05-01T12:00", 450)]
    late = [*rows, order(3, "2026-01-20T12:00", 50)]
    assert told(versions_of(), late, "2026-06-01T12:00")[-1] == ("2025-12-31T23:00", "Silver", "reviewed")
    assert told(versions_of(grace="30 days"), rows, "2026-06-01T12:00")[-1] == ("2026-01-30T23:00", "Silver", "reviewed")
    assert told(versions_of(grace="30 days"), late, "2026-06-01T12:00")[-1][1] == "Gold"


def test_a_rolling_period_counts_back_from_each_day() -> None:
    rolling = versions_of(period={"rolling": "12 months"})
    # 300 and 250 lie in two calendar years, and within twelve months
    rows = [order(1, "2024-11-01T12:00", 300), order(2, "2025-10-31T12:00", 250)]
    assert [change[1] for change in told(rolling, rows, "2025-11-01T00:00")] == ["Silver", "Gold"]
    late = [rows[0], order(2, "2025-11-01T12:00", 250)]
    assert [change[1] for change in told(rolling, late, "2025-12-01T00:00")] == ["Silver"]
    assert told(rolling, rows, "2026-12-01T00:00")[-1] == ("2026-10-31T23:00", "Blue", "reviewed")


def test_an_invitation_lifts_for_the_period_and_not_longer() -> None:
    levels = [*LEVELS, {"name": "Black", "invited": {"activity": "Tier Invited"}}]
    rows = [order(1, "2024-03-01T12:00", 250), order(2, "2024-05-01T12:00", 0, kind="Tier Invited")]
    assert told(versions_of(levels=levels), rows, "2026-02-01T12:00") == [
        ("2024-03-01T12:00", "Silver", "reached"),
        ("2024-05-01T12:00", "Black", "invited"),
        ("2025-12-31T23:00", "Blue", "reviewed"),
    ]


def test_an_invitation_to_a_lower_level_takes_nothing_away() -> None:
    levels = [*LEVELS, {"name": "Club", "invited": {"activity": "Club"}}, {"name": "Black", "invited": {"activity": "Black"}}]
    rows = [order(1, "2024-03-01T12:00", 0, kind="Black"), order(2, "2024-05-01T12:00", 0, kind="Club")]
    assert told(versions_of(levels=levels), rows, "2026-02-01T12:00") == [
        ("2024-03-01T12:00", "Black", "invited"),
        ("2025-12-31T23:00", "Blue", "reviewed"),
    ]


def test_money_qualifies_too_and_what_came_back_does_not() -> None:
    """Others leave the tier wrong for years: here a tier follows from what is left of each order."""
    versions = versions_of(qualify_on={"spend": {"activity": "Order"}})
    assert told(versions, [order(1, "2024-03-01T12:00", 200)], "2024-04-01T00:00")[-1][1] == "Silver"
    assert told(versions, [order(1, "2024-03-01T12:00", 199)], "2024-04-01T00:00")[-1][1] == "Blue"


def test_a_level_multiplies_from_the_next_activity_on_and_is_explained() -> None:
    levels = [{"name": "Blue", "from": 0}, {"name": "Gold", "from": 100, "multiply": {"points": 1.5}}]
    versions = versions_of(levels=levels)
    rows = [order(1, "2024-03-01T12:00", 100), order(2, "2024-03-02T12:00", 25), order(3, "2026-03-02T12:00", 25)]
    found = decide(programme_of(versions), None, table_of(rows)).table.to_pylist()
    assert [(row["activity_id"][-1], row["rule"], row["amount"]) for row in found] == [
        (1, "purchase", 100),
        (2, "purchase", 25),
        (2, "Gold", 12),
        (3, "purchase", 25),
    ]
    programme = programme_of(versions)
    first = decide(programme, None, table_of(rows[:1])).states
    second = decide(programme, first, table_of(rows[1:2])).states
    outcomes = [explain(programme, row, states).outcomes[1] for row, states in zip(rows, (None, first, second), strict=True)]
    assert [outcome.sentence for outcome in outcomes] == [
        "Gold gave nothing: the member has no level yet.",
        "Gold gave 12 points, because the member is Gold.",
        "Gold gave nothing: the member is Blue.",
    ]
    assert outcomes[1].arithmetic == "1.5 times 25: 12 more"


def test_a_level_that_a_version_no_longer_has_becomes_what_was_earned() -> None:
    (first,) = versions_of()
    document = json.loads(json.dumps(first[2]).replace("Silver", "Plata"))
    versions = [first, (2, datetime(2024, 5, 1, tzinfo=UTC), document)]
    rows = [order(1, "2024-03-01T12:00", 250), order(2, "2024-06-01T12:00", 1)]
    assert told(versions, rows, "2024-07-01T00:00")[-1] == ("2024-06-01T12:00", "Plata", "rules")


def test_what_was_reached_and_what_is_missing() -> None:
    programme = programme_of(versions_of())
    states = decide(programme, None, table_of([order(1, "2024-03-01T12:00", 250)])).states
    now = find_standing(programme, states, datetime(2024, 4, 1, tzinfo=UTC))
    assert now is not None
    assert now.level is not None
    assert now.next_level is not None
    assert (now.level.name, now.total, now.next_level.name, now.missing) == ("Silver", 250, "Gold", 250)
    assert now.review_at == datetime(2024, 12, 31, 23, tzinfo=UTC)
    later = find_standing(programme, states, datetime(2026, 4, 1, tzinfo=UTC))
    assert later is not None
    assert later.level is not None
    assert (later.level.name, later.total, later.missing, later.review_at) == ("Blue", 0, 200, None)
    nobody = find_standing(programme, states.slice(0, 0), datetime(2024, 4, 1, tzinfo=UTC))
    assert nobody is not None
    assert (nobody.level, nobody.missing) == (None, 0)


@given(st.dates(date(1900, 1, 1), date(2200, 1, 1)), st.integers(-60, 60))
def test_months_are_those_of_the_calendar(day: date, months: int) -> None:
    epoch = date(1970, 1, 1)
    assert epoch + timedelta(days=add_months((day - epoch).days, months)) == oracle.months_later(day, months)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"qualify_on": "stars"}, "tiers.qualify_on"),
        ({"qualify_on": {"spend": {"field": "colour", "is": "red"}}}, "tiers.qualify_on.spend.field"),
        ({"period": {"rolling": "90 seconds"}}, "tiers.period.rolling"),
        ({"period": {"rolling": "9 years"}}, "tiers.period.rolling"),
        ({"period": {"rolling": "9 days", "calendar": "year"}}, "tiers.period"),
        ({"grace": "3 years"}, "tiers.grace"),
        ({"levels": [{"name": "A", "from": 5}, {"name": "B", "from": 5}]}, "tiers.levels[1].from"),
        ({"levels": [{"name": "A"}]}, "tiers.levels[0]"),
        ({"levels": [{"name": "purchase", "from": 0}]}, "tiers.levels[0].name"),
        ({"levels": [{"name": "A", "from": 0, "multiply": {"stars": 2}}]}, "tiers.levels[0].multiply.stars"),
        ({"levels": [{"name": "A", "from": 0, "benefits": {"x": {"en": "only"}}}]}, "tiers.levels[0].benefits.x.nl"),
    ],
)
def test_what_is_wrong_with_tiers_is_named(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidProgramme) as caught:
        load(json.dumps(versions_of(**changes)[0][2]))
    problems = caught.value.details["problems"]
    assert isinstance(problems, list)
    assert path in [problem["path"] for problem in problems]


def test_nobody_is_reviewed_where_there_are_no_tiers() -> None:
    (version,) = versions_of()
    del version[2]["tiers"]
    decisions = decide(programme_of([version]), None, table_of([order(1, "2024-03-01T12:00", 250)]), until=START)
    assert decisions.tiers.num_rows == 0
    assert decisions.states["review_at"].to_pylist() == [None]
    assert isinstance(decisions.tiers, pa.Table)


def test_a_version_to_come_changes_nothing_that_is_kept() -> None:
    """Else an audit after publishing tiers would find fault with everybody who bought before them."""
    _, _, document = versions_of()[0]
    before = [(1, START, {key: value for key, value in document.items() if key != "tiers"})]
    after = [*before, (2, datetime(2025, 1, 1, tzinfo=UTC), document)]
    early, late = order(1, "2024-03-01T12:00", 150), order(2, "2025-03-01T12:00", 250)

    def kept(versions: Versions, *rows: dict[str, Any]) -> list[str]:
        return decide(programme_of(versions), None, table_of(list(rows))).states["counters"].to_pylist()

    assert kept(after, early) == kept(before, early) == ["{}"]
    assert json.loads(kept(after, early, late)[0])["/tier"][0] == "Silver"
