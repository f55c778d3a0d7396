"""Who comes in, who does not, and how often one may try."""

import pytest
from django.test import Client

from stamgast.activities.types import Source
from stamgast.console.tests import PASSWORD
from stamgast.kit.database import open_cursor

PAGES = (
    "/", "/live", "/measures", "/customers", "/customers/user_id:900", "/customers/user_id:900/timeline",
    "/movements/6f1c6a5e-0000-0000-0000-000000000000/why", "/segments", "/segments/loyal-customers",
    "/segments/loyal-customers/members", "/segments/loyal-customers/changes", "/programme", "/sources", "/sources/1",
    "/sources/1/keys/6f1c6a5e-0000-0000-0000-000000000000/revoke", "/sources/refusals",
    "/sources/refusals/6f1c6a5e-0000-0000-0000-000000000000", "/sources/kinds", "/sources/kinds/Order Completed",
)  # fmt: skip
ACTS = (
    "/sources", "/sources/1/strictness", "/sources/1/keys", "/sources/1/keys/6f1c6a5e-0000-0000-0000-000000000000/revoke",
    "/sources/refusals/6f1c6a5e-0000-0000-0000-000000000000",
    "/sources/refusals/6f1c6a5e-0000-0000-0000-000000000000/dismiss", "/sources/kinds/Order Completed",
)  # fmt: skip


def counts() -> tuple[int, ...]:
    with open_cursor() as cursor:
        tables = ("activities_source", "activities_sourcekey", "activities_kind", "activities_refusal", "activities_activity")
        return tuple(cursor.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables)  # type: ignore[index]


@pytest.mark.django_db
@pytest.mark.parametrize("address", PAGES)
def test_nothing_is_shown_to_who_is_not_signed_in(client: Client, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in?next=%2F")
    assert answer.content == b""


@pytest.mark.django_db
def test_a_part_of_a_page_sends_the_whole_page_to_the_door(client: Client) -> None:
    answer = client.get("/live", headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"]) == (204, "/sign-in")


@pytest.mark.parametrize("address", ACTS)
def test_nothing_is_done_for_who_is_not_signed_in(client: Client, shop: Source, address: str) -> None:
    before = counts()
    answer = client.post(address, {"name": "kiosk", "schema": "{}", "body": "{}", "confirmation": "web shop"})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in")
    assert counts() == before


@pytest.mark.parametrize("address", ACTS)
def test_nothing_is_done_without_the_token_of_the_form(shop: Source, staff: str, address: str) -> None:
    client = Client(enforce_csrf_checks=True)
    token = client.get("/sign-in").cookies["csrftoken"].value
    assert client.post("/sign-in", {"email": staff, "password": PASSWORD, "csrfmiddlewaretoken": token}).status_code == 302
    before = counts()
    answer = client.post(address, {"name": "kiosk"})
    assert answer.status_code == 403
    assert b"<h1>This is not yours to see</h1>" in answer.content
    assert counts() == before


@pytest.mark.parametrize("email", ["owner@example.org", "nobody@example.org"])
def test_what_is_wrong_is_said_in_one_way(client: Client, staff: str, email: str) -> None:
    answer = client.post("/sign-in", {"email": email, "password": "a wrong one"})
    assert answer.status_code == 403
    assert "This address and password do not belong together." in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_guessing_is_slowed_and_the_right_password_too(client: Client, staff: str) -> None:
    answers = []
    while len(answers) < 12 and (not answers or answers[-1].status_code != 429):  # a slow machine outlasts the first waits
        answers.append(client.post("/sign-in", {"email": staff, "password": f"guess {len(answers)}"}))
    assert len(answers) > 6
    assert [answer.status_code for answer in answers] == [403] * (len(answers) - 1) + [429]
    assert int(answers[-1]["Retry-After"]) >= 1
    assert "Too many attempts. Wait" in answers[-1].content.decode()
    assert client.post("/sign-in", {"email": staff, "password": PASSWORD}).status_code == 429
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize(
    ("wanted", "place"),
    [("/segments", "/segments"), ("https://evil.example/", "/"), ("//evil.example", "/"), ("javascript:1", "/")],
)
def test_signing_in_leads_to_a_page_of_this_house_only(client: Client, staff: str, wanted: str, place: str) -> None:
    answer = client.post("/sign-in", {"email": staff, "password": PASSWORD, "next": wanted})
    assert (answer.status_code, answer["Location"]) == (302, place)


def test_signing_out_needs_a_form_and_ends_the_session(signed_in: Client) -> None:
    assert signed_in.get("/sign-out").status_code == 405
    answer = signed_in.post("/sign-out")
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in")
    assert signed_in.get("/").status_code == 302
    assert "You are signed out." in signed_in.get("/sign-in").content.decode()
    assert "You are signed out." not in signed_in.get("/sign-in").content.decode()


@pytest.mark.django_db
def test_the_language_is_the_browsers_until_it_is_chosen(client: Client) -> None:
    assert "Aanmelden" in client.get("/sign-in", headers={"Accept-Language": "nl-BE,nl;q=0.9"}).content.decode()
    assert "Sign in" in client.get("/sign-in", headers={"Accept-Language": "fr"}).content.decode()
    answer = client.post("/language", {"language": "nl", "next": "/sign-in"})
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in")
    assert "Aanmelden" in client.get("/sign-in", headers={"Accept-Language": "en"}).content.decode()
    client.post("/language", {"language": "xx", "next": "//evil.example"})
    assert "Aanmelden" in client.get("/sign-in").content.decode()
