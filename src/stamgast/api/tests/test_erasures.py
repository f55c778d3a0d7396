"""What a person may ask, as a system asks it for them: everything that is known, and to be forgotten."""

import io
import json
import zipfile

from stamgast.access.operations import create_key
from stamgast.flows.adjust import adjust, refuse_adjustment
from stamgast.flows.export_lake import clean
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction
from stamgast.ledger.adjusting import set_limit

from .conftest import NOW

BOB = "/v1/customers/email:bob@example.org"


def actions():
    with open_cursor() as cursor:
        return [row[0] for row in cursor.execute("SELECT action FROM access_trail WHERE action <> 'create key'").fetchall()]


def test_what_was_proposed_for_a_person_is_told_to_them(shop, get):
    with transaction() as cursor:
        set_limit(cursor, "score", 5, at=NOW, actor="test", reason="audit")
    said = {"currency": "score", "amount": 9, "at": NOW, "actor": "staff:hanna@example.org"}
    proposal = adjust("user_id:bob", reason="Bob called", key="k", **said)
    adjust("user_id:anna", reason="Anna called", key="k2", **said)
    refuse_adjustment(proposal.id, reason="no photo", at=NOW, actor="staff:owner@example.org")
    with zipfile.ZipFile(io.BytesIO(get(f"{BOB}/export").content)) as archive:
        [told] = json.loads(archive.read("data.json"))["adjustments"]
        page = archive.read("index.html").decode()
    assert told == {
        "asked_at": NOW.isoformat(), "asked_by": "staff:hanna@example.org", "currency": "score", "amount": 9, "partner": "",
        "expires_at": None, "reason": "Bob called", "state": "refused", "decided_at": NOW.isoformat(),
        "decided_by": "staff:owner@example.org", "decided_reason": "no photo",
    }  # fmt: skip
    assert "no photo" in page
    assert "Anna called" not in page


def test_everything_that_is_known_of_one_person_and_of_nobody_else(shop, get):
    answer = get(f"{BOB}/export", **{"accept-language": "nl"})
    assert (answer.status_code, answer["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        data = json.loads(archive.read("data.json"))
        page = archive.read("index.html").decode()
    assert [one["value"] for one in data["identifiers"]] == ["bob", "bob@example.org"]
    assert {one["name"]: one["value"] for one in data["traits"]} == {"email": "Bob@Example.org", "firstName": "Bob"}
    assert [json.loads(one["message"])["messageId"] for one in data["activities"]] == ["m100", "m101", "i1"]
    assert [one["kind"] for one in data["movements"]] == ["earn"]
    assert data["balances"][0]["available"] == 1
    assert {"consents", "links", "judgements", "segments", "devices", "sources", "refusals"} <= data.keys()
    assert "Wat je deed (3)" in page
    assert "bob@example.org" in page
    assert "anna" not in json.dumps(data) + page
    assert "<script" not in page
    assert actions() == ["export customer"]


def test_a_person_is_erased_once_and_the_receipt_stays(shop, get, client, key):
    headers = {"authorization": f"Bearer {key}", "idempotency-key": "k"}
    bob = get(BOB).json()["id"]
    first = client.post(f"{BOB}/erasure", {"reason": "asked"}, "application/json", headers=headers)
    assert first.status_code == 200, first.content
    receipt = first.json()
    assert (receipt["customer_id"], receipt["reason"], receipt["removed"]["activities"]) == (bob, "asked", 3)
    again = client.post(f"{BOB}/erasure", {"reason": "asked"}, "application/json", headers=headers)
    assert again.json() == receipt
    assert get(f"/v1/erasures/{receipt['id']}").json() == receipt
    assert get(BOB).status_code == 404
    assert get("/v1/customers?search=bob").json()["data"] == []
    left = get(f"/v1/customers/{bob}").json()
    assert (left["traits"], left["balances"], left["orders"]["revenue"]) == ({}, {"score": 1}, "12.50")
    assert [one["kind"] for one in left["identifiers"]] == ["erased"]
    twice = client.post(f"/v1/customers/{bob}/erasure", {}, "application/json", headers={"authorization": f"Bearer {key}"})
    assert (twice.status_code, twice.json()["code"]) == (409, "already_erased")
    missing = get("/v1/erasures/00000000-0000-0000-0000-000000000000")
    assert (missing.status_code, missing.json()["code"]) == (404, "erasure_not_found")
    assert actions() == ["erase customer"]


def test_who_may_read_may_not_erase_or_export(shop, client, get):
    with transaction() as cursor:
        narrow = create_key(cursor, "narrow", ["customers:read", "customers:write"], at=NOW, actor="test")[1]
    headers = {"authorization": f"Bearer {narrow}"}
    assert client.post(f"{BOB}/erasure", {}, "application/json", headers=headers).status_code == 403
    assert client.get(f"{BOB}/export", headers=headers).status_code == 403
    assert get(BOB).status_code == 200
    assert actions() == []


def test_somebody_may_come_back_once_and_with_a_reason(shop, client, key, get, tmp_path):
    headers = {"authorization": f"Bearer {key}"}
    receipt = client.post(f"{BOB}/erasure", {"reason": "asked"}, "application/json", headers=headers).json()
    address = f"/v1/erasures/{receipt['id']}/lift"
    early = client.post(address, {"reason": "phoned"}, "application/json", headers=headers)
    assert (early.status_code, early.json()["code"]) == (409, "erasure_under_way")
    clean(at=utc_now(), folder=tmp_path)
    assert client.post(address, {"reason": ""}, "application/json", headers=headers).status_code == 422
    keyed = {**headers, "idempotency-key": "lift-1"}
    lifted = client.post(address, {"reason": "phoned"}, "application/json", headers=keyed).json()
    assert (lifted["lift_reason"], lifted["lifted_at"] is not None) == ("phoned", True)
    assert client.post(address, {"reason": "phoned"}, "application/json", headers=keyed).json() == lifted
    again = client.post(address, {"reason": "phoned"}, "application/json", headers=headers)
    assert (again.status_code, again.json()["code"]) == (409, "already_lifted")
