"""Staff, account, keys, trail and till, as people use them."""

import csv
import io
import re
from datetime import timedelta

import pyotp
import pytest
from django.test import Client

from stamgast.access.queries import list_keys, list_staff, list_trail
from stamgast.access.types import TrailFilter
from stamgast.activities.types import Source
from stamgast.console.tests import PASSWORD
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction

OTHER = "four grey geese at dusk"


def actions() -> list[str]:
    with open_cursor() as cursor:
        return [line.action for line in reversed(list_trail(cursor, TrailFilter(), limit=100).rows)]


def invite(client: Client, role: str = "agent", name: str = "Eve") -> str:
    answer = client.post("/staff", {"email": f"{name}@example.org", "name": name, "role": role})
    assert answer.status_code == 200
    return re.search(r"http://testserver(/welcome/[\w-]+)", answer.content.decode())[1]  # type: ignore[index]


def enrol(client: Client) -> tuple[str, list[str]]:
    text = client.get("/account/second-factor").content.decode()
    secret = re.search(r'<code class="sg-break">([A-Z2-7 ]+)</code>', text)[1].replace(" ", "")  # type: ignore[index]
    answer = client.post("/account/second-factor", {"code": pyotp.TOTP(secret).now()})
    assert answer.status_code == 200
    return secret, re.findall(r"<code>([a-z2-7-]{19})</code>", answer.content.decode())


def test_somebody_is_invited_chooses_a_password_and_signs_in(signed_in: Client) -> None:
    link = invite(signed_in)
    eve = Client()
    assert "Welcome, Eve" in eve.get(link).content.decode()
    assert eve.post(link, {"password": OTHER, "again": OTHER + "!"}).status_code == 422
    assert eve.post(link, {"password": "short", "again": "short"}).status_code == 422
    done = eve.post(link, {"password": OTHER, "again": OTHER})
    assert (done.status_code, done["Location"]) == (302, "/sign-in")
    assert "Your password is set." in eve.get("/sign-in").content.decode()
    over = eve.get(link)
    assert (over.status_code, "This link is over" in over.content.decode()) == (404, True)
    assert eve.post("/sign-in", {"email": "eve@example.org", "password": OTHER}).status_code == 302
    assert eve.get("/customers").status_code == 200
    first, *invited, chosen, last = actions()[-5:]
    assert (first, sorted(invited), chosen, last) == ("sign in", ["create staff", "make link"], "set password", "sign in")


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"email": "nonsense", "name": "Eve", "role": "agent"}, "Dat is geen e-mailadres."),
        ({"email": "eve@example.org", "name": " ", "role": "agent"}, "Vul een naam in"),
        ({"email": "eve@example.org", "name": "Eve", "role": "boss"}, "Kies wat deze persoon hier doet."),
        ({"email": "owner@example.org", "name": "Eve", "role": "agent"}, "Er is al iemand met dit e-mailadres."),
    ],
)
def test_what_cannot_be_invited_is_said_and_kept(signed_in: Client, form: dict[str, str], sentence: str) -> None:
    before = actions()
    answer = signed_in.post("/staff", form, headers={"Accept-Language": "nl"})
    text = answer.content.decode()
    assert (answer.status_code, sentence in text, f'value="{form["email"]}"' in text) == (422, True, True)
    assert actions() == before


def test_a_role_changes_at_the_next_click_and_shutting_out_at_once(signed_in: Client) -> None:
    link, eve = invite(signed_in), Client()
    eve.post(link, {"password": OTHER, "again": OTHER})
    eve.post("/sign-in", {"email": "eve@example.org", "password": OTHER})
    with open_cursor() as cursor:
        number = next(member.id for member in list_staff(cursor) if member.name == "Eve")
    assert eve.get("/customers").status_code == 200
    signed_in.post(f"/staff/{number}/role", {"role": "analyst"})
    assert (eve.get("/customers").status_code, eve.get("/segments").status_code) == (403, 200)
    assert "Eve" in signed_in.get(f"/staff/{number}").content.decode()
    signed_in.post(f"/staff/{number}/access", {})
    assert eve.get("/segments").status_code == 302
    assert eve.post("/sign-in", {"email": "eve@example.org", "password": OTHER}).status_code == 403
    signed_in.post(f"/staff/{number}/access", {"is_active": "on"})
    assert eve.post("/sign-in", {"email": "eve@example.org", "password": OTHER}).status_code == 302


def test_the_only_owner_cannot_step_down(signed_in: Client) -> None:
    with open_cursor() as cursor:
        (me,) = list_staff(cursor)
    answer = signed_in.post(f"/staff/{me.id}/role", {"role": "agent"}, follow=True)
    assert "This is the only owner." in answer.content.decode()
    answer = signed_in.post(f"/staff/{me.id}/access", {}, follow=True)
    assert "This is the only owner." in answer.content.decode()
    with open_cursor() as cursor:
        assert list_staff(cursor) == [me]


def test_signing_in_with_a_second_factor(signed_in: Client, staff: str) -> None:
    _secret, codes = enrol(signed_in)
    assert len(codes) == 10
    browser = Client()
    first = browser.post("/sign-in", {"email": staff, "password": PASSWORD, "next": "/segments"})
    assert (first.status_code, first["Location"]) == (302, "/sign-in/code")
    assert browser.get("/segments").status_code == 302, "the password alone opens nothing"
    wrong = browser.post("/sign-in/code", {"code": "000000"})
    assert (wrong.status_code, "This is not the code of this moment" in wrong.content.decode()) == (403, True)
    right = browser.post("/sign-in/code", {"code": codes[0]})
    assert (right.status_code, right["Location"]) == (302, "/segments")
    assert "9" in browser.get("/segments").content.decode().partition("sg-said-warning")[2][:200]
    again = Client()
    again.post("/sign-in", {"email": staff, "password": PASSWORD})
    assert again.post("/sign-in/code", {"code": codes[0]}).status_code == 403
    statuses = [again.post("/sign-in/code", {"code": "000000"}) for _ in range(6)]
    assert (statuses[-1].status_code, int(statuses[-1]["Retry-After"]) >= 1) == (429, True)


def test_the_second_step_is_open_for_five_minutes_after_the_first(signed_in: Client, staff: str) -> None:
    _secret, codes = enrol(signed_in)
    browser = Client()
    assert browser.get("/sign-in/code")["Location"] == "/sign-in"
    browser.post("/sign-in", {"email": staff, "password": PASSWORD})
    session = browser.session
    session["pending"] |= {"until": (utc_now() - timedelta(seconds=1)).timestamp()}
    session.save()
    assert browser.post("/sign-in/code", {"code": codes[0]})["Location"] == "/sign-in"


def test_who_needs_a_second_factor_sets_it_up_first(signed_in: Client) -> None:
    signed_in.post("/staff/second-factor", {"roles": ["owner"]})
    page = signed_in.get("/customers?search=a")
    assert (page.status_code, page["Location"]) == (302, "/account/second-factor?next=%2Fcustomers%3Fsearch%3Da")
    part = signed_in.get("/live", headers={"HX-Request": "true"})
    assert (part.status_code, part["HX-Redirect"]) == (204, "/account/second-factor")
    assert signed_in.post("/sources", {"name": "kiosk"}).status_code == 302
    assert "create source" not in actions()
    enrol(signed_in)
    assert signed_in.get("/customers").status_code == 200
    assert "Do without" not in signed_in.get("/account").content.decode()


def test_a_password_is_changed_by_the_present_one_and_ends_other_sessions(signed_in: Client, staff: str) -> None:
    other = Client()
    other.post("/sign-in", {"email": staff, "password": PASSWORD})
    for form in ({"present": "wrong"}, {"present": PASSWORD, "again": "x"}, {"present": PASSWORD, "password": "short"}):
        signed_in.post("/account/password", {"password": OTHER, "again": form.get("password", OTHER), **form})
    assert other.get("/account").status_code == 200
    signed_in.post("/account/password", {"present": PASSWORD, "password": OTHER, "again": OTHER})
    text = signed_in.get("/account").content.decode()
    assert "Your password is changed." in text
    assert other.get("/account").status_code == 302
    assert Client().post("/sign-in", {"email": staff, "password": PASSWORD}).status_code == 403
    assert Client().post("/sign-in", {"email": staff, "password": OTHER}).status_code == 302


def test_sessions_are_shown_and_ended(signed_in: Client, staff: str) -> None:
    phone = Client(headers={"User-Agent": "Mozilla/5.0 (iPhone; CPU) Safari/1"})
    phone.post("/sign-in", {"email": staff, "password": PASSWORD})
    text = signed_in.get("/account").content.decode()
    assert "Safari on iPhone" in text
    (one,) = re.findall(r'name="one" value="([0-9a-f-]{36})"', text)
    signed_in.post("/account/sessions/end", {"one": one})
    assert (phone.get("/account").status_code, signed_in.get("/account").status_code) == (302, 200)
    phone.post("/sign-in", {"email": staff, "password": PASSWORD})
    signed_in.post("/account/sessions/end", {})
    assert (phone.get("/account").status_code, signed_in.get("/account").status_code) == (302, 200)


def test_a_session_without_its_row_and_one_that_idled_are_over(signed_in: Client) -> None:
    with transaction() as cursor:
        cursor.execute("UPDATE access_session SET last_seen_at = last_seen_at - interval '13 hours'")
    assert signed_in.get("/account").status_code == 302
    assert "_auth_user_id" not in signed_in.session


def test_the_language_goes_with_the_person(signed_in: Client, staff: str) -> None:
    signed_in.post("/language", {"language": "nl", "next": "/account"})
    browser = Client()
    browser.post("/sign-in", {"email": staff, "password": PASSWORD})
    assert "Je account" in browser.get("/account", headers={"Accept-Language": "en"}).content.decode()


def test_a_key_from_its_making_to_its_revoking(signed_in: Client) -> None:
    assert signed_in.post("/keys", {"name": "report", "limit": "10"}).status_code == 422
    assert signed_in.post("/keys", {"name": "report", "scopes": ["segments:read"], "limit": "x"}).status_code == 422
    made = signed_in.post("/keys", {"name": "report", "scopes": ["segments:read"], "limit": "10"}).content.decode()
    text = re.search(r"<code>(sgk_\w+)</code>", made)[1]  # type: ignore[index]
    assert signed_in.get("/v1/segments", headers={"authorization": f"Bearer {text}"}).status_code == 200
    with open_cursor() as cursor:
        (key,) = list_keys(cursor)
    assert (key.name, key.limit_per_minute, key.last_used_at is not None) == ("report", 10, True)
    assert text not in signed_in.get("/keys").content.decode()
    signed_in.post(f"/keys/{key.id}/limit", {"limit": "20"})
    assert "Nothing was revoked" in signed_in.post(f"/keys/{key.id}/revoke", {"confirmation": "x"}).content.decode()
    signed_in.post(f"/keys/{key.id}/revoke", {"confirmation": "report"})
    assert signed_in.get("/v1/segments", headers={"authorization": f"Bearer {text}"}).status_code == 401
    assert actions()[-3:] == ["create key", "set limit of key", "revoke key"]


def test_the_trail_is_read_filtered_and_saved(signed_in: Client) -> None:
    signed_in.post("/sources", {"name": "=cmd|' /C calc'!A0"})
    text = signed_in.get("/trail").content.decode()
    assert "added a source" in text
    assert "made an API key" not in signed_in.get("/trail?action=create source").content.decode().partition("<tbody>")[2]
    assert "Nothing was done like that" in signed_in.get("/trail?actor=nobody").content.decode()
    assert signed_in.get("/trail?since=nonsense&until=9999-12-31").status_code == 200
    assert signed_in.get("/trail?after=x").status_code == 400
    answer = signed_in.get("/trail.csv?action=create source")
    assert answer["Content-Disposition"] == 'attachment; filename="trail.csv"'
    (row,) = csv.DictReader(io.StringIO(answer.content.decode()))
    assert (row["actor"], row["action"]) == ("staff:owner@example.org", "create source")


def test_the_till_finds_one_customer_by_the_whole_of_what_they_show(signed_in: Client, shop: Source) -> None:
    found = signed_in.get("/till?q=900").content.decode()
    assert "<h1>Noor &lt;b&gt;de&lt;/b&gt; Wit</h1>" in found
    assert re.search(r'sg-figure-large mb-0">7<', found)
    for asked in ("90", "Noor", "%", "900 OR 1=1"):
        assert "Nobody has" in signed_in.get("/till", {"q": asked}).content.decode()
    assert "Who is at the till?" in signed_in.get("/till").content.decode()


@pytest.mark.parametrize("address", ["/account", "/account/second-factor", "/staff", "/keys", "/trail", "/till", "/sign-in"])
@pytest.mark.parametrize("language", ["en", "nl"])
def test_the_pages_hold_nothing_that_the_policy_forbids(signed_in: Client, address: str, language: str) -> None:
    from stamgast.console.tests.test_views import MARKUP

    answer = signed_in.get(address, headers={"Accept-Language": language})
    assert (answer.status_code, MARKUP.findall(answer.content.decode())) == (302 if address == "/sign-in" else 200, [])
