"""Computed traits in the console: made, previewed, changed and removed, and why a customer has a value."""

import json
import re
from datetime import UTC, datetime

import pytest
from django.test import Client

from stamgast.access.operations import create_staff
from stamgast.access.types import Role
from stamgast.activities.types import Source
from stamgast.console.tests import PASSWORD
from stamgast.console.tests.conftest import send
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction
from stamgast.traits.queries import list_all_traits, list_versions

FORM = {"label": "Money in 90 days", "aggregate": "sum", "of": "amount", "kind": "Order Completed", "days": "90"}


def text_of(answer) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def saved() -> list[tuple[str, int]]:
    with open_cursor() as cursor:
        return [(trait.name, trait.version) for trait in list_all_traits(cursor)]


def trail() -> list[tuple[str, dict[str, object]]]:
    with open_cursor() as cursor:
        query = "SELECT action, detail::text FROM access_trail WHERE subject LIKE 'trait:%' ORDER BY at"
        return [(action, json.loads(detail)) for action, detail in cursor.execute(query)]


def test_a_trait_is_previewed_before_anything_is_saved(signed_in: Client, shop: Source) -> None:
    assert "No traits yet" in text_of(signed_in.get("/traits"))
    answer = signed_in.post("/traits/new-trait", FORM | {"act": "see", "customer": "user_id:900"})
    text = text_of(answer)
    assert answer.status_code == 200
    assert "The sum of the amount in EUR, where the activity is a completed order, in the last 90 days." in text
    assert "1 of 2 have a value." in text
    assert "Noor &lt;b&gt;de&lt;/b&gt; Wit</a> <strong>€ 20.00</strong>" in text
    assert "2 activities count." in text
    assert 'value="Money in 90 days"' in text, "what was typed stays"
    assert saved() == []
    missing = signed_in.post("/traits/new-trait", FORM | {"act": "see", "customer": "user_id:nobody"})
    assert (missing.status_code, "There is no customer with this id" in text_of(missing)) == (422, True)


def test_from_a_form_to_versions_and_away(signed_in: Client, shop: Source) -> None:
    answer = signed_in.post("/traits/new-trait", FORM | {"act": "save", "reason": "for the letter"})
    assert (answer.status_code, answer["Location"]) == (302, "/traits/money_in_90_days")
    assert saved() == [("money_in_90_days", 1)]
    assert "not in lists yet" in text_of(signed_in.get("/traits/money_in_90_days"))
    again = signed_in.post("/traits/new-trait", FORM | {"act": "save", "days": "30"})
    assert (again.status_code, "There is a trait of that name already." in text_of(again)) == (422, True)
    changed = FORM | {"act": "save", "days": "30", "after": "1", "name": "another"}
    assert signed_in.post("/traits/money_in_90_days", changed).status_code == 302
    late = signed_in.post("/traits/money_in_90_days", changed | {"days": "7"})
    assert (late.status_code, "Somebody else changed this trait" in text_of(late)) == (422, True)
    assert saved() == [("money_in_90_days", 2)]
    text = text_of(signed_in.get("/traits/money_in_90_days"))
    assert "Version 2, owner@example.org" in text
    assert "Version 1, owner@example.org" in text
    assert "for the letter" in text
    removed = signed_in.post("/traits/money_in_90_days/remove", {"after": "2", "reason": "unused"})
    assert (removed.status_code, removed["Location"], saved()) == (302, "/traits", [])
    assert signed_in.get("/traits/money_in_90_days").status_code == 404
    assert [(action, detail["version"], detail["reason"]) for action, detail in trail()] == [
        ("add trait", 1, "for the letter"), ("change trait", 2, ""), ("remove trait", 3, "unused"),
    ]  # fmt: skip
    with open_cursor() as cursor:
        assert [one.saved_by for one in list_versions(cursor, "money_in_90_days")] == ["staff:owner@example.org"] * 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"label": ""}, "Say what people call it"),
        ({"days": "many"}, "A window is a whole number of days"),
        ({"over": "lots"}, "The amount to pass is not a number."),
        ({"of": "kind"}, "This cannot be taken so."),
        ({"currency": "euro"}, "A currency is a code of three letters"),
        ({"name": "Nee!"}, "A name has 1 to 40 small letters"),
        ({"more": "{field: colour, is: red}"}, "There is no field"),
        ({"more": "{field:"}, "This is not YAML."),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    signed_in: Client, shop: Source, change: dict[str, str], said: str
) -> None:
    for act in ("see", "save"):
        answer = signed_in.post("/traits/new-trait", FORM | change | {"act": act})
        assert (answer.status_code, said in text_of(answer), saved()) == (422, True, [])
        assert all(value in text_of(answer) for value in change.values())


def test_a_profile_shows_the_values_and_why(signed_in: Client, shop: Source) -> None:
    assert "Computed traits" not in text_of(signed_in.get("/customers/user_id:900"))
    signed_in.post("/traits/new-trait", FORM | {"act": "save"})
    assert "/traits" in text_of(signed_in.get("/customers/user_id:900"))
    page = text_of(signed_in.get("/customers/user_id:900/traits"))
    assert "<dt>Money in 90 days</dt><dd>€ 20.00" in page
    now = datetime.now(UTC)
    other = b'"properties":{"order_id":"9","revenue":"5.00","currency":"USD"}}'
    send(shop, b'{"type":"track","userId":"900","messageId":"z","event":"Order Completed",' + other, at=now)
    why = text_of(signed_in.get("/customers/user_id:900/traits/money_in_90_days", headers={"HX-Request": "true"}))
    assert "3 activities count. 1 was in another currency than EUR and is left out." in why
    assert "<html" not in why
    assert "€ 12.30" in why
    assert signed_in.get("/customers/user_id:900/traits/none").status_code == 404
    assert signed_in.get("/customers/user_id:nobody/traits").status_code == 404


def test_an_analyst_defines_and_is_shown_no_customer_and_no_text_of_one(signed_in: Client, shop: Source) -> None:
    with transaction() as cursor:
        create_staff(
            cursor, email="ana@example.org", name="Ana", password=PASSWORD, at=utc_now(), actor="test", role=Role.ANALYST
        )
    analyst = Client()
    assert analyst.post("/sign-in", {"email": "ana@example.org", "password": PASSWORD}).status_code == 302
    sent = {"label": "Shop", "aggregate": "last", "of": "source", "act": "see", "customer": "user_id:900"}
    told = text_of(analyst.post("/traits/new-trait", sent))
    assert "different values" in told
    for personal in ("Noor", "user_id", "web shop", "900"):
        assert personal not in told
    assert "<dt>web shop</dt>" in text_of(signed_in.post("/traits/new-trait", sent))
    assert analyst.post("/traits/new-trait", sent | {"act": "save"}).status_code == 302
    assert saved() == [("shop", 1)]
