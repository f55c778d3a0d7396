"""The protocol as an ASGI application on the real database, with requests made by hand."""

import asyncio
import base64
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import psycopg
import pytest

from stamgast.activities.directory import Directory
from stamgast.activities.intake import _connect, is_intake_path
from stamgast.activities.operations import create_source, revoke_key, set_schema
from stamgast.activities.protocol import Intake, Limits
from stamgast.activities.queries import list_sources
from stamgast.activities.refusal_queries import list_refusals
from stamgast.activities.tests.conftest import NOON
from stamgast.activities.types import Refusal
from stamgast.activities.writer import Writer
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction

pytestmark = pytest.mark.usefixtures("committed")
PAGE = {"type": "page", "userId": "u", "messageId": "m"}


@dataclass
class Response:
    status: int = 0
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


async def ask(
    intake: Intake,
    path: str,
    body: object = b"",
    *,
    key: str | None = None,
    method: str = "POST",
    headers: dict[bytes, bytes] | None = None,
    parts: int = 1,
    query: bytes = b"",
) -> Response:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    sent = dict(headers or {})
    if key is not None:
        sent[b"authorization"] = b"Basic " + base64.b64encode(f"{key}:".encode())
    size = max(1, -(-len(raw) // parts))
    pieces = [raw[at : at + size] for at in range(0, len(raw), size)] or [b""]
    events = [{"type": "http.request", "body": piece, "more_body": piece is not pieces[-1]} for piece in pieces]
    response = Response()

    async def receive() -> Any:
        return events.pop(0) if events else {"type": "http.disconnect"}

    async def send(event: Any) -> None:
        if event["type"] == "http.response.start":
            response.status = event["status"]
            response.headers = dict(event["headers"])
        else:
            response.body += event["body"]

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": list(sent.items()),
        "query_string": query,
        "scheme": "http",
    }
    await intake(scope, receive, send)
    return response


@asynccontextmanager
async def running(
    *,
    limits: Limits | None = None,
    connect: Callable[[], Any] = _connect,
    patience_seconds: float = 10,
    fresh_seconds: float = 3,
) -> AsyncIterator[Intake]:
    directory = Directory(connect, currency="EUR", region="NL", fresh_seconds=fresh_seconds)
    intake = Intake(directory, Writer(connect, patience_seconds=patience_seconds), now=utc_now, limits=limits)
    await intake.startup()
    try:
        yield intake
    finally:
        await intake.shutdown()


def with_intake(scenario: Callable[[Intake], Awaitable[None]], **more: Any) -> None:
    async def run() -> None:
        async with running(**more) as intake:
            await scenario(intake)

    asyncio.run(run())


@pytest.fixture
def key() -> str:
    with transaction() as cursor:
        return create_source(cursor, "shop", at=NOON, actor="test")[1]


@pytest.fixture
def strict_key() -> str:
    with transaction() as cursor:
        return create_source(cursor, "till", is_strict=True, at=NOON, actor="test")[1]


def stored() -> list[tuple[str, str]]:
    with open_cursor() as cursor:
        return cursor.execute("SELECT type, body FROM activities_activity ORDER BY received_at, id").fetchall()


def waiting() -> list[Refusal]:
    with open_cursor() as cursor:
        page = list_refusals(cursor, limit=500)
        rows = list(page.rows)
        while page.next_cursor is not None:
            page = list_refusals(cursor, after=page.next_cursor, limit=500)
            rows += page.rows
        return rows


@pytest.mark.parametrize(
    ("path", "message_type"),
    [(f"/v1/{name[:length]}", name) for name in ("identify", "track", "page", "screen", "group", "alias") for length in (1, 9)],
)
def test_long_and_short_paths(key: str, path: str, message_type: str) -> None:
    async def scenario(intake: Intake) -> None:
        response = await ask(intake, path, {"userId": "u", "event": "X"}, key=key)
        assert (response.status, response.body) == (200, b'{"success":true}')

    with_intake(scenario)
    assert stored() == [(message_type, '{"userId":"u","event":"X"}')]


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/b", "/v1/import", "/v1/batch/", "/beacon/v1/batch"])
def test_batches(key: str, path: str) -> None:
    async def scenario(intake: Intake) -> None:
        assert is_intake_path(path)
        response = await ask(intake, path, {"batch": [PAGE, {**PAGE, "messageId": "n"}, PAGE]}, key=key, parts=3)
        assert (response.status, response.json) == (200, {"success": True})

    with_intake(scenario)
    assert len(stored()) == 2


def test_every_way_to_show_the_key(key: str) -> None:
    without_colon = base64.b64encode(key.encode())

    async def scenario(intake: Intake) -> None:
        statuses = [
            (await ask(intake, "/v1/p", {**PAGE, "messageId": "1"}, key=key)).status,
            (
                await ask(intake, "/v1/p", {**PAGE, "messageId": "2"}, headers={b"authorization": b"basic " + without_colon})
            ).status,
            (
                await ask(intake, "/v1/p", {**PAGE, "messageId": "3"}, headers={b"authorization": b"Bearer " + key.encode()})
            ).status,
            (await ask(intake, "/v1/p", {**PAGE, "messageId": "4", "writeKey": key})).status,
            (
                await ask(
                    intake,
                    "/v1/p",
                    {**PAGE, "messageId": "5", "writeKey": key},
                    headers={b"authorization": b"Bearer an-oauth-token"},
                )
            ).status,
            (await ask(intake, "/v1/b", {"batch": [{**PAGE, "messageId": "6"}], "writeKey": key})).status,
            (
                await ask(
                    intake, "/beacon/v1/batch", {"batch": [{**PAGE, "messageId": "7"}]}, query=b"writeKey=" + key.encode()
                )
            ).status,
        ]
        empty = {b"authorization": b"Basic " + base64.b64encode(b":")}
        statuses.append((await ask(intake, "/v1/p", {**PAGE, "messageId": "8", "writeKey": key}, headers=empty)).status)
        assert statuses == [200] * 8

    with_intake(scenario)
    assert len(stored()) == 8
    assert all(key not in body for _, body in stored())


@pytest.mark.parametrize("shown", [None, "", "x", "sgw_unknown", "sgw_" + "x" * 43, "sgw_é"])
def test_nobody_vouches_for_it(key: str, strict_key: str, shown: str | None) -> None:
    async def scenario(intake: Intake) -> None:
        response = await ask(intake, "/v1/p", PAGE, key=shown)
        assert (response.status, response.json["code"]) == (401, "invalid_write_key")
        assert response.json["message"]

    with_intake(scenario)
    assert (stored(), waiting()) == ([], [])


def test_a_revoked_key_is_refused_when_it_is_no_longer_remembered(key: str) -> None:
    async def scenario(intake: Intake) -> None:
        assert (await ask(intake, "/v1/p", PAGE, key=key)).status == 200
        await asyncio.to_thread(revoke)
        await asyncio.sleep(0.1)
        assert (await ask(intake, "/v1/p", PAGE, key=key)).status == 401

    def revoke() -> None:
        from django.db import connection

        with transaction() as cursor:
            [summary] = list_sources(cursor, since=NOON)
            revoke_key(cursor, summary.keys[0].id, at=NOON)
        connection.close()

    with_intake(scenario, fresh_seconds=0.05)


def test_a_new_schema_takes_effect_without_a_restart(key: str) -> None:
    def describe() -> None:
        from django.db import connection

        with transaction() as cursor:
            set_schema(cursor, "Chair Reserved", {"required": ["chair"]}, at=NOON, actor="anna")
        connection.close()

    async def scenario(intake: Intake) -> None:
        message = {"event": "Chair Reserved", "userId": "u"}
        await ask(intake, "/v1/t", message, key=key)
        await asyncio.to_thread(describe)
        await asyncio.sleep(0.3)
        await ask(intake, "/v1/t", message, key=key)

    with_intake(scenario, fresh_seconds=0.05)
    assert len(stored()) == 1
    assert [refusal.reason for refusal in waiting()] == ["schema"]


def test_gzip_and_plain_text(key: str) -> None:
    async def scenario(intake: Intake) -> None:
        body = msgspec.json.encode({"batch": [PAGE], "writeKey": key})
        assert (await ask(intake, "/v1/b", gzip.compress(body), headers={b"content-encoding": b"gzip"})).status == 200
        assert (await ask(intake, "/v1/b", body, headers={b"content-type": b"text/plain;charset=UTF-8"})).status == 200
        assert (await ask(intake, "/v1/b", b"\x1f\x8b", headers={b"content-encoding": b"gzip"}, key=key)).status == 400
        bomb = gzip.compress(b" " * 50_000_000)
        assert (await ask(intake, "/v1/b", bomb, headers={b"content-encoding": b"gzip"}, key=key)).status == 400

    with_intake(scenario)
    assert len(stored()) == 1


@pytest.mark.parametrize(
    ("path", "body", "lenient", "strict", "reasons"),
    [
        ("/v1/p", b"{", 400, 400, ["invalid_json"]),
        ("/v1/b", b"{", 400, 400, ["invalid_json"]),
        ("/v1/b", b"[]", 400, 400, ["invalid_message"]),
        ("/v1/b", b'{"batch":null}', 400, 400, ["invalid_message"]),
        ("/v1/b", b'{"batch":[]}', 200, 400, []),
        ("/v1/p", b"{}", 200, 400, ["no_identity"]),
        ("/v1/t", b'{"userId":"u"}', 200, 400, ["no_event_name"]),
        ("/v1/t", b'{"userId":"u","event":"Order Completed"}', 200, 400, ["schema"]),
        ("/v1/p", b'{"userId":"u","x":"%s"}' % (b"y" * 33_000), 400, 413, ["too_large"]),
        ("/v1/b", b'{"batch":[{"type":"page","userId":"u","x":"%s"}]}' % (b"y" * 33_000), 200, 413, ["too_large"]),
        ("/v1/b", b'{"batch":[{"type":"page"},{"type":"merge","userId":"u"}]}', 200, 400, ["no_identity", "unknown_type"]),
        ("/v1/b", b'{"batch":[%s1]}' % (b"{}," * 2_500), 200, 413, ["too_many"]),
        ("/v1/b", b'{"batch":[1],"x":"%s"}' % (b"y" * 500 * 1024), 400, 413, []),
        ("/v1/b", b'{"context":{"x":"%s"},"batch":[1%s]}' % (b"y" * 30_000, b",1" * 200), 400, 413, []),
    ],
)
def test_answers_of_both_modes(
    key: str, strict_key: str, path: str, body: bytes, lenient: int, strict: int, reasons: list[str]
) -> None:
    async def scenario(intake: Intake) -> None:
        for shown, status in ((key, lenient), (strict_key, strict)):
            response = await ask(intake, path, body, key=shown)
            assert response.status == status
            if status != 200:
                assert set(response.json) == {"success", "code", "message"}

    with_intake(scenario)
    assert stored() == []
    for source in ("shop", "till"):
        assert sorted({refusal.reason for refusal in waiting() if refusal.source == source}) == reasons


def test_in_a_batch_the_good_are_stored_and_the_bad_wait(key: str, strict_key: str) -> None:
    batch = {"batch": [PAGE, {"type": "page", "messageId": "bad"}, {**PAGE, "messageId": "n"}]}

    async def scenario(intake: Intake) -> None:
        assert (await ask(intake, "/v1/batch", batch, key=key)).status == 200
        response = await ask(intake, "/v1/batch", batch, key=strict_key)
        assert response.status == 400
        assert response.json["message"].startswith("1 of 3 messages were refused and 2 stored.")

    with_intake(scenario)
    assert len(stored()) == 4
    assert [(refusal.reason, msgspec.json.decode(refusal.body)["messageId"]) for refusal in waiting()] == [
        ("no_identity", "bad")
    ] * 2


def test_a_browser_may_ask_and_is_told_where_to_send(key: str) -> None:
    async def scenario(intake: Intake) -> None:
        preflight = await ask(intake, "/v1/t", method="OPTIONS", headers={b"origin": b"https://shop.example"})
        assert preflight.status == 204
        assert preflight.headers[b"access-control-allow-origin"] == b"*"
        assert {b"authorization", b"content-type"} <= set(preflight.headers[b"access-control-allow-headers"].split(b", "))
        path = f"/v1/projects/{key}/settings"
        assert is_intake_path(path)
        settings = await ask(intake, path, method="GET", headers={b"host": b"shop.example:8000"})
        destination = settings.json["integrations"]["Segment.io"]
        assert (destination["apiKey"], destination["apiHost"], destination["protocol"]) == (key, "shop.example:8000/v1", "http")
        assert (await ask(intake, "/v1/projects/sgw_x/settings", method="GET")).status == 404
        assert (await ask(intake, "/v1/track", method="GET")).status == 405
        assert (await ask(intake, "/v1/m", b"{}")).status == 200

    with_intake(scenario)


def test_under_pressure_clients_are_asked_to_come_back(key: str) -> None:
    async def scenario(intake: Intake) -> None:
        response = await ask(intake, "/v1/p", PAGE, key=key)
        assert (response.status, response.json["code"]) == (429, "too_many_requests")
        assert response.headers[b"retry-after"] == b"7"

    with_intake(scenario, limits=Limits(queued_messages=0, retry_after_seconds=7))
    assert stored() == []


def test_without_a_database_nothing_is_acknowledged_and_afterwards_everything(key: str) -> None:
    is_away = False

    def connect() -> Any:
        if is_away:
            raise psycopg.OperationalError("away")
        return _connect()

    def end_sessions() -> None:
        with _connect() as administration:
            administration.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'stamgast-intake' AND pid <> pg_backend_pid() AND datname = current_database()"
            )

    async def scenario(intake: Intake) -> None:
        nonlocal is_away
        assert (await ask(intake, "/v1/p", {**PAGE, "messageId": "before"}, key=key)).status == 200
        is_away = True
        await asyncio.to_thread(end_sessions)
        refused = await ask(intake, "/v1/p", {**PAGE, "messageId": "during"}, key=key)
        assert (refused.status, refused.headers[b"retry-after"]) == (503, b"1")
        patient = asyncio.create_task(ask(intake, "/v1/p", {**PAGE, "messageId": "across"}, key=key))
        await asyncio.sleep(0.1)
        is_away = False
        assert (await patient).status == 200
        assert (await ask(intake, "/v1/p", {**PAGE, "messageId": "during"}, key=key)).status == 200

    with_intake(scenario, connect=connect, patience_seconds=0.5)
    assert len(stored()) == 3


def test_a_poisoned_request_does_not_fail_its_neighbours(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from stamgast.activities import writer

    store = writer.store

    def store_or_fail(cursor: Any, activities: Any, refusals: Any) -> Any:
        if any("poison" in activity.body for activity in activities):
            raise psycopg.DataError("poison")
        return store(cursor, activities, refusals)

    monkeypatch.setattr(writer, "store", store_or_fail)

    async def scenario(intake: Intake) -> None:
        names = ["a", "poison", "b", "c"]
        responses = await asyncio.gather(*(ask(intake, "/v1/p", {**PAGE, "messageId": name}, key=key) for name in names))
        assert [response.status for response in responses] == [200, 500, 200, 200]

    with_intake(scenario)
    assert len(stored()) == 3


def test_stopping_commits_what_was_taken(key: str) -> None:
    async def run() -> list[Response]:
        async with running() as intake:
            await ask(intake, "/v1/p", PAGE, key=key)
            tasks = [asyncio.create_task(ask(intake, "/v1/p", {**PAGE, "messageId": str(n)}, key=key)) for n in range(50)]
            await asyncio.sleep(0)
        return await asyncio.gather(*tasks)

    assert [response.status for response in asyncio.run(run())] == [200] * 50
    assert len(stored()) == 51


def test_the_same_messages_at_once_from_many_clients_are_stored_once(key: str) -> None:
    batch = {"batch": [{**PAGE, "messageId": str(n)} for n in range(100)]}

    async def run() -> None:
        async with running() as one, running() as two:
            asked = [ask(intake, "/v1/b", batch, key=key) for intake in (one, two) for _ in range(10)]
            assert {response.status for response in await asyncio.gather(*asked)} == {200}

    asyncio.run(run())
    assert len(stored()) == 100


def test_who_guesses_keys_keeps_nobody_out_who_has_one(key: str) -> None:
    async def scenario(intake: Intake) -> None:
        assert (await ask(intake, "/v1/page", PAGE, key=key)).status == 200
        await asyncio.sleep(0.03)  # so that the key has to be asked for again
        guesses = [ask(intake, "/v1/page", PAGE, key=f"sgw_{number}") for number in range(300)]
        *answers, own = await asyncio.gather(*guesses, ask(intake, "/v1/page", PAGE, key=key))
        assert {answer.status for answer in answers} == {401, 503}
        assert own.status == 200

    with_intake(scenario, fresh_seconds=0.02)
