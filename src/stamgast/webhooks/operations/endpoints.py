"""Endpoints: made, edited, switched off and on, removed, and their secrets. Each writes the trail."""

import contextlib
from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

import psycopg
from cryptography.fernet import InvalidToken

from stamgast.access.operations import record
from stamgast.access.sealing import is_sealed_by_present, seal, unseal
from stamgast.kit.database import Cursor
from stamgast.kit.ids import new_id
from stamgast.webhooks.errors import EndpointExists, EndpointNotFound
from stamgast.webhooks.queries import get_endpoint
from stamgast.webhooks.rules import FORMER_SECRET_KEPT_FOR, check_kinds, check_name, check_url, format_secret
from stamgast.webhooks.types import Endpoint, Reach, WhyOff


def create_endpoint(
    cursor: Cursor, *, name: str, url: str, kinds: Collection[str], reach: Reach, random: bytes, at: datetime, actor: str
) -> tuple[Endpoint, str]:
    """A new endpoint and its secret, which is shown this once. Raises InvalidEndpoint, EndpointExists."""
    name, url, wanted, secret = check_name(name), check_url(url, reach), check_kinds(kinds), format_secret(random)
    made = cursor.execute(
        """INSERT INTO webhooks_endpoint (id, name, url, kinds, secret, created_at, created_by, disabled_reason)
        VALUES (%s, %s, %s, %s, %s, %s, %s, '') ON CONFLICT (name) DO NOTHING RETURNING id""",
        (new_id(), name, url, wanted, seal(secret), at, actor),
    ).fetchone()
    if made is None:
        raise _exists(name)
    record(cursor, actor, "create webhook", f"webhook:{made[0]}", {"name": name, "url": url, "kinds": wanted}, at)
    return get_endpoint(cursor, made[0]), secret


def edit_endpoint(
    cursor: Cursor,
    endpoint_id: UUID,
    *,
    name: str,
    url: str,
    kinds: Collection[str],
    reach: Reach,
    at: datetime,
    actor: str,
    reason: str = "",
) -> Endpoint:
    """Another name, address or choice of events; what waits goes to the new address. Raises as ``create_endpoint``."""
    before = get_endpoint(cursor, endpoint_id)
    name, url, wanted = check_name(name), check_url(url, reach), check_kinds(kinds)
    try:
        with cursor.connection.transaction():
            cursor.execute(
                "UPDATE webhooks_endpoint SET name = %s, url = %s, kinds = %s WHERE id = %s", (name, url, wanted, endpoint_id)
            )
    except psycopg.errors.UniqueViolation:
        raise _exists(name) from None
    detail = {
        "before": {"name": before.name, "url": before.url, "kinds": list(before.kinds)},
        "after": {"name": name, "url": url, "kinds": wanted},
        "reason": reason,
    }
    record(cursor, actor, "edit webhook", f"webhook:{endpoint_id}", detail, at)
    return get_endpoint(cursor, endpoint_id)


def rotate_secret(
    cursor: Cursor, endpoint_id: UUID, *, random: bytes, at: datetime, actor: str, reason: str = ""
) -> tuple[Endpoint, str]:
    """A new secret, shown this once. For a day each sending is signed with the former one too, so that nothing is missed."""
    secret = format_secret(random)
    found = cursor.execute(
        """UPDATE webhooks_endpoint SET former_secret = secret, former_secret_until = %s, secret = %s
        WHERE id = %s RETURNING name""",
        (at + FORMER_SECRET_KEPT_FOR, seal(secret), endpoint_id),
    ).fetchone()
    if found is None:
        raise EndpointNotFound("There is no such webhook. It may have been deleted.")
    record(cursor, actor, "rotate webhook secret", f"webhook:{endpoint_id}", {"name": found[0], "reason": reason}, at)
    return get_endpoint(cursor, endpoint_id), secret


def open_secrets(sealed: Iterable[bytes | None]) -> tuple[str, ...]:
    """The secrets that can be opened. After a restore under another secret of the installation none can."""
    opened = []
    for one in sealed:
        with contextlib.suppress(InvalidToken):
            if one is not None:
                opened.append(unseal(one))
    return tuple(opened)


def reseal_endpoints(cursor: Cursor) -> int:
    """Seals with the installation's secret in force what a former one sealed; how many. What nobody can open stays."""
    rows = cursor.execute("SELECT id, secret, former_secret FROM webhooks_endpoint ORDER BY id FOR UPDATE").fetchall()
    changed = 0
    for endpoint_id, *sealed in rows:
        if all(one is None or is_sealed_by_present(one) for one in sealed) or not (opened := open_secrets(sealed[:1])):
            continue
        former = next(map(seal, open_secrets(sealed[1:])), None)
        cursor.execute(
            "UPDATE webhooks_endpoint SET secret = %s, former_secret = %s WHERE id = %s", (seal(opened[0]), former, endpoint_id)
        )
        changed += 1
    return changed


def switch(
    cursor: Cursor, endpoint_id: UUID, *, is_on: bool, at: datetime, actor: str, why: WhyOff = WhyOff.STAFF, reason: str = ""
) -> bool:
    """Switches an endpoint on or off; False when it was so already.

    While it is off nothing new is written for it. What waits stays, and goes on when it is switched on again.
    """
    row = cursor.execute(
        """UPDATE webhooks_endpoint SET disabled_at = %s, disabled_reason = %s, failing_since = NULL
        WHERE id = %s AND (disabled_at IS NULL) <> %s RETURNING name""",
        (None if is_on else at, "" if is_on else why, endpoint_id, is_on),
    ).fetchone()
    if row is None:
        get_endpoint(cursor, endpoint_id)
        return False
    act = "switch webhook on" if is_on else "switch webhook off"
    detail = {"name": row[0], "reason": reason} | ({} if is_on else {"why": str(why)})
    record(cursor, actor, act, f"webhook:{endpoint_id}", detail, at)
    return True


def delete_endpoint(cursor: Cursor, name: str, *, at: datetime, actor: str, reason: str = "") -> Endpoint:
    """Removes an endpoint with its log; the trail keeps its name and address. Raises EndpointNotFound.

    Deliveries first, as whoever settles one locks them.
    """
    row = cursor.execute("SELECT id FROM webhooks_endpoint WHERE name = %s", (name,)).fetchone()
    if row is None:
        raise EndpointNotFound(f"There is no webhook called {name[:80]!r}. `stamgast webhook list` shows them.")
    found = get_endpoint(cursor, row[0])
    cursor.execute(
        """WITH gone AS (DELETE FROM webhooks_delivery WHERE endpoint_id = %s RETURNING id)
        DELETE FROM webhooks_attempt WHERE delivery_id IN (SELECT id FROM gone)""",
        (found.id,),
    )
    cursor.execute("DELETE FROM webhooks_endpoint WHERE id = %s", (found.id,))
    record(cursor, actor, "delete webhook", f"webhook:{found.id}", {"name": found.name, "url": found.url, "reason": reason}, at)
    return found


def _exists(name: str) -> EndpointExists:
    return EndpointExists(f"There is a webhook called {name!r} already. Choose another name.")
