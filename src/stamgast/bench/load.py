"""The client of measurements: requests made beforehand, sent over plain sockets to this machine only, bounded in time."""

import asyncio
import base64
import random
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

import msgspec

from stamgast.bench.scratch import BenchFailed


@dataclass(frozen=True, slots=True)
class Load:
    """What a load did: requests answered with 200, in how many seconds, each in how many milliseconds."""

    requests: int
    seconds: float
    milliseconds: Sequence[float]

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


class _Connection(asyncio.Protocol):
    """Sends one request after the other, each when the one before it is answered."""

    def __init__(self, requests: Iterator[bytes], until: float, milliseconds: list[float]) -> None:
        self._requests = requests
        self._until = until
        self._milliseconds = milliseconds
        self._received = b""
        self._began = 0.0
        self._transport: asyncio.Transport | None = None
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send_next()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator:
            return
        length = re.search(rb"content-length: *([0-9]+)", head, re.IGNORECASE)
        if length is None or len(body) < int(length[1]):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self._end(BenchFailed(f"A request was answered with {head[9:12].decode()}: {body[:200].decode()}"))
            return
        self._milliseconds.append((time.perf_counter() - self._began) * 1000)
        self._received = b""
        self._send_next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(BenchFailed("The web process closed a connection."))

    def _send_next(self) -> None:
        request = next(self._requests, None) if time.perf_counter() < self._until else None
        if request is None or self._transport is None:
            self._end(None)
            return
        self._began = time.perf_counter()
        self._transport.write(request)

    def _end(self, error: BenchFailed | None) -> None:
        if not self.finished.done():
            self.finished.set_exception(error) if error is not None else self.finished.set_result(None)
        if self._transport is not None:
            self._transport.close()


async def drive(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Load:
    """Sends the requests over so many connections, until they are all sent or the time is up."""
    milliseconds: list[float] = []
    began = time.perf_counter()
    queue = iter(requests)
    opened = [
        await asyncio.get_running_loop().create_connection(
            lambda: _Connection(queue, began + seconds, milliseconds), "127.0.0.1", port
        )
        for _ in range(connections)
    ]
    await asyncio.wait_for(asyncio.gather(*(client.finished for _, client in opened)), seconds + 60)
    return Load(len(milliseconds), time.perf_counter() - began, milliseconds)


def request(path: str, write_key: str, body: bytes) -> bytes:
    """A whole request as bytes."""
    authorization = base64.b64encode(f"{write_key}:".encode()).decode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Basic {authorization}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def batch_of(messages: Sequence[Mapping[str, Any]]) -> bytes:
    """The body of a batch."""
    return msgspec.json.encode({"batch": messages, "sentAt": "2026-01-01T00:00:01Z"})


def message(chance: random.Random) -> dict[str, Any]:
    """An order as a shop's plug-in sends it: about 700 bytes, two lines."""
    lines = [
        {
            "product_id": str(chance.randrange(20_000)),
            "sku": f"SKU-{chance.randrange(20_000)}",
            "category": chance.choice(("coffee", "bread", "cheese", "flowers")),
            "name": "A product with a name of ordinary length",
            "price": chance.randrange(100, 5_000) / 100,
            "quantity": chance.randrange(1, 4),
        }
        for _ in range(2)
    ]
    return {
        "type": "track",
        "event": "Order Completed",
        "messageId": f"bench-{chance.getrandbits(96):024x}",
        "userId": str(chance.randrange(200_000)),
        "anonymousId": f"{chance.getrandbits(128):032x}",
        "timestamp": "2026-01-01T00:00:00.123Z",
        "context": {"library": {"name": "analytics-bench", "version": "1.0.0"}, "ip": "192.0.2.7", "locale": "nl-NL"},
        "properties": {
            "order_id": f"{chance.getrandbits(48):012x}",
            "revenue": chance.randrange(100, 20_000) / 100,
            "currency": "EUR",
            "products": lines,
        },
    }


def percentiles(milliseconds: Sequence[float]) -> dict[str, float]:
    """The three that every measurement prints."""
    cuts = quantiles(milliseconds, n=100) if len(milliseconds) > 1 else [0.0] * 99
    return {"p50_ms": round(cuts[49], 2), "p95_ms": round(cuts[94], 2), "p99_ms": round(cuts[98], 2)}
