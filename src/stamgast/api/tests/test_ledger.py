"""A customer's balances at any moment and the statement of a period, as the API tells them."""

from datetime import timedelta
from urllib.parse import quote

from stamgast.api.tests.conftest import NOW
from stamgast.flows.decide_pending import settle_now


def moment(days):
    return quote((NOW + timedelta(days=days)).isoformat())


def test_balances_at_a_moment_are_by_both_clocks(shop, get):
    now = get("/v1/customers/user_id:anna/balances")
    assert now.status_code == 200
    assert [(row["currency"], row["available"], row["debt"]) for row in now.json()["data"]] == [
        ("score", get("/v1/customers/user_id:anna").json()["balances"]["score"], 0)
    ]
    then = get(f"/v1/customers/user_id:anna/balances?at={moment(-25)}").json()["data"]
    assert 0 < then[0]["available"] < now.json()["data"][0]["available"]
    assert get(f"/v1/customers/user_id:anna/balances?at={moment(-25)}&known_at={moment(-1)}").json()["data"] == [], (
        "nothing was known before it came in"
    )
    assert get("/v1/customers/user_id:nobody/balances").status_code == 404
    assert get("/v1/customers/user_id:anna/balances?at=yesterday").status_code == 422


def test_statement_pages_from_its_opening_to_its_closing(shop, get):
    settle_now(at=NOW, actor="test")
    address = f"/v1/customers/user_id:anna/statement?from={moment(-31)}&to={moment(1)}&clock=happened"
    whole = get(address).json()
    assert (whole["opening"][0]["available"], whole["next_cursor"]) == (0, None)
    pages, cursor = [], ""
    while cursor is not None:
        page = get(f"{address}&limit=4{f'&cursor={cursor}' if cursor else ''}").json()
        assert (page["opening"], page["closing"]) == (whole["opening"], whole["closing"])
        pages += page["data"]
        cursor = page["next_cursor"]
    assert pages == whole["data"]
    assert sum(line["change"]["available"] for line in pages) == whole["closing"][0]["available"]
    line = pages[0]
    assert (line["activity"]["kind"], line["movement"]["rule"], line["actor"]) == (
        "Coupon Redeemed",
        "coupon",
        "test",
    )
    assert line["corrects"] is None


def test_statement_refuses_a_period_that_ends_before_it_begins(shop, get):
    refused = get(f"/v1/customers/user_id:anna/statement?from={moment(1)}&to={moment(0)}")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_statement_period")
    assert get("/v1/customers/user_id:anna/statement?from=0001-01-01T00:00:00Z").json()["code"] == "invalid_statement_period"
    assert get(f"/v1/customers/user_id:anna/statement?from={moment(-1)}&cursor=abc").json()["code"] == "invalid_cursor"
