"""One attempt against a real receiver that behaves, fails, is slow, leads elsewhere or is not there."""

import asyncio
import contextlib
import json
import socket
import ssl
import threading
import time
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from uuid import UUID

import pytest
import trustme
from standardwebhooks.webhooks import Webhook

from stamgast.webhooks import sending
from stamgast.webhooks.rules import body_of, format_secret
from stamgast.webhooks.tests.receiver import Receiver, receiving
from stamgast.webhooks.types import Outcome, Parcel, Reach

SECRET, FORMER = format_secret(bytes([1]) * 32), format_secret(bytes([2]) * 32)
LOCAL = Reach((ip_network("127.0.0.0/8"), ip_network("::1")))
EVENT = UUID(int=7)


def send(url: str, reach: Reach = LOCAL, secrets: tuple[str, ...] = (SECRET, FORMER)) -> Outcome:
    now = datetime.now(UTC)
    body = body_of(EVENT, "segment.entered", now, {"customer_id": str(UUID(int=9)), "segment": "loyal-customers"})
    parcel = Parcel(1, UUID(int=2), UUID(int=3), EVENT, "segment.entered", url, body, 0, secrets)

    async def run() -> Outcome:
        async with sending.open_client() as client:
            return await sending.send(client, parcel, reach=reach, at=now)

    return asyncio.run(run())


def test_a_receiver_can_verify_what_it_gets(receiver: Receiver) -> None:
    receiver.answer(200, body=b"dank je")
    outcome = send(receiver.url.replace("127.0.0.1", "localhost") + "?shop=1")
    assert (outcome.status, outcome.problem, outcome.response, outcome.is_delivered) == (200, "", "dank je", True)
    [(headers, body)] = receiver.got
    for secret in (SECRET, FORMER):
        assert Webhook(secret).verify(body, headers)["type"] == "segment.entered"
    assert headers["webhook-id"] == str(EVENT)
    assert headers["host"] == receiver.url.replace("127.0.0.1", "localhost").split("/")[2]
    assert headers["content-type"] == "application/json"
    assert json.loads(body)["data"] == {"customer_id": str(UUID(int=9)), "segment": "loyal-customers"}


@pytest.mark.parametrize("status", [400, 401, 404, 410, 429, 500, 503])
def test_any_answer_but_success_is_a_failure(receiver: Receiver, status: int) -> None:
    receiver.answer(status)
    outcome = send(receiver.url)
    assert (outcome.status, outcome.is_delivered) == (status, False)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_nobody_is_followed_elsewhere(receiver: Receiver, status: int) -> None:
    with receiving() as elsewhere:
        receiver.answer(status, location=elsewhere.url)
        outcome = send(receiver.url)
        assert (outcome.status, outcome.is_delivered, elsewhere.got) == (status, False, [])


def test_a_kilobyte_of_an_answer_is_kept(receiver: Receiver) -> None:
    receiver.answer(500, body=b"\0" + b"x" * 1_000_000)
    outcome = send(receiver.url)
    assert (outcome.status, len(outcome.response)) == (500, 1024)
    assert "\0" not in outcome.response


def test_who_does_not_answer_in_time_has_not_answered(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "TOTAL_SECONDS", 0.3)
    receiver.answer(200, seconds=20)
    outcome = send(receiver.url)
    assert (outcome.status, outcome.problem) == (None, "timed_out")
    assert 250 < outcome.milliseconds < 5_000


def test_who_drips_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte at a time would never meet a limit between bytes."""
    monkeypatch.setattr(sending, "TOTAL_SECONDS", 0.5)
    outcome = against(lambda connection: [connection.sendall(b"H") or time.sleep(0.05) for _ in range(200)])
    assert (outcome.status, outcome.problem) == (None, "timed_out")


def test_a_slow_body_after_the_status_is_still_success(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "READ_SECONDS", 0.2)

    def answer(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegun")
        time.sleep(1)

    outcome = against(answer)
    assert (outcome.status, outcome.problem, outcome.response, outcome.is_delivered) == (200, "", "begun", True)


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 banana\r\n\r\n"])
def test_who_speaks_no_http_is_not_reached(said: bytes) -> None:
    assert against(lambda connection: connection.sendall(said)).problem == "unreachable"


def against(answer) -> Outcome:
    """Sends to a socket that reads the request and then does as it likes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                with contextlib.suppress(OSError):  # who asked has given up
                    answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        outcome = send(f"http://127.0.0.1:{server.getsockname()[1]}/")
        thread.join()
    return outcome


def test_nothing_is_sent_unsigned(receiver: Receiver) -> None:
    assert send(receiver.url, secrets=()).problem == "secret_lost"
    assert receiver.got == []


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert send(f"http://127.0.0.1:{port}/").problem == "unreachable"
    assert send("https://no-such-name.invalid/").problem == "no_address"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_no_name_leads_into_the_own_network(receiver: Receiver, host: str) -> None:
    outcome = send(receiver.url.replace("127.0.0.1", host), Reach())
    assert (outcome.status, outcome.problem, receiver.got) == (None, "target_refused", [])


def test_a_name_is_asked_once_and_what_it_said_is_connected_to(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is public when it is looked at and leads home when it is connected to."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def answer(host, port, *arguments, **named):
        name = host.decode() if isinstance(host, bytes) else host
        if name != "rebinding.example":
            return real(host, port, *arguments, **named)
        asked.append(name)
        return real("192.0.2.1" if len(asked) > 1 else "127.0.0.1", port, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    outcome = send(receiver.url.replace("127.0.0.1", "rebinding.example"))
    assert (outcome.status, len(asked)) == (204, 1)
    assert receiver.got[0][0]["host"].startswith("rebinding.example:")
    assert send(receiver.url.replace("127.0.0.1", "rebinding.example")).problem == "target_refused"


def test_one_forbidden_address_among_others_forbids_the_name(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    port = int(receiver.url.split(":")[2].split("/")[0])
    rows = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("127.0.0.1", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: rows)
    assert send(f"http://mixed.example:{port}/").problem == "target_refused"
    assert receiver.got == []


def test_the_next_address_is_tried_where_the_first_refuses(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    port = int(receiver.url.split(":")[2].split("/")[0])
    rows = [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: rows)
    assert send(f"http://double.example:{port}/").status == 204


def test_a_proxy_of_the_environment_is_not_asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert send(receiver.url).status == 204


def test_the_certificate_must_be_that_of_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is made to an address; what must be proved and is asked for is still the name."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    monkeypatch.setattr(socket, "getaddrinfo", named_here(socket.getaddrinfo))
    asked: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("hooks.example").configure_cert(context)
    context.sni_callback = lambda _connection, name, _context: asked.append(name)
    with receiving(context) as receiver:
        port = receiver.url.split(":")[2].split("/")[0]
        assert send(f"https://hooks.example:{port}/").status == 204
        assert send(f"https://other.example:{port}/").problem == "tls_failed"
        monkeypatch.delenv("SSL_CERT_FILE")
        assert send(f"https://hooks.example:{port}/").problem == "tls_failed"
    assert asked == ["hooks.example", "other.example", "hooks.example"]
    assert len(receiver.got) == 1


def named_here(real):
    """Names that end in .example are on this machine."""

    def answer(host, port, *arguments, **named):
        name = host.decode() if isinstance(host, bytes) else host
        return real("127.0.0.1" if name.endswith(".example") else host, port, *arguments, **named)

    return answer
