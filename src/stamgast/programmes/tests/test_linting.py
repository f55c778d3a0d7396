"""The linter: what it finds, at which line, and that what it calls impossible never is."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from string import Formatter
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings

from stamgast.programmes.deciding import decide
from stamgast.programmes.documents import default_document, load
from stamgast.programmes.linting import Level, Lint, lint, say_finding
from stamgast.programmes.linting.clocks import switches
from stamgast.programmes.linting.words import WORDS
from stamgast.programmes.programme import compile_programme
from stamgast.programmes.types import ACTIVITIES, Version

from .generated import activities, documents

ZONE = "Europe/Amsterdam"
AT = datetime(2026, 1, 1, tzinfo=UTC)
HEAD = "programme: club\ntimezone: Europe/Amsterdam\ncurrencies:\n  points: {}\nearn:\n"

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


def test_a_refund_that_is_looked_for_and_not_named_is_told() -> None:
    """Where a part of its name is, and only where it could fit and would give nothing."""
    named = "{field: kind, in: [Order Refunded, Till Return]}"
    found = look(
        "  - name: sorry\n    when: {field: kind, contains: Refund}\n    give: {points: 1}\n"
        "  - name: orders\n    when:\n      all:\n        - {field: amount, over: 0}\n"
        "        - {field: kind, contains: Order}\n    give: {points: 1}\n"
        f"  - name: named\n    when: {{any: [{named}, {{field: kind, contains: Return}}]}}\n    give: {{points: 1}}\n"
        "  - name: all but\n    when: {field: kind, is_not: Page}\n    give: {points: 1}\n"
        "  - name: one\n    when: {all: [{field: kind, contains: Order}, {activity: Order Completed}]}\n    give: {points: 1}\n"
        "  - name: none\n    when: {all: [{field: kind, contains: Order}, {not: {field: kind, contains: d}}]}\n"
        "    give: {points: 1}\n"
    )  # fmt: skip
    assert told(found, "unnamed_kind") == [
        (
            "unnamed_kind",
            7,
            "sorry gives nothing for Order Refunded: what tells of an earlier order has to be named with 'is' or 'in', and "
            "'contains' names no kind.",
        ),
        (
            "unnamed_kind",
            13,
            "orders gives nothing for Order Cancelled, Order Refunded and Order Updated: what tells of an earlier order has to "
            "be named with 'is' or 'in', and 'contains' names no kind.",
        ),
    ]
    assert [one.path for one in found.findings if one.code == "unnamed_kind"] == [
        "earn[0].when.field",
        "earn[1].when.all[1].field",
    ]
    assert not found.has_errors


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
