"""One attempt to deliver: where the name leads is looked at, then the event is sent there and nowhere else.

The address that was looked at is the one that is connected to, so that a name which answers differently the second time
leads nowhere. The certificate and the Host header are still those of the name. No proxy of the environment stands between.
"""

import asyncio
import contextlib
import socket
import ssl
from datetime import datetime

import httpx

from stamgast import __version__
from stamgast.webhooks.rules import headers_of, may_reach
from stamgast.webhooks.types import Outcome, Parcel, Reach

TOTAL_SECONDS = 15.0
CONNECT_SECONDS = 5.0
READ_SECONDS = 2.0
LARGEST_RESPONSE_BYTES = 1024
HEADERS = {
    "content-type": "application/json",
    "accept-encoding": "identity",
    "user-agent": f"Stamgast/{__version__} (webhooks)",
}


class TargetRefused(Exception):
    """The name leads to an address to which nothing is sent."""


def open_client() -> httpx.AsyncClient:
    """Each request has a connection of its own: one that was kept would be found by address and not by name."""
    return httpx.AsyncClient(
        verify=httpx.create_ssl_context(trust_env=True),  # SSL_CERT_FILE may name an authority of the company's own
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(TOTAL_SECONDS, connect=CONNECT_SECONDS),
        limits=httpx.Limits(max_keepalive_connections=0),
    )


async def send(client: httpx.AsyncClient, parcel: Parcel, *, reach: Reach, at: datetime) -> Outcome:
    """Sends, and says what became of it; never raises. Ends within ``TOTAL_SECONDS``, whatever the receiver does."""
    if not parcel.secrets:
        return Outcome(None, "secret_lost", "", 0)
    began = asyncio.get_running_loop().time()
    status, problem, response = None, "", b""
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            status, response = await _send(client, parcel, reach, at)
    except (TimeoutError, httpx.TimeoutException):
        problem = "timed_out"
    except TargetRefused:
        problem = "target_refused"
    except socket.gaierror:
        problem = "no_address"
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        problem = "tls_failed" if _is_tls(error) else "unreachable"
    milliseconds = round((asyncio.get_running_loop().time() - began) * 1000)
    text = response[:LARGEST_RESPONSE_BYTES].decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    return Outcome(status, problem, text, milliseconds)


async def _send(client: httpx.AsyncClient, parcel: Parcel, reach: Reach, at: datetime) -> tuple[int, bytes]:
    url = httpx.URL(parcel.url)
    headers = {
        **HEADERS,
        **headers_of(parcel.event_id, parcel.body, parcel.secrets, at),
        "host": url.netloc.decode("ascii"),
    }
    addresses = await _look_up(url, reach)
    for left, address in reversed(list(enumerate(reversed(addresses)))):
        request = client.build_request(
            "POST",
            url.copy_with(host=address),
            content=parcel.body.encode(),
            headers=headers,
            extensions={"sni_hostname": url.raw_host.decode("ascii")},
        )
        try:
            answer = await client.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            if not left:
                raise
            continue
        return answer.status_code, await _read(answer)
    raise TargetRefused


async def _look_up(url: httpx.URL, reach: Reach) -> list[str]:
    """The addresses of the name, all of which must be allowed."""
    port = url.port or (443 if url.scheme == "https" else 80)
    found = await asyncio.get_running_loop().getaddrinfo(url.raw_host.decode("ascii"), port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(row[4][0]) for row in found))
    if not all(may_reach(address, reach) for address in addresses):
        raise TargetRefused
    return addresses


async def _read(answer: httpx.Response) -> bytes:
    """The beginning of the answer. That it is slow or broken changes nothing: the status has been said."""
    body = b""
    with contextlib.suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(READ_SECONDS):
            async for part in answer.aiter_raw():
                body += part
                if len(body) >= LARGEST_RESPONSE_BYTES:
                    break
    with contextlib.suppress(httpx.HTTPError, OSError):
        await answer.aclose()
    return body


def _is_tls(error: BaseException) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
