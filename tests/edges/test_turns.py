"""How often a request goes from the event loop to a thread: each time it waits for the interpreter."""

import asyncio
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from asgiref.sync import SyncToAsync, async_to_sync
from django.core.handlers.asgi import ASGIHandler

from stamgast.asgi import django

MOST_TURNS = 5
"""Middleware and view in one, and what Django does before and after: begin, end, give back the connection."""
SCOPE = {
    "type": "http",
    "method": "GET",
    "path": "/v1/customers",
    "query_string": b"",
    "headers": [(b"host", b"localhost")],
    "client": ("127.0.0.1", 1),
}


async def ask(handler: Callable[..., Any]) -> tuple[int, int]:
    """The status of the answer, and how many turns it took."""
    turns, sent, asked = list[object](), list[dict[str, Any]](), list[bool]()
    take_turn = SyncToAsync.__call__

    async def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        turns.append(self.func)
        return await take_turn(self, *args, **kwargs)

    async def receive() -> dict[str, Any]:
        if asked:
            await asyncio.Event().wait()  # whoever asked stays
        asked.append(True)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    with patch.object(SyncToAsync, "__call__", counted):
        await handler(dict(SCOPE), receive, send)
    return sent[0]["status"], len(turns)


@pytest.mark.django_db
def test_middleware_and_view_are_one_turn_of_one_thread() -> None:
    status, turns = async_to_sync(ask)(django)
    assert (status, turns <= MOST_TURNS) == (401, True), turns


@pytest.mark.django_db
def test_adapted_one_by_one_they_would_be_many() -> None:
    status, turns = async_to_sync(ask)(ASGIHandler())
    assert (status, turns > 3 * MOST_TURNS) == (401, True), turns
