"""Erasing in the console: only with the name typed, with a receipt; and everything as a file."""

import io
import re
import zipfile
from pathlib import Path

from django.test import Client

from stamgast.activities.types import Source
from stamgast.customers.queries import find_customer
from stamgast.flows.export_lake import clean
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor

PAGE = "/customers/user_id:900/erase"
NAME = "Noor <b>de</b> Wit"


def is_known() -> bool:
    with open_cursor() as cursor:
        return find_customer(cursor, "user_id:900") is not None


def test_who_does_not_type_the_name_erases_nobody(signed_in: Client, shop: Source) -> None:
    assert "Noor &lt;b&gt;de&lt;/b&gt; Wit" in signed_in.get(PAGE).content.decode()
    answer = signed_in.post(PAGE, {"confirmation": "Noor"})
    assert answer.status_code == 422
    assert "Nothing was erased" in answer.content.decode()
    assert is_known()


def test_a_customer_is_erased_and_the_receipt_names_nobody(signed_in: Client, shop: Source) -> None:
    assert signed_in.post(PAGE, {"confirmation": NAME, "reason": "letter of 3 May"}).status_code == 302
    assert not is_known()
    with open_cursor() as cursor:
        ((erasure, customer),) = cursor.execute("SELECT id, customer_id FROM customers_erasure").fetchall()
    receipt = signed_in.get(f"/erasures/{erasure}", headers={"Accept-Language": "nl"}).content.decode()
    assert "letter of 3 May" in receipt
    assert re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", receipt)[:2] == [
        ("identificaties", "1"),
        ("activiteiten waar niemand meer in staat", "4"),
    ]
    assert "Noor" not in receipt
    assert str(erasure) in signed_in.get("/erasures").content.decode()
    profile = signed_in.get(f"/customers/{customer}").content.decode()
    assert "Erased customer" in profile
    assert "Noor" not in profile
    assert signed_in.get(f"/customers/{customer}/erase").headers["Location"] == f"/erasures/{erasure}"
    assert "Noor" not in signed_in.get("/customers").content.decode()


def test_everything_as_a_file_stands_in_the_trail(signed_in: Client, shop: Source) -> None:
    answer = signed_in.post("/customers/user_id:900/export", headers={"Accept-Language": "nl"})
    assert answer["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        page = archive.read("index.html").decode()
    assert "Alles wat er van je bekend is" in page
    assert "Noor &lt;b&gt;de&lt;/b&gt; Wit" in page
    with open_cursor() as cursor:
        trail = cursor.execute("SELECT actor FROM access_trail WHERE action = 'export customer'").fetchall()
    assert trail == [("staff:owner@example.org",)]


def test_an_owner_lets_somebody_come_back_with_a_reason_and_not_before_the_worker_is_done(
    signed_in: Client, shop: Source, tmp_path: Path
) -> None:
    assert signed_in.post(PAGE, {"confirmation": NAME}).status_code == 302
    with open_cursor() as cursor:
        ((erasure,),) = cursor.execute("SELECT id FROM customers_erasure").fetchall()
    address = f"/erasures/{erasure}"
    refused = signed_in.post(f"{address}/lift", {"reason": "phoned"}, headers={"Referer": address}, follow=True)
    assert "Something of this person still waits for the worker" in refused.content.decode()
    clean(at=utc_now(), folder=tmp_path)
    without = signed_in.post(f"{address}/lift", {"reason": " "}, headers={"Referer": address}, follow=True)
    assert "Say why" in without.content.decode()
    assert "Let this person come back" in signed_in.get(address).content.decode()
    text = signed_in.post(f"{address}/lift", {"reason": "phoned"}, follow=True).content.decode()
    assert "is a new customer from now on" in text
    assert re.search(r"Lifted on .* by owner@example.org. phoned", text)
    assert f"{address}/lift" not in text
    assert "lifted" in signed_in.get("/erasures").content.decode()
