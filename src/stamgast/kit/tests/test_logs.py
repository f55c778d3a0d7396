import asyncio
import json
import subprocess
import sys

import pytest

from stamgast.kit.logs import describe, with_request_id, without_path

PROGRAM = """
import logging, psycopg, structlog
from stamgast.kit.logs import configure
configure("info")
log = structlog.get_logger("x")
log.info("started", port=8000)
log.debug("unseen")
logging.getLogger("django.request").error("Internal Server Error: %s", "/v1/customers/email:ada@example.org")
logging.getLogger("other").warning("library says %s", "hello")
try:
    try:
        raise psycopg.errors.UniqueViolation("Key (email)=(ada@example.org) already exists")
    except psycopg.Error as error:
        raise ValueError("could not store") from error
except ValueError:
    log.exception("failed")
"""


def test_lines_are_json_on_standard_error_without_personal_data() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(line["level"], line["event"]) for line in lines] == [
        ("info", "started"),
        ("error", "Internal Server Error"),
        ("warning", "library says hello"),
        ("error", "failed"),
    ]
    assert lines[0]["port"] == 8000
    assert all(line["timestamp"].endswith("Z") for line in lines)
    assert "ada@example.org" not in done.stderr
    assert "ValueError: could not store" in lines[3]["exception"]
    assert "psycopg.errors.UniqueViolation 23505" in lines[3]["exception"]


def test_description_of_an_error_that_suppressed_its_cause_leaves_it_out() -> None:
    try:
        try:
            raise KeyError("secret")
        except KeyError:
            raise ValueError("plain") from None
    except ValueError as error:
        text = describe(error)
    assert text.endswith("builtins.ValueError: plain")
    assert "secret" not in text


def test_only_djangos_lines_lose_their_path() -> None:
    assert without_path(None, "", {"logger": "django.request", "event": "Not Found: /x"})["event"] == "Not Found"
    assert without_path(None, "", {"logger": "shop", "event": "a: b"})["event"] == "a: b"


@pytest.mark.parametrize(
    ("given", "kept"),
    [(b"abc-123_4.5", True), (b"short", False), (b"x" * 129, False), (b"spaces in it", False), (b"new\nline-here", False)],
)
def test_request_id_is_taken_over_when_decent_and_answered(given: bytes, kept: bool) -> None:
    sent = []

    async def application(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
        await send({"type": "http.response.body", "body": b""})

    async def send(message) -> None:
        sent.append(message)

    asyncio.run(with_request_id(application)({"type": "http", "headers": [(b"x-request-id", given)]}, None, send))
    headers = dict(sent[0]["headers"])
    assert headers[b"a"] == b"b"
    assert (headers[b"x-request-id"] == given) is kept
    assert len(headers[b"x-request-id"]) == (len(given) if kept else 32)
