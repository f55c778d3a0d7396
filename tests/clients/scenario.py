"""What every SDK is made to send, and what must then be stored: one script for all of them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from tests.clients.conftest import Server

WHEN = datetime.now(UTC).replace(microsecond=123_000) - timedelta(days=2)
PROPERTIES = {
    "order_id": "50314b8e",
    "revenue": 25.1,
    "currency": "EUR",
    "coupon": None,
    "note": "Zoë zei: “lekker” ☕",
    "products": [
        {"product_id": "507f1f77", "sku": "45790-32", "category": "tea", "price": 19.05, "quantity": 1},
        {"product_id": "505bd76785ebb509fc183733", "category": "cups", "price": 3.025, "quantity": 2},
    ],
}
TRAITS = {"email": "Zoe@Example.org", "name": "Zoë", "age": 42, "address": {"city": "Breda"}}
ORDER_AMOUNT_MINOR = 2510


@dataclass(frozen=True)
class Stored:
    """One row, as it came out of the database."""

    id: str
    type: str
    kind: str
    identifiers: list[str]
    occurred_at: datetime
    received_at: datetime
    order_id: str | None
    amount_minor: int | None
    line_count: int
    body: dict[str, Any]

    @property
    def traits(self) -> dict[str, Any]:
        """Where the protocol allows them: in ``traits`` or in ``context.traits``."""
        return {**(self.body["context"].get("traits") or {}), **(self.body.get("traits") or {})}


def stored(server: Server) -> list[Stored]:
    rows = server.query(
        "SELECT id::text, type, kind, identifiers::text, occurred_at, received_at, order_id, amount_minor, line_count, body "
        "FROM activities_activity ORDER BY id"
    )
    return [Stored(*row[:3], msgspec.json.decode(row[3]), *row[4:9], msgspec.json.decode(row[9])) for row in rows]


def refusals(server: Server) -> list[str]:
    return [reason for (reason,) in server.query("SELECT reason FROM activities_refusal ORDER BY id")]


def check(
    server: Server, *, types: tuple[str, ...], anonymous_id: str | None = None, when: datetime | None = WHEN
) -> dict[str, Stored]:
    """That what was sent is what is stored, of each type once, and nothing was refused."""
    assert refusals(server) == []
    rows = stored(server)
    by_type = {row.type: row for row in rows}
    assert sorted(row.type for row in rows) == sorted(types)
    for row in rows:
        assert row.body["messageId"]
        assert "writeKey" not in row.body
        if when is not None:
            assert datetime.fromisoformat(row.body.get("timestamp") or row.body["originalTimestamp"]) == when
            # Corrected by how long the request was under way and nothing more: both clocks are this machine's.
            assert when <= row.occurred_at <= when + timedelta(seconds=30)
        else:
            assert row.received_at - timedelta(seconds=60) <= row.occurred_at <= row.received_at
    track = by_type["track"]
    assert (track.kind, track.order_id, track.amount_minor) == ("Order Completed", "50314b8e", ORDER_AMOUNT_MINOR)
    assert track.line_count == 2
    assert track.body["properties"] == PROPERTIES
    assert track.identifiers[0] == "user_id:900"
    identify = by_type["identify"]
    assert identify.identifiers[:2] == ["user_id:900", "email:zoe@example.org"]
    assert TRAITS.items() <= identify.traits.items()
    if anonymous_id is not None:
        assert f"anonymous_id:{anonymous_id}" in identify.identifiers
    if "page" in by_type:
        assert by_type["page"].body["name"] == "Home"
    if "screen" in by_type:
        assert by_type["screen"].body["name"] == "Basket"
    if "group" in by_type:
        assert by_type["group"].body["groupId"] == "regulars"
    if "alias" in by_type:
        mine = [name for name in by_type["alias"].identifiers if name != f"anonymous_id:{anonymous_id}"]
        assert mine == ["user_id:900", "user_id:guest-7", "anonymous_id:guest-7"]
    return by_type
