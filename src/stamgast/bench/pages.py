"""How fast the console's pages are in a shop of a million customers and 50 million activities.

A real web process and a signed-in reader, one request after the other as a reader makes them, each page many times with
other customers. The figures are those of all pages together; ``pages`` has the 95th percentile of each, and the target
holds for the slowest. The baseline is the no-op ``/healthz`` of the same process in the same minute.
"""

import asyncio
import http.client
import random
import re
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import psycopg

from stamgast.access.operations import create_staff
from stamgast.access.types import Role
from stamgast.bench import big_shop
from stamgast.bench.load import drive, percentiles
from stamgast.bench.profile import read_nothing
from stamgast.bench.scratch import BenchFailed, scratch_database, web_process
from stamgast.flows.export_lake import DATASETS, lake_folder
from stamgast.kit.ids import derive_id
from stamgast.lake.export import export

TARGET_P95_MS = 200
EMAIL, PASSWORD = "bench@example.org", "a-long-word-for-the-bench-only"
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


def run(*, times: int = 40, customers: int = big_shop.CUSTOMERS) -> dict[str, Any]:
    """Makes the shop and its lake, which takes most of the time, and measures."""
    with scratch_database() as url:
        big_shop.make(url, customers=customers, at=datetime.now(UTC), progress=big_shop.say)
        big_shop.say("lake")
        export(url, lake_folder(), DATASETS, at=datetime.now(UTC))
        return measure(url, customers, times)


def measure(url: str, customers: int, times: int) -> dict[str, Any]:
    """On a shop that is there, with its lake in the data folder."""
    by_page: dict[str, list[float]] = {}
    seconds = 0.0
    with web_process(url) as port:
        cookies = _sign_in(url, port)
        for name, paths in _pages(customers, times).items():
            requests = [f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncookie: {cookies}\r\n\r\n".encode() for path in paths]
            asyncio.run(drive(port, requests[:2], 1, 120.0))  # what the first reader of the day waits for is told apart
            read = asyncio.run(drive(port, requests[2:], 1, 120.0))
            by_page[name] = list(read.milliseconds)
            seconds += read.seconds
        noop = read_nothing(port, 1)
    everything = [time for times_of_page in by_page.values() for time in times_of_page]
    slowest = {name: percentiles(times_of_page)["p95_ms"] for name, times_of_page in by_page.items()}
    rate = len(everything) / seconds
    return {
        "name": "pages",
        "unit": "pages",
        "throughput_per_second": round(rate, 1),
        **percentiles(everything),
        "baseline": round(noop.rate),
        "baseline_name": "GET /healthz on the same process, requests a second",
        "ratio": round(rate / noop.rate, 5),
        "target_p95_ms": TARGET_P95_MS,
        "slowest_p95_ms": max(slowest.values()),
        "pages": dict(sorted(slowest.items(), key=lambda item: -item[1])),
        "customers": customers,
        "activities": customers * big_shop.ACTIVITIES_EACH,
    }


def _pages(customers: int, times: int) -> dict[str, list[str]]:
    """Each page with the addresses that it is asked under."""
    chance = random.Random("pages")
    some = [chance.randint(1, customers) for _ in range(times + 2)]
    ids = [derive_id("customer", f"user_id:{number}") for number in some]
    fixed = {
        "home": "/", "measures": "/measures", "live": "/live", "customers": "/customers", "segments": "/segments",
        "segment": "/segments/loyal-customers", "programme": "/programme", "sources": "/sources", "source": "/sources/1",
        "refusals": "/sources/refusals", "kinds": "/sources/kinds", "identity": "/sources/identity", "webhooks": "/webhooks",
        "retention": "/insights/retention", "cohorts": "/insights/cohorts", "repeat purchase": "/insights/repeat-purchase",
        "best customers": "/insights/best-customers", "staff": "/staff", "keys": "/keys", "trail": "/trail",
        "erasures": "/erasures", "till": "/till", "account": "/account", "views": "/customers/views",
        "filtered": "/customers?segment=loyal-customers&at_least=100&seen_from=2026-01-01", "duplicates": "/duplicates",
        "every column": "/customers?columns=segments,score,orders,spend,last_seen,first_seen,last_source,id.email",
        "segment over a year": "/segments/loyal-customers?weeks=52",
        "members": "/segments/loyal-customers/members", "changes": "/segments/loyal-customers/changes",
        "traits": "/traits", "uploads": "/sources/uploads", "swallowers": "/sources/identity/swallowers",
    }  # fmt: skip
    return {
        **{name: [path] * (times + 2) for name, path in fixed.items()},
        "customers by e-mail": [f"/customers?{urlencode({'search': f'shopper{number}@'})}" for number in some],
        "customers by first name": [f"/customers?{urlencode({'search': chance.choice(big_shop.NAMES)})}" for _ in some],
        "customers by a letter": [f"/customers?{urlencode({'search': chance.choice('abs1')})}" for _ in some],
        "profile": [f"/customers/{customer}" for customer in ids],
        "how we know": [f"/customers/{customer}/links" for customer in ids],
        "consents": [f"/customers/{customer}/consents" for customer in ids],
        "timeline": [f"/customers/{customer}/timeline" for customer in ids],
        "timeline of a kind": [f"/customers/{customer}/timeline?kind=Order+Completed" for customer in ids],
        "traits of a customer": [f"/customers/{customer}/traits" for customer in ids],
    }


def _sign_in(url: str, port: int) -> str:
    """The cookies of a person who signed in as people do."""
    with psycopg.connect(url) as database, database.cursor() as cursor:
        create_staff(cursor, email=EMAIL, name="Bench", password=PASSWORD, role=Role.OWNER, at=datetime.now(UTC), actor="bench")
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", "/sign-in")
        answer = connection.getresponse()
        found = TOKEN.search(answer.read().decode())
        cookies = _cookies(answer)
        if found is None:
            raise BenchFailed("The sign-in page has no form.")
        form = urlencode({"csrfmiddlewaretoken": found[1], "email": EMAIL, "password": PASSWORD, "next": "/"})
        headers = {"Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/sign-in", form, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 302:
            raise BenchFailed(f"The bench could not sign in: {answer.status}.")
        return _cookies(answer)


def _cookies(answer: http.client.HTTPResponse) -> str:
    return "; ".join(value.partition(";")[0] for name, value in answer.getheaders() if name.lower() == "set-cookie")
