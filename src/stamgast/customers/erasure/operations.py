"""Writes of erasure in this room. Inside the transaction of ``flows/erase.py``, which has stopped all deciding."""

import secrets as randomness
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from stamgast.customers.birthdays import BIRTH_MONTH
from stamgast.customers.erasure.errors import AlreadyLifted
from stamgast.customers.erasure.queries import find_key, find_wrapped_key
from stamgast.customers.erasure.rules import KEY_BYTES, WrappedKey, tombstone_of, unwrap_key, wrap_key
from stamgast.customers.erasure.types import ERASED, Erasure
from stamgast.customers.reasons import required_reason
from stamgast.customers.rules import identifier_id
from stamgast.customers.sql import write_trait_values, write_traits
from stamgast.kit.database import Cursor

LONGEST_REASON = 500


def open_key(cursor: Cursor, secrets: Sequence[str]) -> bytes:
    """The key of the tombstones, made at the first erasure, and wrapped anew when the secret was replaced."""
    stored = find_wrapped_key(cursor)
    if stored is None:
        key = randomness.token_bytes(KEY_BYTES)
        _keep_key(cursor, wrap_key(key, secrets[0], randomness.token_bytes(16)))
        return key
    key = find_key(cursor, secrets) or b""
    unwrapped = unwrap_key(stored, secrets)
    if unwrapped is not None and unwrapped[1] != 0:
        _keep_key(cursor, wrap_key(key, secrets[0], randomness.token_bytes(16)))
    return key


def begin_erasure(customer: UUID, *, at: datetime, actor: str, reason: str) -> Erasure:
    """A receipt to be filled in. Its id is random, and so is what the activities will hang on."""
    erasure_id = UUID(bytes=randomness.token_bytes(16))
    return Erasure(erasure_id, customer, identifier_id(ERASED, erasure_id.hex), at, actor, reason.strip()[:LONGEST_REASON], {})


def bury(cursor: Cursor, erasure: Erasure, identifiers: Collection[str], key: bytes) -> None:
    """A tombstone for each normalised identifier that has none in force, and a trace of its id for the lake."""
    cursor.execute(
        "INSERT INTO customers_tombstone (digest, erasure_id, buried_at) SELECT digest, %s, %s FROM unnest(%s::bytea[]) "
        "AS new (digest) WHERE NOT EXISTS (SELECT FROM customers_tombstone AS stone WHERE stone.digest = new.digest AND NOT "
        "EXISTS (SELECT FROM customers_erasurelift AS lift WHERE lift.erasure_id = stone.erasure_id)) "
        "ORDER BY digest ON CONFLICT DO NOTHING",
        (erasure.id, erasure.at, [tombstone_of(identifier, key) for identifier in identifiers]),
    )
    leave_traces(cursor, erasure.id, [identifier_id(*text.split(":", 1)) for text in identifiers])


def lift(cursor: Cursor, erasure_id: UUID, *, reason: str, at: datetime, actor: str) -> None:
    """The tombstones of an erasure keep nobody out any more. Raises ReasonMissing, AlreadyLifted."""
    cursor.execute(
        "INSERT INTO customers_erasurelift (erasure_id, at, actor, reason) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (erasure_id, at, actor, required_reason(reason)),
    )
    if not cursor.rowcount:
        raise AlreadyLifted("This person may come back already. Nothing was changed.")


def leave_traces(cursor: Cursor, erasure_id: UUID, anchors: Collection[UUID]) -> None:
    """Notes identifiers' ids that the lake may hold; the erasure counts as not cleaned from the lake until it was."""
    cursor.execute(
        "INSERT INTO customers_erasuretrace (erasure_id, anchor_id) SELECT %s, id FROM unnest(%s::uuid[]) AS new (id) "
        "ON CONFLICT DO NOTHING",
        (erasure_id, list(anchors)),
    )
    cursor.execute("UPDATE customers_erasure SET lake_cleaned_at = NULL WHERE id = %s", (erasure_id,))


def remove_person(cursor: Cursor, erasure: Erasure, anchors: Sequence[UUID]) -> dict[str, int]:
    """Takes identifiers, links, evidence, judgements, traits and what is personal in consents out; says how much it was.

    The customer keeps its row and one identifier that points at nobody. Consents keep what was said and when.
    """
    ids = list(anchors)
    removed = {
        name: _count(cursor, statement, ids)
        for name, statement in (
            ("traits", "DELETE FROM customers_trait WHERE anchor_id = ANY(%s)"),
            ("trait_values", "DELETE FROM customers_trait_value WHERE anchor_id = ANY(%s)"),
            ("households", "DELETE FROM customers_household_told WHERE anchor_id = ANY(%s)"),
            ("evidence", "DELETE FROM customers_evidence WHERE first_id = ANY(%(ids)s) OR second_id = ANY(%(ids)s)"),
            ("judgements", "DELETE FROM customers_judgement WHERE one_id = ANY(%(ids)s) OR other_id = ANY(%(ids)s)"),
            ("links", "DELETE FROM customers_link WHERE identifier_id = ANY(%s)"),
            ("identifiers", "DELETE FROM customers_identifier WHERE id = ANY(%s)"),
        )
    }
    cursor.execute(
        "UPDATE customers_consentchange SET anchor_id = %s, reason = '', actor = CASE WHEN actor LIKE 'staff:%%' THEN 'staff' "
        "ELSE actor END, text = CASE WHEN text_version IS NULL THEN '' ELSE text END WHERE anchor_id = ANY(%s)",
        (erasure.anchor_id, ids),
    )
    removed["consents"] = cursor.rowcount
    cursor.execute(
        "INSERT INTO customers_identifier (id, kind, value, first_at) SELECT %s, %s, %s, first_seen "
        "FROM customers_customer WHERE id = %s",
        (erasure.anchor_id, ERASED, erasure.id.hex, erasure.customer_id),
    )
    cursor.execute(
        "INSERT INTO customers_link (identifier_id, customer_id, began_at, actor, reason) VALUES (%s, %s, %s, %s, %s)",
        (erasure.anchor_id, erasure.customer_id, erasure.at, erasure.actor, ERASED),
    )
    cursor.execute("UPDATE customers_customer SET erased_at = %s WHERE id = %s", (erasure.at, erasure.customer_id))
    return removed


def keep_birth_month(cursor: Cursor, erasure: Erasure, month: int) -> None:
    """Leaves the month of a birthday, which the programme reads, so that what was given for it is given still."""
    told = {"anchor_id": erasure.anchor_id, "name": BIRTH_MONTH, "value": month, "source": ERASED}
    write_traits(cursor, [{**told, "occurred_at": erasure.at, "activity_id": erasure.id}])
    write_trait_values(cursor, [{**told, "first_at": erasure.at, "last_at": erasure.at}])


def remove_told_by_others(cursor: Cursor, anchors: Collection[UUID], values: Collection[str]) -> int:
    """Takes the values of identifiers out of the traits of others who told them as their own; returns how many traits."""
    removed = 0
    for table in ("customers_trait", "customers_trait_value"):
        cursor.execute(
            f"DELETE FROM {table} WHERE anchor_id = ANY(%s) AND lower(value #>> '{{}}') = ANY(%s)",
            (list(anchors), [value.lower() for value in values]),
        )
        removed += cursor.rowcount
    return removed


def write_receipt(cursor: Cursor, erasure: Erasure, removed: Mapping[str, int]) -> Erasure:
    """Keeps the receipt."""
    cursor.execute(
        "INSERT INTO customers_erasure (id, customer_id, anchor_id, at, actor, reason, removed) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (erasure.id, erasure.customer_id, erasure.anchor_id, erasure.at, erasure.actor, erasure.reason, Jsonb(dict(removed))),
    )
    return replace(erasure, removed=removed)


def forget_traces(cursor: Cursor, anchors: Collection[UUID], *, at: datetime) -> None:
    """The lake's files hold these ids no longer."""
    cursor.execute("DELETE FROM customers_erasuretrace WHERE anchor_id = ANY(%s)", (list(anchors),))
    cursor.execute(
        "UPDATE customers_erasure AS erasure SET lake_cleaned_at = %s WHERE lake_cleaned_at IS NULL AND NOT EXISTS "
        "(SELECT FROM customers_erasuretrace AS trace WHERE trace.erasure_id = erasure.id)",
        (at,),
    )


def _keep_key(cursor: Cursor, key: WrappedKey) -> None:
    cursor.execute(
        "INSERT INTO customers_erasurekey (id, nonce, wrapped, check_bytes) VALUES (1, %s, %s, %s) "
        "ON CONFLICT (id) DO UPDATE SET nonce = excluded.nonce, wrapped = excluded.wrapped, check_bytes = excluded.check_bytes",
        (key.nonce, key.wrapped, key.check),
    )


def _count(cursor: Cursor, statement: str, ids: list[UUID]) -> int:
    cursor.execute(statement, {"ids": ids} if "%(ids)s" in statement else (ids,))
    return cursor.rowcount
