"""Consent in the console: written down with a reason, by whom; texts with versions; the pages behind links."""

import re

from django.test import Client

from stamgast.activities.types import Source
from stamgast.customers.consent.queries import list_changes, list_texts
from stamgast.customers.queries import get_customer
from stamgast.kit.database import open_cursor

PAGE = "/customers/user_id:900/consents"


def changes() -> list[tuple[str, str, str]]:
    with open_cursor() as cursor:
        customer = get_customer(cursor, "user_id:900")
        return [(one.state.value, one.actor, one.reason) for one in list_changes(cursor, customer.id)]


def test_staff_write_down_what_they_were_told(signed_in: Client, shop: Source) -> None:
    assert "Nobody asked yet" in signed_in.get("/customers/user_id:900").content.decode()
    answer = signed_in.post(PAGE, {"what": "newsletter/email", "state": "given", "reason": "called about an order"})
    assert answer.status_code == 302
    assert signed_in.get(answer["Location"]).status_code == 200
    assert changes() == [("given", "staff:owner@example.org", "called about an order")]
    with open_cursor() as cursor:
        said = cursor.execute("SELECT actor, detail->>'reason' FROM access_trail WHERE action = 'set consent'").fetchall()
    assert said == [("staff:owner@example.org", "called about an order")]
    profile = signed_in.get("/customers/user_id:900", headers={"Accept-Language": "nl"}).content.decode()
    assert re.search(r"Nieuwsbrief via e-mail <span[^>]*>mag</span>", profile)


def test_what_is_not_complete_is_refused_and_stays_in_the_form(signed_in: Client, shop: Source) -> None:
    for form in (
        {"what": "newsletter/email", "state": "given", "reason": " "},
        {"what": "newsletter/email", "state": "requested", "reason": "kept"},
        {"what": "other/sms", "state": "given", "reason": "kept"},
    ):
        answer = signed_in.post(PAGE, form)
        assert answer.status_code == 422
        assert form["reason"].strip() in answer.content.decode()
    assert changes() == []


def test_a_new_text_is_a_new_version(signed_in: Client, shop: Source) -> None:
    address = "/customers/consent-texts"
    form = {"purpose": "newsletter", "channel": "email", "text_en": "Really?", "text_nl": "Echt?", "reason": "shorter"}
    assert signed_in.post(address, form).status_code == 302
    with open_cursor() as cursor:
        assert [(text.version, text.texts["nl"][:5]) for text in list_texts(cursor)] == [(2, "Echt?"), (1, "Ja, s")]
    page = signed_in.get(f"{address}?purpose=newsletter&channel=email").content.decode()
    assert ">Echt?</textarea>" in page
    refused = signed_in.post(address, {**form, "purpose": "<b>", "text_en": "<i>typed</i>"})
    assert refused.status_code == 422
    assert "&lt;i&gt;typed&lt;/i&gt;" in refused.content.decode()


def test_the_links_of_messages_need_no_signing_in_and_no_others_work(client: Client, db: None) -> None:
    for address in ("/consent/confirm/made-up", "/consent/withdraw/made-up"):
        assert client.get(address).status_code == 404
        assert client.post(address).status_code == 404
