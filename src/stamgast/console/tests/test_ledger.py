"""The pages of the ledger and the statement of a customer: what they show, to whom, and what their forms do."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest

from stamgast.access.operations import create_staff
from stamgast.access.types import Role
from stamgast.books.queries import list_audits, list_valuations
from stamgast.console.tests import PASSWORD
from stamgast.flows import export_lake
from stamgast.flows.run_audit import run_wanted_audit
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction
from stamgast.ledger.operations import seal


def told(answer) -> str:
    assert answer.status_code == 200, answer
    return answer.content.decode()


def test_the_statement_leads_from_opening_to_closing_with_causes(shop, signed_in) -> None:
    text = told(signed_in.get("/customers/user_id:900/statement"))
    assert "What moved, and why" in text
    assert "by “Purchase”, version 1" in text
    assert "Order of €" in text
    assert text.count("known") > 0
    assert "Given" in text
    happened = told(signed_in.get("/customers/user_id:900/statement?clock=happened"))
    assert "corrections among them" in happened
    day = (datetime.now(UTC) - timedelta(days=400)).date()
    empty = told(signed_in.get(f"/customers/user_id:900/statement?from={day}&to={day + timedelta(days=5)}"))
    assert "Nothing was given yet" in empty
    assert "What moved, and why" in told(signed_in.get("/customers/user_id:900/statement?from=nonsense&to=1&clock=x&after="))
    then = told(
        signed_in.get(f"/customers/user_id:900/statement?at={datetime.now(UTC):%Y-%m-%dT%H:%M}&known_at=2001-01-01T00:00")
    )
    assert "Nothing was there at that moment." in then
    assert signed_in.get("/customers/user_id:nobody/statement").status_code == 404


def test_the_statement_as_a_file_has_every_line_and_stands_in_the_trail(shop, signed_in) -> None:
    answer = signed_in.get("/customers/user_id:900/statement.csv")
    rows = list(csv.DictReader(io.StringIO(told(answer))))
    assert len(rows) >= 3
    assert all(row["currency"] == "score" and row["movement_id"] for row in rows)
    assert sum(int(row["available"]) for row in rows) == int(rows[-1]["available_after"])
    assert {row["rule"] for row in rows} == {"purchase", "coupon"}
    with open_cursor() as cursor:
        cursor.execute("SELECT count(*) FROM access_trail WHERE action = 'export statement'")
        assert cursor.fetchone() == (1,)


def test_the_profile_says_what_expires_when_and_leads_to_the_statement(shop, signed_in) -> None:
    text = told(signed_in.get("/customers/user_id:900"))
    assert "What expires when" in text
    assert "/statement" in text


def test_balances_say_both_sides_and_the_sums_come_afterwards(shop, signed_in) -> None:
    text = told(signed_in.get("/ledger"))
    assert "Given by the programme" in text
    assert 'hx-trigger="load"' in text
    part = told(signed_in.get("/ledger", headers={"HX-Request": "true"}))
    assert "<table" in part
    assert "Score" in part


def test_movements_are_filtered_and_lead_to_why(shop, signed_in) -> None:
    text = told(signed_in.get("/ledger/movements"))
    assert "/why" in text
    assert "Noor &lt;b&gt;de&lt;/b&gt; Wit" in text
    assert "/why" in told(signed_in.get("/ledger/movements?customer=user_id:900&kind=earn&currency=score"))
    assert "/why" not in told(signed_in.get("/ledger/movements?kind=expire&since=2001-01-01&until=2001-02-01"))
    assert signed_in.get("/ledger/movements?customer=user_id:nobody").status_code == 404
    assert signed_in.get("/ledger/movements?after=zzz").status_code == 400
    assert (
        told(signed_in.get("/ledger/movements?kind=nonsense&since=x", headers={"HX-Request": "true"}))
        .lstrip()
        .startswith("<tr")
    )


def test_an_analyst_sees_movements_and_nobody(shop, client) -> None:
    with transaction() as cursor:
        for email, role in (("first@example.org", Role.OWNER), ("ann@example.org", Role.ANALYST)):
            create_staff(cursor, email=email, name="Ann", password=PASSWORD, at=utc_now(), actor="test", role=role)
    client.post("/sign-in", {"email": "ann@example.org", "password": PASSWORD})
    text = told(client.get("/ledger/movements?customer=user_id:901"))
    assert "Noor" not in text
    assert "/customers/" not in text
    assert "/why" not in text
    assert "Given" in text, "a customer in the address is not looked at"
    assert client.get("/customers/user_id:900/statement").status_code == 403
    assert client.post("/ledger/audit").status_code == 403


@pytest.mark.django_db(transaction=True)
def test_an_audit_is_asked_for_runs_and_can_be_stopped(shop, signed_in) -> None:
    assert "was not audited from here yet" in told(signed_in.get("/ledger/audit"))
    assert "begins within a few seconds" in told(signed_in.post("/ledger/audit", follow=True))
    assert "under way already" in told(signed_in.post("/ledger/audit", follow=True))
    assert "waits for the worker" in told(signed_in.get("/ledger/audit", headers={"HX-Request": "true"}))
    assert "stops within a moment" in told(signed_in.post("/ledger/audit/stop", follow=True))
    assert "stopped" in told(signed_in.get("/ledger/audit"))
    answer = signed_in.get("/ledger/audit", headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Refresh"]) == (204, "true")
    signed_in.post("/ledger/audit")
    assert run_wanted_audit(clock=utc_now) is True
    assert "The ledger was sound on" in told(signed_in.get("/ledger/audit"))
    with transaction() as cursor:
        cursor.execute("UPDATE ledger_movement SET reason = 'gift'")
    signed_in.post("/ledger/audit")
    run_wanted_audit(clock=utc_now)
    text = told(signed_in.get("/ledger/audit"))
    assert "1 check found something wrong" in text
    assert "A movement is not what was written" in text
    with open_cursor() as cursor:
        assert [run.wanted_by for run in list_audits(cursor, limit=1)] == ["staff:owner@example.org"]
        cursor.execute("SELECT count(*) FROM access_trail WHERE action IN ('ask for audit', 'stop audit')")
        assert cursor.fetchone() == (4,)


@pytest.mark.django_db(transaction=True)
def test_the_liability_is_shown_valued_and_saved(shop, signed_in, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(export_lake, "lake_folder", lambda: tmp_path / "lake")
    assert "There is nothing to tell yet" in told(signed_in.get("/ledger/liability"))
    with transaction() as cursor:
        seal(cursor, at=utc_now())
    export_lake.export(at=utc_now(), folder=tmp_path / "lake")
    text = told(signed_in.get("/ledger/liability"))
    assert " outstanding." in text
    assert "Nobody decided a price" in text
    assert "too early to say" in text
    assert "we expect" not in text
    assert "The history is too short to rely on" in text
    form = {"currency": "score", "price": "10,00", "share": "95", "valid_from": "2020-01-01", "reason": "as usual"}
    for wrong in ({"price": "ten"}, {"share": "101"}, {"valid_from": ""}, {"reason": " "}):
        refused = signed_in.post("/ledger/liability/value", form | wrong, follow=True)
        assert "sg-said-error" in told(refused)
    with open_cursor() as cursor:
        assert list_valuations(cursor) == []
    assert "Decided." in told(signed_in.post("/ledger/liability/value", form, follow=True))
    with open_cursor() as cursor:
        (decided,) = list_valuations(cursor)
    assert (decided.price_minor, decided.share, decided.actor) == (1_000, 9_500, "staff:owner@example.org")
    text = told(signed_in.get("/ledger/liability?currency=score"))
    assert "as usual" in text
    rows = list(csv.reader(io.StringIO(told(signed_in.get("/ledger/liability/journal.csv")))))
    assert rows[0][:3] == ["month", "points", "earned_in"]
