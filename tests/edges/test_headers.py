"""Every address of the product, as the web process answers it: what a browser is told, and how cookies travel."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from django.urls import URLResolver, get_resolver

from stamgast.access.operations import create_staff
from stamgast.activities import intake
from stamgast.asgi import application
from stamgast.kit.clock import utc_now
from stamgast.kit.database import transaction

PASSWORD = "three blue herons at dawn"
OTHERS = ("/healthz", "/readyz", "/metrics", "/v1/track", "/v1/batch", "/v1/p", "/nowhere", "/v1/nowhere")
WANTED = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
LOOSE = ("unsafe-inline", "unsafe-eval", "*", "http:", "https:", "blob:")


def addresses(prefix: str = "", patterns: list[Any] | None = None) -> Iterator[str]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from addresses(f"{prefix}{pattern.pattern}", pattern.url_patterns)
        elif pattern.name != "api-root":
            route = re.sub(r"<uuid:\w+>", "00000000-0000-0000-0000-000000000001", f"/{prefix}{pattern.pattern}")
            yield re.sub(r"<int:\w+>", "1", re.sub(r"<(?:\w+:)?\w+>", "none", route))


async def ask_all(asked: list[str], cookie: str) -> dict[str, tuple[int, dict[str, list[str]]]]:
    try:
        return {address: await ask(address, cookie) for address in asked}
    finally:
        await intake.shutdown()  # the first request to it started it


async def ask(address: str, cookie: str) -> tuple[int, dict[str, list[str]]]:
    path, _mark, query = address.partition("?")
    sent: list[Any] = []

    asked: list[bool] = []

    async def receive() -> dict[str, Any]:
        if asked:
            await asyncio.Event().wait()  # whoever asked stays
        asked.append(True)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "http_version": "1.1", "method": "GET", "path": path, "raw_path": path.encode(), "root_path": "",
        "query_string": query.encode(), "scheme": "http", "server": ("testserver", 80), "client": ("127.0.0.1", 1),
        "headers": [(b"host", b"localhost"), *([(b"cookie", cookie.encode())] if cookie else [])],
    }  # fmt: skip
    await application(scope, receive, send)
    headers: dict[str, list[str]] = {}
    for name, value in sent[0]["headers"]:
        headers.setdefault(bytes(name).decode().lower(), []).append(bytes(value).decode())
    return sent[0]["status"], headers


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("who", ["visitor", "owner"])
def test_every_answer_tells_the_browser_what_to_trust(who: str) -> None:
    cookie = ""
    if who == "owner":
        client = Client()
        with transaction() as cursor:
            create_staff(cursor, email="o@example.org", name="O", password=PASSWORD, at=utc_now(), actor="test")
        client.post("/sign-in", {"email": "o@example.org", "password": PASSWORD})
        cookie = f"sessionid={client.cookies['sessionid'].value}"
    wrong, seen = [], set()
    for address, (status, headers) in async_to_sync(ask_all)([*addresses(), *OTHERS], cookie).items():
        seen.add(status)
        for name, value in WANTED.items():
            if headers.get(name) != [value]:
                wrong.append(f"{address}: {name} {headers.get(name)}")
        (policy,) = headers.get("content-security-policy", [""])
        is_strict = "default-src 'self'" in policy or "default-src 'none'" in policy
        if not is_strict or ("frame-ancestors 'none'" in policy and any(word in policy.split() for word in LOOSE)):
            wrong.append(f"{address}: content-security-policy {policy}")
    assert wrong == []
    assert {200, 302, 401, 404, 405} <= seen


@pytest.mark.django_db
def test_cookies_are_for_this_site_and_not_for_scripts(client: Client) -> None:
    with transaction() as cursor:
        create_staff(cursor, email="o@example.org", name="O", password=PASSWORD, at=utc_now(), actor="test")
    client.get("/sign-in")
    client.post("/sign-in", {"email": "o@example.org", "password": PASSWORD})
    client.post("/language", {"language": "nl"})
    assert set(client.cookies) == {"csrftoken", "sessionid", "django_language"}
    for cookie in client.cookies.values():
        assert (cookie["samesite"], cookie["httponly"]) == ("Lax", True), cookie.key


PRINT = """
from stamgast.settings import *
print(SESSION_COOKIE_SECURE, CSRF_COOKIE_SECURE, SECURE_HSTS_SECONDS)
import stamgast.asgi
print(dict(stamgast.asgi.GUARDS).get(b"strict-transport-security"))
"""


@pytest.mark.parametrize(
    ("is_https", "expected"), [("1", ["True True 31536000", "b'max-age=31536000'"]), ("0", ["False False 0", "None"])]
)
def test_behind_tls_browsers_use_nothing_else(is_https: str, expected: list[str]) -> None:
    environment = os.environ | {"STAMGAST_HTTPS": is_https, "DJANGO_SETTINGS_MODULE": "stamgast.settings"}
    done = subprocess.run([sys.executable, "-c", PRINT], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == expected


@pytest.mark.django_db
def test_a_new_secret_signs_nobody_out_while_the_old_one_is_named(client: Client, settings: Any) -> None:
    old, new = "the-old-secret-" * 5, "the-new-secret-" * 5
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = old, []
    with transaction() as cursor:
        create_staff(cursor, email="o@example.org", name="O", password=PASSWORD, at=utc_now(), actor="test")
    client.post("/sign-in", {"email": "o@example.org", "password": PASSWORD})
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = new, [old]
    assert client.get("/account").status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert client.get("/account").status_code == 200, "the session moved to the new secret when it was used"
    settings.SECRET_KEY = "a-third-secret-" * 5
    assert client.get("/account").status_code == 302, "control: a secret that is not named opens nothing"
