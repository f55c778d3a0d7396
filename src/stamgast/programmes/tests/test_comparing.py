"""What one document says otherwise than another, place by place."""

from stamgast.programmes.comparing import Change, compare, plain, write_value
from stamgast.programmes.documents import default_document, load

TEXT = default_document("Europe/Amsterdam")
BASE = load(TEXT)


def changes(text: str) -> list[Change]:
    return compare(BASE, load(text))


def test_the_same_content_differs_in_nothing() -> None:
    assert changes(TEXT + "# a remark\n") == []


def test_a_value_is_named_by_its_rule_with_its_line() -> None:
    [change] = changes(TEXT.replace("score: 5", "score: 7"))
    line = TEXT.splitlines().index("    give: {score: 5}") + 1
    assert change == Change("earn.coupon.give.score", "changed", 5, 7, line)


def test_a_condition_is_one_place() -> None:
    [change] = changes(TEXT.replace("over: 0", "over: 10"))
    assert (change.place, change.kind) == ("earn.purchase.when", "changed")
    assert write_value(change.after) == ("{all: [{field: kind, in: [Order Completed, Till Sale]}, {field: amount, over: 10}]}")


def test_rules_come_go_and_change_places() -> None:
    head, _, rules = TEXT.partition("earn:\n")
    place = rules.index("  - name: coupon")
    purchase, coupon = rules[:place], rules[place:]
    [moved] = changes(head + "earn:\n" + coupon + purchase)
    assert (moved.place, moved.kind, moved.after) == ("earn", "reordered", ["coupon", "purchase"])
    [gone] = changes(head + "earn:\n" + purchase)
    assert (gone.place, gone.kind, gone.line) == ("earn.coupon", "removed", None)
    [new] = changes(TEXT + "  - name: review\n    when: {activity: Product Reviewed}\n    give: {score: 2}\n")
    assert (new.place, new.kind, new.line) == ("earn.review", "added", len(TEXT.splitlines()) + 1)
    assert plain(new.after) == {"name": "review", "when": {"activity": "Product Reviewed"}, "give": {"score": 2}}


def test_what_stands_newly_inside_is_one_place() -> None:
    [change] = changes(TEXT.replace("give: {score: 1}", "give: {score: 1}\n    cap: {score: 30, per: day}"))
    assert (change.place, change.kind, change.after) == ("earn.purchase.cap", "added", {"score": 30, "per": "day"})
