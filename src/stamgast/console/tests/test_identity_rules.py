"""The rules of who is one customer, on the page: weighed, kept, refused."""

from django.test import Client

from stamgast.activities.types import Source
from stamgast.customers.identity import get_identity_rules
from stamgast.kit.database import open_cursor

FORM = {"limit user_id": "1", "alarm_above": "50", "reason": "the till"}


def rules() -> tuple[dict[str, int], dict[str, tuple[str, ...]], frozenset[str]]:
    with open_cursor() as cursor:
        found = get_identity_rules(cursor)
    return dict(found.limits), dict(found.blocked), found.shared_sources


def test_rules_are_weighed_and_kept(signed_in: Client, shop: Source) -> None:
    weighed = signed_in.post("/sources/identity", {**FORM, "act": "weigh", "blocked user_id": "9*"})
    assert weighed.status_code == 200
    assert "every customer stays as they are" in weighed.content.decode()
    assert rules() == ({"user_id": 1}, {}, frozenset())
    kept = {**FORM, "act": "keep", "blocked user_id": "000*\r\ntest", "shared": ["web shop"]}
    answer = signed_in.post("/sources/identity", kept)
    assert (answer.status_code, answer["Location"]) == (302, "/sources/identity")
    assert rules() == ({"user_id": 1}, {"user_id": ("000*", "test")}, frozenset({"web shop"}))
    shown = signed_in.get("/sources/identity").content.decode()
    assert "“the till”" in shown
    assert "are following the last change now" in shown


def test_what_cannot_be_is_said_and_changes_nothing(signed_in: Client, shop: Source) -> None:
    for wrong in ({"limit user_id": "0"}, {"limit email": "x"}, {"blocked email": "*"}, {"reason": "", "limit email": "2"}):
        answer = signed_in.post("/sources/identity", {**FORM, "act": "keep", **wrong})
        assert (answer.status_code, rules()) == (422, ({"user_id": 1}, {}, frozenset()))
        assert 'role="alert"' in answer.content.decode()
