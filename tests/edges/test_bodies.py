"""How much of a request is read: refused by what it announces before a byte is read, else by what comes."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from django.urls import reverse

from stamgast.access.operations import create_key, create_staff
from stamgast.asgi import OneTurnHandler
from stamgast.console import receiving
from stamgast.kit.clock import utc_now
from stamgast.kit.database import transaction

PASSWORD = "three blue herons at dawn"
MEGABYTE = 1024 * 1024
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def small(settings: Any, tmp_path: Path) -> None:
    settings.CONFIGURATION = replace(settings.CONFIGURATION, data=tmp_path, upload_mb=20)


def cookies_of(role: str) -> str:
    with transaction() as cursor:
        create_staff(
            cursor, email=f"first-{role}@example.org", name="F", password=PASSWORD, at=utc_now(), actor="test", role="owner"
        )
        create_staff(cursor, email=f"{role}@example.org", name="S", password=PASSWORD, at=utc_now(), actor="test", role=role)
    client = Client()
    assert client.post("/sign-in", {"email": f"{role}@example.org", "password": PASSWORD}).status_code == 302
    return "; ".join(f"{name}={one.value}" for name, one in client.cookies.items())


def send_body(path: str, size: int, *, cookie: str = "", announced: bool = True) -> tuple[int, str, int]:
    """Status and place of the answer, and how many bytes were asked for; Django itself is replaced by one who reads it all."""
    read = 0
    parts: Iterator[int] = iter([MEGABYTE] * (size // MEGABYTE))
    answer: dict[str, Any] = {}

    async def receive() -> dict[str, Any]:
        nonlocal read
        part = next(parts, 0)
        read += part
        return {"type": "http.request", "body": b"x" * part, "more_body": bool(part)}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.update(message)

    async def read_all(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})

    headers = [(b"cookie", cookie.encode())] + ([(b"content-length", str(size).encode())] if announced else [])
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b""}
    async_to_sync(receiving.bounded(read_all))(scope, receive, send)  # type: ignore[arg-type]
    return answer["status"], dict(answer["headers"]).get(b"location", b"").decode(), read


def test_the_bound_of_a_file_is_at_the_address_of_the_page() -> None:
    assert reverse("console:uploads") == receiving.UPLOADS


@pytest.mark.parametrize("announced", [True, False])
def test_nobody_is_read_beyond_the_ordinary_bound(announced: bool) -> None:
    assert send_body("/sign-in", 5 * MEGABYTE, announced=announced)[0] == 200
    status, _place, read = send_body("/sign-in", 500 * MEGABYTE, announced=announced)
    assert status == 413
    assert read == (0 if announced else 12 * MEGABYTE)


def test_a_file_is_read_of_who_may_hand_one_in_and_of_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    marketer = cookies_of("marketer")
    assert send_body("/sources/uploads", 18 * MEGABYTE, cookie=marketer) == (200, "", 18 * MEGABYTE)
    assert send_body("/sources/uploads", 30 * MEGABYTE, cookie=marketer) == (303, "/sources/uploads?problem=too_large", 0)
    assert send_body("/sources/uploads", 18 * MEGABYTE) == (303, "/sources/uploads?problem=too_large", 0)
    assert send_body("/sources/uploads", 18 * MEGABYTE, cookie=cookies_of("analyst"))[0] == 303
    status, place, read = send_body("/sources/uploads", 30 * MEGABYTE, cookie=marketer, announced=False)
    assert (status, place) == (303, "/sources/uploads?problem=too_large")
    assert read <= 21 * MEGABYTE
    usage = type("Usage", (), {"free": 100 * MEGABYTE})
    monkeypatch.setattr("stamgast.activities.uploads.files.shutil.disk_usage", lambda path: usage)
    assert send_body("/sources/uploads", 18 * MEGABYTE, cookie=marketer) == (303, "/sources/uploads?problem=no_room", 0)


@pytest.mark.parametrize("announced", [True, False])
def test_the_api_says_what_is_too_large_in_its_own_form(announced: bool) -> None:
    """More than the bound that stands before Django; what is a little above Django's own is answered by the API itself."""
    parts = iter([MEGABYTE] * 30)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        part = next(parts, 0)
        return {"type": "http.request", "body": b"x" * part, "more_body": bool(part)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    with transaction() as cursor:
        _key, text = create_key(cursor, "k", ["points:spend"], at=utc_now(), actor="test")
    headers = [(b"authorization", f"Bearer {text}".encode()), (b"content-type", b"application/json")]
    headers += [(b"content-length", str(30 * MEGABYTE).encode())] if announced else []
    path = "/v1/customers/user_id:anna/spends"
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b"", "http_version": "1.1"}
    handler: Any = OneTurnHandler()
    application: Any = receiving.bounded(handler)
    async_to_sync(application)(scope, receive, send)
    start, body = sent[0], b"".join(one.get("body", b"") for one in sent[1:])
    assert (start["status"], dict(start["headers"])[b"Content-Type"]) == (400, b"application/problem+json")
    assert json.loads(body)["code"] == "unreadable_request"
    assert next(parts, 0), "the rest is not read"
