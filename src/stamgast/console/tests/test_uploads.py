"""Files handed in by hand: the whole path, what is refused and how it is said, who may, and that a form needs its token."""

import io
import re
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from stamgast.access.operations import create_staff
from stamgast.activities.uploads.files import uploads_folder
from stamgast.activities.uploads.queries import list_uploads
from stamgast.activities.uploads.types import State, Upload
from stamgast.console.tests import PASSWORD
from stamgast.flows.run_uploads import import_if_asked
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction

TILL = (
    "bon;datum;kaart;artikel;aantal;bedrag\n"
    "1;02-03-2026 09:14;C900;K-11;2;5,00\n"
    "2;02-03-2026 09:15;C901;T-20;1;1.012,50\n"
    "1;02-03-2026 09:14;C900;G-03;1;0,10\n"
    "3;31-02-2026 09:20;C902;K-11;1;2,50\n"
)


def hand_in(client: Client, content: bytes | str, *, name: str = "till.csv", source: str = "till"):
    raw = content if isinstance(content, bytes) else content.encode()
    return client.post("/sources/uploads", {"source": source, "file": SimpleUploadedFile(name, raw)})


def only() -> Upload:
    with open_cursor() as cursor:
        (found,) = list_uploads(cursor).rows
    return found


def nothing_kept() -> bool:
    with open_cursor() as cursor:
        rows = list_uploads(cursor).rows
    return not rows and not [path for path in uploads_folder().glob("*") if path.is_dir()]


@pytest.fixture(autouse=True)
def clean_folder(tmp_path: Path, settings) -> None:
    settings.CONFIGURATION = replace(settings.CONFIGURATION, data=tmp_path)


def form_of(text: str) -> dict[str, str]:
    """The fields of the page's form as a browser would send them."""
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', text))
    for name, inside in re.findall(r'<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', text, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected>|<option selected>([^<]+)<', inside)
        fields[name] = next(filter(None, chosen.groups()), "") if chosen else ""
    for tag in re.findall(r'<input class="form-control[^>]*>', text):
        named, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        fields[named.group(1)] = value.group(1) if value else ""
    return fields


def post(client: Client, address: str, act: str, **changed: str):
    fields = form_of(client.get(address).content.decode()) | changed
    return client.post(address, fields | {"act": act})


@pytest.mark.django_db(transaction=True)
def test_a_file_is_looked_at_tried_imported_and_what_was_refused_comes_back(signed_in: Client) -> None:
    answer = hand_in(signed_in, TILL)
    assert answer.status_code == 302
    address = answer["Location"]
    found = only()
    assert (found.name, found.source, found.state, found.uploaded_by) == (
        "till.csv", "till", State.UPLOADED, "staff:owner@example.org",
    )  # fmt: skip
    text = signed_in.get(address).content.decode()
    assert "Amount of the line" in text
    assert "02-03-2026 09:14" in text

    tried = post(signed_in, address, "try")
    text = tried.content.decode()
    assert tried.status_code == 200
    assert "3 of 4" in text
    assert re.search(r"<td>5</td><td[^>]*>“datum” is no moment in the form that was chosen: 31-02-2026 09:20</td>", text)
    assert only().state is State.READY
    with open_cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM activities_activity").fetchone() == (0,)

    started = post(signed_in, address, "start")
    assert (started.status_code, only().state) == (302, State.RUNNING)
    assert import_if_asked(clock=utc_now, should_stop=lambda: False)
    assert not import_if_asked(clock=utc_now, should_stop=lambda: False)
    done = only()
    assert (done.state, done.activities_new, done.activities_repeated, done.rows_refused) == (State.DONE, 2, 0, 1)
    text = signed_in.get(address).content.decode()
    assert "2 activities were added" in text
    part = signed_in.get(address, headers={"HX-Request": "true"})
    assert part["HX-Refresh"] == "true"
    rejects = signed_in.get(f"{address}/refused.csv")
    assert rejects["Content-Disposition"] == 'attachment; filename="till.refused.csv"'
    with open_cursor() as cursor:
        trail = cursor.execute(
            "SELECT action, actor FROM access_trail WHERE subject = %s ORDER BY id", (f"upload:{found.id}",)
        ).fetchall()
    assert trail == [
        (action, "staff:owner@example.org") for action in ("upload file", "start import", "import file", "export refused rows")
    ]

    # The next file of the source begins with these choices; the same file adds nothing and says so.
    again = hand_in(signed_in, TILL, name="again.csv")["Location"]
    text = signed_in.get(again).content.decode()
    assert "We took over what was chosen for till.csv." in text
    assert "This very file was handed in before" in text
    post(signed_in, again, "start")
    assert import_if_asked(clock=utc_now, should_stop=lambda: False)
    assert "This file was imported before: nothing was added" in signed_in.get(again).content.decode()
    with open_cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM activities_activity").fetchone() == (2,)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", b"", "The file is empty"),
        ("a.csv", b"\n\n", "The file is empty"),
        ("a.csv", b"day,who,day\n1,2,3\n", "Two columns are called “day”."),
        ("a.csv", b"\x00\x01\x02\x00binary\n", "This is not CSV or Parquet"),
        ("a.xlsx", b"PK\x03\x04abcdef", "This is a spreadsheet or a zip file."),
        ("a.csv.gz", b"\x1f\x8b\x08\x00abc", "This file is compressed."),
        ("a.parquet", b"PAR1 and then nothing that ends it", "begins as Parquet and cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words_and_not_kept(
    signed_in: Client, name: str, content: bytes, sentence: str
) -> None:
    answer = hand_in(signed_in, content, name=name)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert nothing_kept()


@pytest.mark.django_db
def test_what_is_too_large_or_has_no_source_or_no_token_is_not_kept(signed_in: Client, settings) -> None:
    assert hand_in(signed_in, TILL, source=" ").status_code == 422
    settings.CONFIGURATION = replace(settings.CONFIGURATION, upload_mb=1)
    answer = hand_in(signed_in, b"a,b\n" + b"1,2\n" * 300_000)
    assert answer.status_code == 422
    assert "larger than may be handed in" in answer.content.decode()
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = signed_in.cookies
    assert hand_in(strict, TILL).status_code == 403
    assert nothing_kept()


@pytest.mark.django_db
def test_what_is_missing_is_said_and_what_was_typed_stays(signed_in: Client) -> None:
    rows = "what,day,mail,tags\nSALE,2026-01-01,a@example.org,x\nHELLO,2026-01-02,b@example.org,y\n"
    address = hand_in(signed_in, rows)["Location"]
    answer = post(signed_in, address, "try", **{"role 2": ""})
    assert answer.status_code == 422
    assert "Say which column tells who did it" in answer.content.decode()
    answer = post(signed_in, address, "look", **{"role 0": "kind", "role 2": "email", "role 3": "property", "name 3": "label"})
    text = answer.content.decode()
    assert 'name="value 0" value="SALE"' in text
    fields = form_of(text) | {"kind 0": "Signed Up"}
    assert fields["name 3"] == "label"
    text = signed_in.post(address, fields | {"act": "try"}).content.decode()
    assert "2 of 2" in text
    assert "Signed Up · 1, HELLO · 1" in text


@pytest.mark.django_db
def test_lists_of_a_parquet_file_are_left_out_and_other_letters_are_looked_at_again(signed_in: Client) -> None:
    raw = io.BytesIO()
    pq.write_table(pa.table({"user id": ["7"], "day": ["2026-01-01"], "tags": [["a"]]}), raw)
    address = hand_in(signed_in, raw.getvalue(), name="visits.parquet")["Location"]
    assert "Holds lists or records, and is left out." in signed_in.get(address).content.decode()
    assert "1 of 1" in post(signed_in, address, "try", kind="Visit").content.decode()

    address = hand_in(signed_in, "day,user id,city\n2026-01-01,1,Köln\n".encode("windows-1252"))["Location"]
    page = signed_in.get(address).content.decode()
    assert "Köln" in page
    assert form_of(page)["encoding"] == "windows-1252"
    answer = post(signed_in, address, "look", encoding="utf-8")
    assert answer.status_code == 302
    assert "Line 2 has letters that are written otherwise." in signed_in.get(address).content.decode()


@pytest.mark.django_db
def test_a_marketer_imports_and_an_auditor_only_looks(signed_in: Client) -> None:
    address = hand_in(signed_in, TILL)["Location"]
    for role, status in (("marketer", 200), ("auditor", 403)):
        with transaction() as cursor:
            email = f"{role}@example.org"
            create_staff(cursor, email=email, name="S", password=PASSWORD, at=utc_now(), actor="test", role=role)
        client = Client()
        assert client.post("/sign-in", {"email": f"{role}@example.org", "password": PASSWORD}).status_code == 302
        assert client.get(address).status_code == 200
        assert ('name="act"' in client.get(address).content.decode()) is (status == 200)
        fields = form_of(signed_in.get(address).content.decode())
        assert client.post(address, fields | {"act": "try"}).status_code == status
        assert hand_in(client, TILL).status_code == (302 if status == 200 else 403)


@pytest.mark.django_db
def test_an_upload_that_nobody_has_is_not_there(signed_in: Client) -> None:
    assert signed_in.get(f"/sources/uploads/{UUID(int=1)}").status_code == 404
    assert signed_in.get(f"/sources/uploads/{UUID(int=1)}/refused.csv").status_code == 404
