"""What programme documents say, and how they are refused: line, place and sentence."""

import json
from decimal import Decimal

import jsonschema
import pytest

from stamgast.programmes.documents import default_document, load, read_schema
from stamgast.programmes.errors import InvalidProgramme

GOOD = """\
programme: club
timezone: Europe/Amsterdam
round: nearest
currencies:
  points: {expires: {after: 12 months, at: end of month}}
  stamps: {}
earn:
  - name: purchase
    when: {all: [{activity: Order Completed}, {field: amount, over: 0}]}
    give: {points: {amount: 2, per: 1.50}, stamps: 1}
    cap: {points: 200, per: day}
  - name: coffee
    when: {any_line: {category: coffee}}
    give: {stamps: {amount: 1, per: 2, of: {lines: {category: coffee}}}}
"""


def problems_of(text: str) -> list[tuple[int, str]]:
    with pytest.raises(InvalidProgramme) as caught:
        load(text)
    problems = caught.value.details["problems"]
    assert isinstance(problems, list)
    assert caught.value.code == "invalid_programme"
    assert f"line {problems[0]['line']}" in caught.value.message
    return [(problem["line"], problem["path"]) for problem in problems]


def test_a_document_says_what_it_says() -> None:
    document = load(GOOD)
    purchase, coffee = document.rules
    assert (document.programme, document.timezone, document.rounding) == ("club", "Europe/Amsterdam", "nearest")
    assert [(give.currency, give.amount, give.per_milli) for give in purchase.gives] == [
        ("points", 2, 1500),
        ("stamps", 1, None),
    ]
    assert (purchase.caps, purchase.cap_period) == ({"points": 200}, "day")
    assert coffee.gives[0].lines is not None
    assert document.currencies["points"].expiry is not None
    assert document.currencies["points"].expiry.text == "12 months"
    assert document.currencies["stamps"].expiry is None


@pytest.mark.parametrize(
    ("stated", "used", "meant"),
    [
        ("{category: coffee}", "{set: hot}", "{category: coffee}"),
        ("{category: [coffee, tea]}", "{set: hot}", "{field: category, in: [coffee, tea]}"),
        (
            "{category: coffee, product_id: a}",
            "{set: hot}",
            "{all: [{field: category, is: coffee}, {field: product_id, is: a}]}",
        ),
        (
            "{any: [{field: category, is: tea}, {field: product_id, is: a}]}",
            "{set: hot, category: x}",
            "{all: [{any: [{field: category, is: tea}, {field: product_id, is: a}]}, {field: category, is: x}]}",
        ),
    ],
)
def test_a_set_of_products_is_its_filter_by_name(stated: str, used: str, meant: str) -> None:
    text = GOOD.replace("{category: coffee}", used)
    by_name = load(text.replace("earn:", f"sets: {{hot: {stated}}}\nearn:", 1)).rules[1]
    written_out = load(GOOD.replace("{category: coffee}", meant)).rules[1]
    assert (by_name.when, by_name.gives) == (written_out.when, written_out.gives)


def test_json_is_the_same_document() -> None:
    as_json = {
        "programme": "club",
        "timezone": "UTC",
        "currencies": {"points": {}},
        "earn": [{"name": "☕ 🎉", "when": {"activity": "X"}, "give": {"points": {"amount": 1, "per": 0.333}}}],
    }
    for text in (json.dumps(as_json), json.dumps(as_json, ensure_ascii=False, indent=2)):
        (rule,) = load(text).rules
        assert (rule.name, rule.gives[0].per_milli) == ("☕ 🎉", 333)


def test_the_default_document_is_valid_and_takes_its_zone() -> None:
    document = load(default_document("Asia/Tokyo"))
    assert (document.programme, document.timezone, document.rounding) == ("default", "Asia/Tokyo", "down")
    assert document.currencies["score"].is_spendable is False
    assert [(rule.name, rule.gives[0].amount) for rule in document.rules] == [("purchase", 1), ("coupon", 5)]


@pytest.mark.parametrize(
    ("old", "new", "line", "path"),
    [
        ("field: amount", "field: amonut", 9, "earn[0].when.all[1].field"),
        ("timezone: Europe/Amsterdam", "timezone: Europe/Nowhere", 2, "timezone"),
        ("timezone: Europe/Amsterdam", "timezone: ../../etc/passwd", 2, "timezone"),
        ("round: nearest", "round: sideways", 3, "round"),
        ("after: 12 months", "after: 12 moons", 5, "currencies.points.expires.after"),
        ("after: 12 months", "after: 9999 months", 5, "currencies.points.expires.after"),
        ("per: 1.50", "per: 0.0015", 10, "earn[0].give.points.per"),
        ("per: 1.50", "per: 1.5005", 10, "earn[0].give.points.per"),
        ("per: 1.50", "per: yes", 10, "earn[0].give.points.per"),
        ("amount: 2", "amount: 2.5", 10, "earn[0].give.points.amount"),
        ("amount: 2", "amount: -2", 10, "earn[0].give.points.amount"),
        ("stamps: 1}", "stars: 1}", 10, "earn[0].give.stars"),
        ("cap: {points: 200", "cap: {stars: 200", 11, "earn[0].cap.stars"),
        ("points: 200, per: day", "points: 200, per: aeon", 11, "earn[0].cap.per"),
        ("name: coffee", "name: purchase", 12, "earn[1].name"),
        ("name: coffee", "name: a/b", 12, "earn[1].name"),
        ("name: coffee", "nme: coffee", 12, "earn[1].nme"),
        ("name: coffee", "nme: coffee", 12, "earn[1].name"),
        ("    cap: {points", "    capp: {points", 11, "earn[0].capp"),
        ("earn:", "ern:", 7, "ern"),
        ("earn:", "ern:", 1, "earn"),
        ("  stamps: {}", "  Stamps: {}", 6, "currencies.Stamps"),
        ("  stamps: {}", "  stamps: {spendabel: true}", 6, "currencies.stamps.spendabel"),
        ("field: amount, over: 0", "field: amount,\n      above: 0", 10, "earn[0].when.all[1].above"),
        ("stamps: {}", "stamps: {pending: 3 moons}", 6, "currencies.stamps.pending"),
        ("month}}", "month}, pending: 13 months}", 5, "currencies.points.pending"),
        ("cap: {points", "from: yesterday\n    cap: {points", 11, "earn[0].from"),
        ("cap: {points", "from: 2026-02-30\n    cap: {points", 11, "earn[0].from"),
        ("cap: {points", "from: 2026-03-01\n    until: 2026-02-28\n    cap: {points", 12, "earn[0].until"),
        ("cap: {points", "from: 0001-01-01\n    cap: {points", 11, "earn[0].from"),
        ("of: {lines: {category: coffee}}", "of: {quantity: {colour: red}}", 14, "earn[1].give.stamps.of.quantity.colour"),
        (
            "of: {lines: {category: coffee}}",
            "of: {quantity: {category: a}, lines: {category: a}}",
            14,
            "earn[1].give.stamps.of",
        ),
        ("per: 1.50}", "per: 1.50, of: quantity}", 10, "earn[0].give.points.per"),
        ("    cap: {points", "    nth: 0\n    cap: {points", 11, "earn[0].nth"),
        ("    cap: {points", "    nth: 1\n    every: 2\n    cap: {points", 12, "earn[0].every"),
        ("    cap: {points", "    streak: {count: 2, per: year}\n    cap: {points", 11, "earn[0].streak.per"),
        ("    cap: {points", "    multiply: {points: 2}\n    cap: {points", 8, "earn[0]"),
        (
            "give: {stamps: {amount: 1, per: 2",
            "multiply: {stamps: 0.5}\n    give: {stamps: {amount: 1, per: 2",
            14,
            "earn[1].multiply.stamps",
        ),
        (
            "    cap: {points",
            "    challenge: {count: 2, different: weekday, per: day}\n    cap: {points",
            11,
            "earn[0].challenge.different",
        ),
        ("earn:", "cards: [{name: purchase, of: stamps, each: 10, give: {points: 1}}]\nearn:", 7, "cards[0].name"),
        ("earn:", "cards: [{name: card, of: stars, each: 10, give: {points: 1}}]\nearn:", 7, "cards[0].of"),
        ("earn:", "cards: [{name: card, of: stamps, each: 10, give: {stamps: 1}}]\nearn:", 7, "cards[0].give.stamps"),
        ("of: {lines: {category: coffee}}", "of: {lines: {set: hot}}", 14, "earn[1].give.stamps.of.lines.set"),
        ("earn:", "sets: {hot: {colour: red}}\nearn:", 7, "sets.hot.colour"),
        ("stamps: {}", "stamps: {}\n  stamps: {}", 7, "currencies.stamps"),
        ("stamps: {}", "stamps: {called: [stamp]}", 6, "currencies.stamps.called"),
        ("of: {lines: {category: coffee}}", "of: {lines: {colour: red}}", 14, "earn[1].give.stamps.of.lines.colour"),
        ("timezone: Europe/Amsterdam", "timezone: localtime", 2, "timezone"),
        ("timezone: Europe/Amsterdam", "timezone: right/Europe/Amsterdam", 2, "timezone"),
        ("name: coffee", "name: cof\x07fee", 12, ""),
        (
            "earn:",
            "tiers: {qualify_on: stars, period: {calendar: year}, levels: [{name: a, from: 1}]}\nearn:",
            7,
            "tiers.qualify_on",
        ),
        ("any_line: {category: coffee}", "any_line: &a {category: coffee}", 0, ""),
    ],
)
def test_a_refusal_names_line_and_place(old: str, new: str, line: int, path: str) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    if line == 0:
        load(text)  # an anchor alone is harmless, a reference to it is not
        line, text = 14, text.replace("lines: {category: coffee}", "lines: *a")
    assert (line, path) in problems_of(text)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("name: coffee", "nme: coffee", "'nme' is not known here. What may stand here is name, when, from, until, "),
        ("amount: 2", "amount: 2.5", "2.5 does not fit. A whole number from 1 to 1,000,000,000."),
        ("per: day", "per: hour", "'hour' does not fit. It is one of day, week, month, year, lifetime."),
        ("stamps: {}", "stamps: 3", "3 does not fit. Here stands a mapping, such as {name: value}."),
        (
            "per: 1.50",
            "per: 1,50",
            "'50' is not known here. What may stand here is amount, per, of. Numbers are written with a point",
        ),
        ("    cap: {points", "    until: soon\n    cap: {points", "'soon' does not fit. A day such as 2026-12-31"),
        ("earn:", "sets: {hot: {}}\nearn:", "An empty one does not fit. A filter of lines"),
        ("over: 0", "above: 0", "'above' is not known here. What is compared is said with one of "),
    ],
)
def test_a_refusal_says_what_may_stand_there(old: str, new: str, sentence: str) -> None:
    with pytest.raises(InvalidProgramme) as caught:
        load(GOOD.replace(old, new, 1))
    assert sentence in caught.value.message


def test_every_problem_is_named_at_once() -> None:
    text = GOOD.replace("amount, over", "amonut, over").replace("category: coffee}}\n", "colour: red}}\n", 1)
    assert [path for _, path in problems_of(text)] == ["earn[0].when.all[1].field", "earn[1].when.any_line.colour"]


@pytest.mark.parametrize(
    "text", ["", "[1", "a: 1\na: 2", "- 1", "programme: [", "\x00", "? [a]\n: b", "x" * 300_000, "[" * 2000]
)
def test_what_is_no_document_is_refused(text: str) -> None:
    assert problems_of(text)


def test_an_empty_document_says_so_and_too_many_rules_are_not_written_out() -> None:
    with pytest.raises(InvalidProgramme, match=r"It is empty\. A programme begins with programme, timezone"):
        load("# nothing yet\n")
    rule = "  - {{name: r{0}, when: {{activity: A}}, give: {{points: 1}}}}\n"
    with pytest.raises(InvalidProgramme) as caught:
        load(GOOD.rstrip() + "\n" + "".join(rule.format(number) for number in range(201)))
    assert "line 7, earn: A list does not fit. A list of 1 to 200 rules." in caught.value.message


def test_a_cap_on_what_the_rule_does_not_give_is_refused() -> None:
    assert problems_of(GOOD.replace("stamps: 1}", "points: 1}").replace("cap: {points", "cap: {stamps"))


def test_numbers_are_exact() -> None:
    condition = load(GOOD.replace("over: 0", "over: 0.10")).rules[0].when
    assert next(part for part in condition.comparisons() if part.field.name == "amount").literal == Decimal("0.10")


def test_the_published_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(read_schema()))
