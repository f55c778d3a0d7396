"""The linter: what it finds, at which line, and that what it calls impossible never is."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from string import Formatter
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stamgast.conditions import activity_fields, parse
from stamgast.programmes.deciding import decide
from stamgast.programmes.documents import default_document, load
from stamgast.programmes.linting import Level, Lint, lint, say_finding
from stamgast.programmes.linting.clocks import switches
from stamgast.programmes.linting.holding import can_hold, hours_of, least_amount
from stamgast.programmes.linting.words import WORDS
from stamgast.programmes.programme import compile_programme
from stamgast.programmes.types import ACTIVITIES, Version

from .generated import activities, documents

ZONE = "Europe/Amsterdam"
FIELDS = activity_fields(ZONE)
AT = datetime(2026, 1, 1, tzinfo=UTC)
HEAD = "programme: club\ntimezone: Europe/Amsterdam\ncurrencies:\n  points: {}\nearn:\n"


def hold(condition: object, first: str | None = None, last: str | None = None) -> bool:
    days = (date.fromisoformat(first) if first else None, date.fromisoformat(last) if last else None)
    return can_hold(parse(condition, FIELDS), days)


def over(field: str, **compared: object) -> dict[str, object]:
    return {"field": field, **compared}


IMPOSSIBLE: list[Any] = [
    {"all": [{"activity": "A"}, {"activity": "B"}]},
    {"all": [{"activity": "A"}, {"not": {"activity": "A"}}]},
    over("amount", over=10, under=5),
    over("amount", over=10, at_most=10),
    {"all": [over("amount", at_least=5), over("amount", missing=True)]},
    over("kind", missing=True),
    over("hour", missing=True),
    over("hour", over=23),
    over("hour", over=4, under=5),
    over("hour", under=0),
    {"all": [over("weekday", **{"in": ["monday", "tuesday"]}), over("weekday", **{"is": "sunday"})]},
    {"all": [over("weekday", **{"is": "monday"}), over("date", **{"is": "2026-12-25"})]},  # a Friday
    {"all": [over("weekday", **{"is": "monday"}), over("date", at_least="2026-12-22", at_most="2026-12-27")]},
    {"all": [over("properties.size", **{"is": "L"}), over("properties.size", over=3)]},
    {"all": [over("properties.gift", **{"is": True}), over("properties.gift", missing=True)]},
    {"any": [over("amount", over=10, under=5), over("hour", over=23)]},
    {"not": {"any": [over("amount", exists=True), over("amount", missing=True)]}},
    {"any_line": {"all": [over("category", **{"is": "tea"}), over("category", **{"is": "coffee"})]}},
    {"all": [{"any_line": {"category": "tea"}}, {"not": {"any_line": {"category": ["tea", "coffee"]}}}]},
    {"all": [over("kind", **{"in": ["Tea", "Coffee"]}), over("kind", contains="x")]},
    over("properties.n", over=1e29, under=-1e29),
]
POSSIBLE: list[Any] = [
    {"all": [{"any_line": {"category": "tea"}}, {"any_line": {"category": "coffee"}}]},
    {"not": {"any_line": {"category": "tea"}}},
    over("amount", over="10", under="10.01") if False else over("amount", over=10, under=10.01),  # 10.005 of a dinar
    {"all": [over("kind", contains="Order"), {"not": over("kind", contains="Till")}]},
    {"all": [over("weekday", **{"is": "friday"}), over("date", **{"is": "2026-12-25"})]},
    {"all": [over("weekday", **{"is": "monday"}), over("date", at_least="2026-12-22", at_most="2026-12-28")]},
    {"all": [over("properties.size", is_not="L"), over("properties.size", is_not="M")]},
    {"all": [over("properties.a", **{"is": 1}), over("properties.b", **{"is": "1"})]},
    {"not": over("amount", exists=True)},
    over("properties.n", over=1e30),
    over("date", at_least="9999-12-31"),
]


@pytest.mark.parametrize("condition", IMPOSSIBLE, ids=json.dumps)
def test_what_cannot_be_is_seen(condition: object) -> None:
    assert not hold(condition)


@pytest.mark.parametrize("condition", POSSIBLE, ids=json.dumps)
def test_what_can_be_is_let_through(condition: object) -> None:
    assert hold(condition)


def test_days_bound_what_can_be() -> None:
    december = {"field": "date", "at_least": "2026-12-01"}
    assert hold(december, last="2026-12-01")
    assert not hold(december, last="2026-11-30")
    assert hold({"field": "weekday", "is": "monday"}, "2026-12-21", "2026-12-21")
    assert not hold({"field": "weekday", "is": "monday"}, "2026-12-22", "2026-12-27")
    assert not hold({"activity": "A"}, "2026-12-02", "2026-12-01")


def test_a_condition_of_too_many_cases_is_taken_to_be_possible() -> None:
    each = {"any": [{"field": "amount", "is": number} for number in range(10)]}
    assert hold({"all": [each, each, each, {"field": "hour", "over": 23}]})


def test_hours_and_amounts_are_read_from_conditions() -> None:
    night = parse({"all": [over("hour", at_least=1, at_most=4), {"activity": "A"}]}, FIELDS)
    assert hours_of(night) == {1, 2, 3, 4}
    assert least_amount(parse(over("amount", at_least=5, over=7), FIELDS)) == 7
    assert least_amount(parse({"any": [over("amount", at_least=5), {"activity": "A"}]}, FIELDS)) is None


ATOMS = st.sampled_from(
    [
        {"activity": "A"},
        {"field": "kind", "in": ["A", "B"]},
        {"field": "kind", "contains": "A"},
        {"field": "kind", "is_not": "A"},
        {"field": "amount", "over": 0},
        {"field": "amount", "at_most": 0},
        {"field": "amount", "is": 0.5},
        {"field": "amount", "missing": True},
        {"field": "hour", "is": 2},
        {"field": "hour", "over": 2},
        {"field": "weekday", "is": "sunday"},
        {"field": "date", "is": "2026-03-29"},
        {"field": "date", "at_most": "2026-03-28"},
        {"field": "properties.size", "is": "L"},
        {"field": "properties.size", "over": 1},
        {"field": "properties.size", "exists": True},
        {"any_line": {"category": "tea"}},
        {"any_line": {"field": "quantity", "over": 1}},
    ]
)
CONDITIONS = st.lists(ATOMS, min_size=3, max_size=6).map(lambda parts: {"all": parts}) | st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: {"all": parts})
        | st.lists(inner, min_size=1, max_size=2).map(lambda parts: {"any": parts})
        | inner.map(lambda part: {"not": part})
    ),
    max_leaves=6,
)
LINE = st.fixed_dictionaries(
    {
        "product_id": st.none(),
        "category": st.sampled_from(["tea", "coffee", None]),
        "quantity": st.sampled_from([None, 1, 2]),
        "amount_minor": st.just(1),
    }
)
ROWS = st.fixed_dictionaries(
    {
        "occurred_at": st.sampled_from(
            [datetime(2026, month, day, 0, 30, tzinfo=UTC) for month, day in ((1, 1), (3, 28), (3, 29), (10, 25))]
        ),
        "kind": st.sampled_from(["A", "B", "AB", ""]),
        "amount_minor": st.sampled_from([None, -1, 0, 1, 50, 500]),
        "currency": st.sampled_from(["EUR", "JPY", None]),
        "properties": st.sampled_from([None, '{"size":"L"}', '{"size":2}', '{"size":[]}', '{"size":null}', "{}"]),
        "lines": st.none() | st.lists(LINE, max_size=2),
    }
)  # fmt: skip


@settings(max_examples=400)
@given(
    CONDITIONS,
    st.lists(ROWS, min_size=1, max_size=8),
    st.sampled_from([(None, None), (date(2026, 3, 29), None), (None, date(2026, 3, 28))]),
)
def test_what_is_called_impossible_fits_no_activity(condition: Any, rows: Any, days: Any) -> None:  # fmt: skip
    parsed = parse(condition, FIELDS)
    if can_hold(parsed, days):
        return
    test = parsed.closure()
    amsterdam = parse({"field": "date", "at_least": (days[0] or date.min).isoformat()}, FIELDS).closure()
    before = parse({"field": "date", "at_most": (days[1] or date.max).isoformat()}, FIELDS).closure()
    assert [row for row in rows if amsterdam(row) and before(row) and test(row)] == []


IDLE = ("never", "never_in_its_time", "past", "never_in_a_row", "never_so_many")


@settings(max_examples=60)
@given(documents(), activities())
def test_a_rule_that_never_applies_gives_nothing(content: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    text = json.dumps(content)
    document = load(text)
    findings = lint(document, at=datetime(2000, 1, 1, tzinfo=UTC)).findings
    idle = {one.values["rule"] for one in findings if one.code in IDLE}
    moment = datetime(2000, 1, 1, tzinfo=UTC)
    programme = compile_programme([Version(document.programme, 1, text, "", moment, moment, "", "")])
    decided = decide(programme, None, pa.Table.from_pylist(rows, schema=ACTIVITIES)).table
    assert idle & set(decided["rule"].to_pylist()) == set()


def look(earn: str, head: str = HEAD, **named: Any) -> Lint:
    return lint(load(head + earn), at=AT, **named)


def told(found: Lint, *codes: str) -> list[tuple[str, int, str]]:
    return [(one.code, one.line, say_finding(one, "en", ZONE)) for one in found.findings if not codes or one.code in codes]


def test_the_first_programme_is_without_a_fault() -> None:
    document = load(default_document(ZONE))
    assert lint(document, at=AT, kinds=["Order Completed", "Till Sale", "Coupon Redeemed"]).findings == ()


def test_contradictions_and_times_past_are_told_at_their_line() -> None:
    found = look(
        "  - name: neither\n    when: {all: [{activity: A}, {activity: B}]}\n    give: {points: 1}\n"
        "  - name: christmas\n    when: {field: date, is: 2026-12-25}\n    until: 2026-12-24\n    give: {points: 1}\n"
        "  - name: old\n    when: {activity: A}\n    until: 2025-06-30\n    give: {points: 1}\n"
        "  - name: older\n    when: {field: date, under: 2025-01-01}\n    give: {points: 1}\n"
        "  - name: tea\n    when: {activity: A}\n    give: {points: {amount: 1, per: 1, of: {lines: {all: "
        "[{field: category, is: tea}, {field: category, is: coffee}]}}}}\n"
    )  # fmt: skip
    assert [(code, line) for code, line, _ in told(found, "never", "never_in_its_time", "past", "no_line")] == [
        ("never", 7),
        ("never_in_its_time", 10),
        ("past", 15),
        ("past", 18),
        ("no_line", 22),
    ]
    assert found.has_errors
    assert told(found, "past")[0][2] == (
        "old will never apply again: its time was over at 1 July 2025 00:00. Take it out, or give it another time."
    )


def test_a_kind_that_nobody_sends_is_told_with_what_may_be_meant() -> None:
    earn = "  - name: order\n    when: {activity: Order Complete}\n    give: {points: 1}\n"
    found = look(earn, kinds=["Order Completed", "Page"])
    assert told(found) == [
        ("unknown_kind", 7, "order waits for Order Complete, and no source has sent that so far. Is Order Completed meant?")
    ]
    assert look(earn).findings == ()


def test_overlaps_are_told_once_a_pair_and_only_where_they_can_meet() -> None:
    earn = (
        "  - name: all\n    when: {activity: A}\n    give: {points: 1}\n"
        "  - name: tuesday\n    when: {all: [{activity: A}, {field: weekday, is: tuesday}]}\n    give: {points: 1}\n"
        "  - name: other\n    when: {activity: B}\n    give: {points: 1}\n"
    )
    assert told(look(earn)) == [("overlap", 10, "tuesday and all can both give points for one activity. It then gets both.")]
    apart = earn.replace("{activity: A}\n    give", "{activity: A}\n    until: 2026-03-02\n    give").replace(
        "    when: {all", "    from: 2026-03-03\n    when: {all"
    )
    assert look(apart).findings == ()


def test_a_currency_that_nobody_gives_and_a_cap_that_cuts_each_time() -> None:
    head = HEAD.replace("points: {}", "points: {}\n  stars: {}")
    found = look("  - name: a\n    when: {activity: A}\n    give: {points: 5}\n    cap: {points: 3, per: day}\n", head)
    assert told(found) == [
        ("never_given", 5, "No rule that can apply gives stars."),
        ("cap_below_give", 10, "a gives 5 at a time and at most 3, so that it never gives 5."),
    ]


def test_what_a_card_gives_is_given_and_what_is_multiplied_has_to_be() -> None:
    head = HEAD.replace("points: {}", "points: {}\n  stamps: {}\n  coffees: {}")
    earn = "  - name: a\n    when: {activity: A}\n    give: {stamps: 1}\n"
    cards = "cards:\n  - {name: ten, of: stamps, each: 10, give: {coffees: 1}}\n"
    double = "  - name: double\n    when: {activity: A}\n    multiply: {points: 2}\n"
    assert [code for code, _, _ in told(look(earn + cards, head))] == ["never_given"]
    assert [code for code, _, _ in told(look(earn + double + cards, head))] == ["never_given", "multiplies_nothing"]


PAID = "  - name: paid\n    when: {activity: A}\n    give: {points: {amount: 3, per: 1}}\n"


def test_more_than_is_paid_is_an_error_with_what_was_assumed() -> None:
    assert told(look(PAID)) == [
        ("worth_unknown", 4, "Whether it gives more than is paid is not known: say what one of points is worth.")
    ]
    assert look(PAID, worths={"points": Decimal("0.1")}).findings == ()
    found = look(PAID, worths={"points": Decimal("0.4")})
    assert told(found) == [("above_value", 8, "paid can give 1.20 for each 1.00 that is paid: as much as is paid, or more.")]
    assert found.worths == {"points": Decimal("0.4")}
    twice = PAID + PAID.replace("paid", "again")
    assert [one.code for one in look(twice, worths={"points": Decimal("0.1")}).findings] == ["overlap"]
    assert "above_value" in [one.code for one in look(twice, worths={"points": Decimal("0.2")}).findings]
    welcome = PAID + "  - name: welcome\n    when: {activity: A}\n    give: {points: 50}\n"
    small = told(look(welcome, worths={"points": Decimal("0.1")}), "above_value_when_small")
    assert small == [("above_value_when_small", 8, "Below 7.14, paid with welcome can give more than is paid.")]
    from_ten = welcome.replace("{activity: A}", "{all: [{activity: A}, {field: amount, at_least: 10}]}")
    assert told(look(from_ten, worths={"points": Decimal("0.1")}), "above_value_when_small") == []


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("when: {all: [{activity: A}, {field: weekday, in: [saturday, sunday]}]}, streak: {count: 3, per: day}",
         "never_in_a_row"),
        ("when: {all: [{activity: A}, {field: weekday, in: [saturday, sunday]}]}, streak: {count: 2, per: day}", None),
        ("when: {all: [{activity: A}, {field: date, over: 2026-01-01}]}, streak: {count: 9, per: day}", None),
        ("when: {activity: A}, from: 2026-05-01, until: 2026-05-31, streak: {count: 6, per: week}", "never_in_a_row"),
        ("when: {activity: A}, from: 2026-05-01, until: 2026-05-31, streak: {count: 5, per: week}", None),
        ("when: {activity: A}, from: 2026-05-01, until: 2026-06-01, streak: {count: 3, per: month}", "never_in_a_row"),
        ("when: {activity: A}, from: 2026-05-01, until: '2026-05-04 00:00', streak: {count: 4, per: day}", "never_in_a_row"),
        ("when: {activity: A}, until: 2026-05-31, streak: {count: 900, per: day}", None),
        ("when: {activity: A}, challenge: {count: 2, different: kind, per: month}", "never_so_many"),
        ("when: {activity: [A, B]}, challenge: {count: 2, different: kind, per: month}", None),
        ("when: {any: [{activity: A}, {activity: B}]}, challenge: {count: 2, different: kind, per: month}", None),
        ("when: {all: [{activity: A}, {properties: store, in: [N, S]}]},"
         " challenge: {count: 3, different: properties.store, per: year}", "never_so_many"),
        ("when: {all: [{activity: A}, {properties: store, is_not: N}]},"
         " challenge: {count: 3, different: properties.store, per: year}", None),
    ],
)  # fmt: skip
def test_turns_that_cannot_come_are_told(rule: str, code: str | None) -> None:
    found = [one.code for one in look(f"  - {{name: a, give: {{points: 1}}, {rule}}}\n").findings if one.level is Level.ERROR]
    assert found == ([code] if code else [])


def test_a_card_that_nobody_can_fill_is_told() -> None:
    head = HEAD.replace("points: {}", "points: {}\n  stamps: {}")
    first = "  - {name: first, when: {activity: A}, nth: 1, give: {stamps: 2}}\n"
    capped = "  - {name: more, when: {activity: B}, give: {stamps: 1}, cap: {stamps: 7, per: lifetime}}\n"
    cards = "cards:\n  - {name: ten, of: stamps, each: 10, give: {points: 1}}\n"
    assert told(look(first + capped + cards, head)) == [
        ("never_full", 10, "ten is never full: it asks for 10 stamps, and these rules never give more than 9.")
    ]
    for more in (
        capped.replace("7", "8"),
        capped.replace("lifetime", "year"),
        capped + "  - {name: x, when: {activity: B}, multiply: {stamps: 2}}\n",
    ):
        assert told(look(first + more + cards, head), "never_full") == []


def test_a_month_in_which_a_rolling_period_begins_is_an_error_and_yet_loads() -> None:
    rule = "  - {name: a, when: {activity: Order Completed}, give: {points: 1}}\n"
    tiers = (
        "tiers:\n  qualify_on: points\n  period:\n    rolling: 12 months\n    from: march\n  levels: [{name: Gold, from: 9}]\n"
    )
    found = look(rule + tiers)
    assert [(one.level, one.code, one.line, one.path) for one in found.findings if one.level is Level.ERROR] == [
        (Level.ERROR, "from_of_rolling", (HEAD + rule + tiers).splitlines().index("    from: march") + 1, "tiers.period.from")
    ]
    assert "'from: march'" in told(found, "from_of_rolling")[0][2]
    for sound in (tiers.replace("    from: march\n", ""), tiers.replace("rolling: 12 months", "calendar: year")):
        assert not look(rule + sound).has_errors


def test_rules_that_give_for_what_came_back_are_told() -> None:
    any_coffee = "  - {name: cups, when: {any_line: {category: coffee}}, give: {points: 1}}\n"
    assert told(look(any_coffee)) == [
        (
            "counts_returns",
            6,
            "cups also gives for Order Refunded, Till Return, Order Cancelled and Order Updated."
            " Name the activities for which it is meant.",
        )
    ]
    assert told(look(any_coffee, kinds=["Order Completed", "Till Return"]))[0][2].startswith("cups also gives for Till Return.")
    assert look(any_coffee, kinds=["Order Completed"]).findings == ()
    assert look(any_coffee.replace("give: {points: 1}", "multiply: {points: 2}"), kinds=[]).findings[0].code != "counts_returns"
    assert look("  - {name: back, when: {activity: Order Refunded}, give: {points: 1}}\n").findings == ()


def test_what_stays_of_an_order_that_came_back_whole_is_told() -> None:
    welcome = "  - {name: welcome, when: {activity: [Order Completed, Sign Up]}, nth: 1, give: {points: 50}}\n"
    said = "What welcome gives is kept when the whole order comes back. Ask for an amount over 0 as well."
    assert told(look(welcome)) == [("kept_after_return", 6, said)]
    for sound in (
        "{all: [{activity: Order Completed}, {field: amount, over: 0}]}",
        "{all: [{activity: Order Completed}, {any_line: {category: coffee}}]}",
        "{activity: Sign Up}",
    ):
        assert look(welcome.replace("{activity: [Order Completed, Sign Up]}", sound)).findings == ()
    assert (
        look(welcome.replace("{points: 50}", "{points: {amount: 1, per: 1}}"), worths={"points": Decimal("0.1")}).findings == ()
    )


def test_a_card_has_its_part_in_what_is_given_and_a_turn_comes_now_and_then() -> None:
    head = HEAD.replace("points: {}", "points: {}\n  stars: {}")
    stars = "  - {name: stars, when: {activity: A}, give: {stars: {amount: 1, per: 10}}}\n"
    cards = "cards:\n  - {name: ten, of: stars, each: 10, give: {points: 1000}}\n"
    assert told(look(stars + cards, head, worths={"points": Decimal("0.1")})) == [
        ("above_value", 7, "stars can give 1.00 for each 1.00 that is paid: as much as is paid, or more.")
    ]
    assert look(stars + cards, head, worths={"points": Decimal("0.09")}).findings == ()
    tenth = PAID.replace("{activity: A}", "{activity: A}\n    every: 10")
    worths = {"points": Decimal("0.4")}
    assert told(look(tenth, worths=worths)) == [
        ("above_value_at_a_turn", 9, "When its turn comes, paid can give 1.20 for each 1.00 that is paid.")
    ]
    assert [one.code for one in look(tenth.replace("10", "1"), worths=worths).findings] == ["above_value"]


def test_the_changes_of_a_clock_are_those_of_its_zone() -> None:
    spring, autumn = switches(ZONE, AT, years=1)
    assert (spring.is_skipped, spring.begins, spring.ends) == (True, datetime(2026, 3, 29, 2), datetime(2026, 3, 29, 3))  # noqa: DTZ001
    assert (autumn.is_skipped, autumn.begins, autumn.ends) == (False, datetime(2026, 10, 25, 2), datetime(2026, 10, 25, 3))  # noqa: DTZ001
    assert switches("Asia/Kathmandu", AT) == []
    lord_howe = switches("Australia/Lord_Howe", AT, years=1)
    assert [(one.is_skipped, (one.ends - one.begins).seconds) for one in lord_howe] == [(False, 1800), (True, 1800)]


def test_hours_and_edges_in_a_gap_or_a_double_hour_are_told() -> None:
    earn = (
        "  - name: night\n    when: {all: [{activity: A}, {field: hour, is: 2}]}\n    give: {points: 1}\n"
        "  - name: early\n    when: {all: [{activity: B}, {field: hour, under: 6}]}\n    give: {points: 1}\n"
        "  - name: day\n    when: {all: [{activity: C}, {field: hour, at_least: 9}]}\n    give: {points: 1}\n"
        "  - name: spring\n    when: {activity: D}\n    from: '2026-03-29 02:30'\n    until: '2026-10-25 02:30'\n"
        "    give: {points: 1}\n"
    )  # fmt: skip
    assert [(code, line) for code, line, _ in told(look(earn))] == [
        ("hour_skipped", 7),
        ("hour_twice", 7),
        ("hour_skipped", 10),
        ("hour_twice", 10),
        ("edge_skipped", 17),
        ("edge_twice", 18),
    ]
    said = told(look(earn), "hour_skipped")
    assert (
        said[0][2]
        == "night does not hold at all in the night in which the clock skips 29 March 2026 02:00 to 29 March 2026 03:00."
    )
    assert look(earn.replace("2026-", "2031-"), HEAD.replace(ZONE, "UTC")).findings == ()


def test_a_document_of_many_rules_says_so_much_and_no_more() -> None:
    earn = "".join(f"  - name: r{number}\n    when: {{activity: A}}\n    give: {{points: 1}}\n" for number in range(12))
    codes = [one.code for one in look(earn).findings]
    assert (codes.count("overlap"), codes.count("more")) == (25, 1)


def test_both_languages_say_the_same_with_the_same_values() -> None:
    assert WORDS["en"].keys() == WORDS["nl"].keys()
    for code, sentence in WORDS["en"].items():
        names = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in (sentence, WORDS["nl"][code])]
        assert names[0] == names[1], code
