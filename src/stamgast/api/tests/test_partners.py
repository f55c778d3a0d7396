"""Points given to charities, redeemed at and issued by partners, and what is settled for it by day of the programme's zone."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from stamgast.books.operations import add_partner, close_partner
from stamgast.flows.act import act
from stamgast.flows.adjust import approve_adjustment
from stamgast.flows.merge_customers import merge_customers
from stamgast.flows.partners import act_with_partner
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction
from stamgast.ledger.acts import Donate, Issue, Redeem, Reverse
from stamgast.ledger.adjusting import set_limit
from stamgast.ledger.audit import audit
from stamgast.ledger.queries import list_lots

from .conftest import NOW, refused

ANNA = "/v1/customers/user_id:anna"
KINDS = {"bakery": "partner", "florist": "partner", "forest": "charity"}


@pytest.fixture
def partners(ask):
    with transaction() as cursor:
        for code, kind in KINDS.items():
            add_partner(cursor, code=code, kind=kind, name=code.title(), at=NOW, actor="test")


def close(code):
    with transaction() as cursor:
        close_partner(cursor, code, reason="moved", at=NOW, actor="test")


def sound():
    with transaction() as cursor:
        return audit(cursor) == []


def test_a_donation_is_done_once_and_given_back_as_a_spend_is(partners, ask, get):
    before = get(ANNA).json()["balances"]["score"]
    body = {"currency": "score", "amount": 30, "reason": "a tree", "charity": "forest"}
    given = ask("/donations", "tree", **body)
    assert given.status_code == 201
    assert given.json() | {"id": ""} == {
        "id": "", "kind": "donate", "currency": "score", "amount": 30, "available": before - 30,
    }  # fmt: skip
    close("forest")
    again = ask("/donations", "tree", **body)
    assert (again.json(), again["Idempotent-Replayed"]) == (given.json(), "true")
    assert refused(ask("/donations", "tree", **body | {"amount": 31})) == (422, "act_key_reused")
    back = ask(f"/spends/{given.json()['id']}/reversals", "back", amount=10, reason="too much")
    assert (back.status_code, back.json()["available"]) == (201, before - 20)
    assert sound()


def test_what_a_partner_issues_expires_as_the_programme_says_and_is_answered_again(partners, ask, get, monkeypatch):
    before = get(ANNA).json()["balances"]["score"]
    body = {"currency": "score", "amount": 12, "reason": "flowers", "partner": "florist"}
    at = datetime(2026, 6, 2, 9, tzinfo=UTC)
    monkeypatch.setattr("stamgast.api.partners.utc_now", lambda: at)
    given = ask("/issues", "flowers", **body)
    assert (given.status_code, given.json()["kind"], given.json()["available"]) == (201, "issue", before + 12)
    monkeypatch.setattr("stamgast.api.partners.utc_now", lambda: at + timedelta(days=40))
    again = ask("/issues", "flowers", **body)
    assert (again.json(), again["Idempotent-Replayed"]) == (given.json(), "true")
    with open_cursor() as cursor:
        owner = cursor.execute("SELECT owner_id FROM ledger_act WHERE key LIKE '%flowers'").fetchone()[0]
        lots = list_lots(cursor, owner)
    assert [lot.expires_at for lot in lots if lot.rule == "issued"] == [datetime(2028, 6, 2, 9, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("path", "wrong", "answer"),
    [
        ("/donations", {"charity": "nowhere"}, (404, "partner_not_found")),
        ("/donations", {"charity": "bakery"}, (404, "partner_not_found")),
        ("/redemptions", {"partner": "forest"}, (404, "partner_not_found")),
        ("/issues", {"partner": "forest"}, (404, "partner_not_found")),
        ("/redemptions", {"partner": "florist"}, (409, "partner_closed")),
        ("/issues", {"partner": "florist"}, (409, "partner_closed")),
        ("/redemptions", {"partner": "bakery", "currency": "stars"}, (422, "currency_not_spendable")),
        ("/issues", {"partner": "bakery", "currency": "stars"}, (422, "unknown_currency")),
        ("/redemptions", {"partner": "bakery", "amount": 10**9}, (409, "insufficient_balance")),
        ("/redemptions", {"partner": "bakery", "amount": 0}, (422, "invalid_request")),
        ("/redemptions", {}, (422, "invalid_request")),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(partners, ask, get, path, wrong, answer):
    close("florist")
    before = get(ANNA).json()["balances"]
    assert refused(ask(path, "k", **{"currency": "score", "amount": 1, "reason": "r"} | wrong)) == answer
    who = {"charity": "forest"} if path == "/donations" else {"partner": "bakery"}
    assert refused(ask(path, "", currency="score", amount=1, reason="r", **who)) == (422, "invalid_idempotency_key")
    assert get(ANNA).json()["balances"] == before
    assert get("/v1/settlements").json()["data"] == []


def test_partners_are_listed_by_code_closed_ones_too(partners, get):
    close("bakery")
    page = get("/v1/partners?limit=2").json()
    assert [(row["code"], row["kind"], row["closed_at"] is None) for row in page["data"]] == [
        ("bakery", "partner", False),
        ("florist", "partner", True),
    ]
    rest = get(f"/v1/partners?limit=2&cursor={page['next_cursor']}").json()
    assert ([row["name"] for row in rest["data"]], rest["next_cursor"]) == (["Forest"], None)


def do(kind, at, amount, **names):
    def wanted(owner, anchor):
        said = {"key": f"{at:%d%H%M} {amount}", "reason": "r", "occurred_at": at, "currency": "score", "amount": amount}
        return kind(owner_id=owner, anchor_id=anchor, **said, **names)

    return act_with_partner("user_id:anna", wanted, at=at, actor="test")


def test_settlement_is_by_day_of_the_programmes_zone(partners, ask, get):
    """June in Amsterdam is two hours ahead of UTC: 22:00 UTC is the next day."""
    last_of_may = datetime(2026, 5, 31, 21, 59, 59, tzinfo=UTC)
    do(Issue, last_of_may, 7, partner="bakery")
    do(Redeem, last_of_may + timedelta(seconds=1), 20, partner="bakery")  # 1 June, 00:00
    do(Issue, datetime(2026, 6, 1, 10, tzinfo=UTC), 5, partner="bakery")
    do(Donate, datetime(2026, 6, 1, 21, 59, tzinfo=UTC), 3, charity="forest")  # 1 June, 23:59
    do(Donate, datetime(2026, 6, 1, 22, 0, tzinfo=UTC), 4, charity="forest")  # 2 June, 00:00
    do(Redeem, datetime(2026, 6, 30, 21, 59, tzinfo=UTC), 1, partner="florist")
    do(Redeem, datetime(2026, 6, 30, 22, 0, tzinfo=UTC), 2, partner="florist")  # 1 July
    days = "/v1/settlements?from=2026-06-01&to=2026-06-30"
    answer = get(days).json()
    assert (answer["from"], answer["to"], answer["timezone"]) == ("2026-06-01", "2026-06-30", "Europe/Amsterdam")
    expected = [
        ("2026-06-01", "bakery", 5, 20, 0, 15),
        ("2026-06-01", "forest", 0, 0, 3, 3),
        ("2026-06-02", "forest", 0, 0, 4, 4),
        ("2026-06-30", "florist", 0, 1, 0, 1),
    ]
    names = ("day", "partner", "issued", "redeemed", "donated", "net")
    assert [tuple(row[name] for name in names) for row in answer["data"]] == expected
    paged, cursor = [], ""
    while cursor is not None:
        page = get(f"{days}&limit=1{cursor and '&cursor='}{cursor}").json()
        paged += page["data"]
        cursor = page["next_cursor"]
    assert paged == answer["data"]
    assert [row["day"] for row in get(f"{days}&partner=forest").json()["data"]] == ["2026-06-01", "2026-06-02"]
    may = get("/v1/settlements?to=2026-05-31").json()
    assert (may["from"], [(row["day"], row["net"]) for row in may["data"]]) == ("2026-05-01", [("2026-05-31", -7)])
    assert sound()


def test_what_is_given_back_counts_on_its_own_day(partners, ask, get):
    spent = do(Redeem, datetime(2026, 6, 3, 10, tzinfo=UTC), 20, partner="bakery")
    at = datetime(2026, 6, 9, 10, tzinfo=UTC)

    def back(owner, anchor):
        said = {"key": "stale", "reason": "stale", "occurred_at": at, "spend_id": spent.act_id, "amount": 8}
        return Reverse(owner_id=owner, anchor_id=anchor, **said)

    act("user_id:anna", back, at=at, actor="test")
    rows = get("/v1/settlements?from=2026-06-01&to=2026-06-30").json()["data"]
    assert [(row["day"], row["redeemed"], row["net"]) for row in rows] == [("2026-06-03", 20, 20), ("2026-06-09", -8, -8)]
    merge_customers("user_id:anna", "user_id:bob", reason="one person", at=at, actor="test")
    assert get("/v1/settlements?from=2026-06-01&to=2026-06-30").json()["data"] == rows, "a merge settles nothing again"
    assert sound()


@pytest.mark.parametrize(
    "days", ["from=2026-06-02&to=2026-06-01", "from=2024-01-01&to=2026-01-01", "from=1066-10-14&to=1066-10-14"]
)
def test_days_that_cannot_be_settled_are_refused(partners, get, days):
    assert refused(get(f"/v1/settlements?{days}")) == (422, "invalid_settlement_period")


def test_an_unknown_partner_is_said_and_one_without_movements_has_nothing_to_settle(partners, ask, get):
    assert get("/v1/settlements?partner=bakery").json()["data"] == []
    assert refused(get("/v1/settlements?partner=bakrey")) == (404, "partner_not_found")
    assert refused(get("/v1/settlements?partner=%00")) == (422, "invalid_request")


def test_what_was_answered_stays_after_a_merge_and_the_end_of_the_partner(partners, ask):
    taken = {"currency": "score", "amount": 3, "reason": "a loaf", "partner": "bakery"}
    asked = [("/redemptions", "r", taken), ("/issues", "i", taken), ("/donations", "d", _tree(taken))]
    answers = [ask(*one[:2], **one[2]).json() for one in asked]
    merge_customers("user_id:bob", "user_id:anna", reason="her card", at=NOW, actor="test")
    for code in KINDS:
        close(code)
    for (path, key, body), before in zip(asked, answers, strict=True):
        again = ask(path, key, **body)
        assert (again.status_code, again.json(), again["Idempotent-Replayed"]) == (201, before, "true")
    assert refused(ask("/issues", "new", **taken)) == (409, "partner_closed")


def _tree(body):
    return {"currency": body["currency"], "amount": body["amount"], "reason": "a tree", "charity": "forest"}


def test_above_the_limit_what_a_partner_gives_waits_for_a_second_person(partners, ask, get):
    before = get(ANNA).json()["balances"]["score"]
    with transaction() as cursor:
        set_limit(cursor, "score", 10, at=NOW, actor="staff:owner@example.org", reason="the auditor asked")
    body = {"currency": "score", "amount": 12, "reason": "flowers", "partner": "bakery"}
    waits = ask("/issues", "flowers", **body)
    assert (waits.status_code, waits.json()["state"]) == (202, "waiting")
    with transaction() as cursor:  # it is still known when there is no limit any more
        set_limit(cursor, "score", None, at=NOW, actor="staff:owner@example.org", reason="no need")
    assert ask("/issues", "flowers", **body).json() == waits.json()
    approve_adjustment(UUID(waits.json()["id"]), reason="", at=utc_now(), actor="staff:bob@example.org")
    done = ask("/issues", "flowers", **body)
    assert (done.status_code, done.json()["kind"], done.json()["available"]) == (201, "issue", before + 12)
    assert sound()
