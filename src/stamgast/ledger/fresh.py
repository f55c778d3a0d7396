"""Fresh rows, movements and lots, and the two ways in which they reach the server: by binary COPY where they are many, and as
arrays where they are few, because a COPY cannot be sent together with other statements. Private to the room."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from struct import Struct
from typing import NamedTuple

from stamgast.kit.database import Cursor
from stamgast.ledger import sql
from stamgast.ledger.rules import LotState, StoredLot

_MOVEMENT = """bucket, kind, debit, credit, programme_version, amount, effective_at, posted_at, movement_id, owner_id,
  batch_id, lot_id, activity_id, fingerprint, currency, rule, reason, actor"""
_LOT = """bucket, programme_version, revision, given, remaining, held, expired, used, owed, effective_at, lot_id,
  owner_id, activity_id, currency, rule, expires_at, pending, available_at"""

COPY_MOVEMENTS = f"COPY ledger_movement ({_MOVEMENT}) FROM STDIN (FORMAT binary)"
COPY_ACT_MOVEMENTS = f"COPY ledger_movement ({_MOVEMENT}, act_id, reference) FROM STDIN (FORMAT binary)"
"""The same for batches with acts in them."""
COPY_LOTS = f"COPY ledger_lot ({_LOT}) FROM STDIN (FORMAT binary)"

INSERT_MOVEMENTS = f"""
INSERT INTO ledger_movement ({_MOVEMENT}, act_id, reference)
SELECT k.bucket, k.kind, k.debit, k.credit, k.version, k.amount, k.effective_at, %s, k.movement_id, k.owner_id, %s, k.lot_id,
  k.activity_id, k.fingerprint, k.currency, k.rule, k.reason, %s, k.act_id, k.reference
FROM unnest(%s::smallint[], %s::smallint[], %s::smallint[], %s::smallint[], %s::int[], %s::bigint[], %s::timestamptz[],
  %s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::bytea[], %s::text[], %s::text[], %s::text[], %s::uuid[], %s::text[])
  AS k(bucket, kind, debit, credit, version, amount, effective_at, movement_id, owner_id, lot_id, activity_id, fingerprint,
  currency, rule, reason, act_id, reference)
"""

INSERT_LOTS = f"""
INSERT INTO ledger_lot ({_LOT})
SELECT * FROM unnest(%s::smallint[], %s::int[], %s::int[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
  %s::bigint[], %s::bigint[], %s::timestamptz[], %s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::text[],
  %s::timestamptz[], %s::bigint[], %s::timestamptz[])
"""

_MOVEMENT_HEAD = Struct(">h" + "ih" * 4 + "ii" + "iq" * 3 + "i16s" * 5 + "i32s")
_LOT_HEAD = Struct(">h" + "ih" + "ii" * 2 + "iq" * 7 + "i16s" * 3)
_ID_FIELD = Struct(">i16s")
_NUMBER_FIELD = Struct(">iq")
_NULL_FIELD = b"\xff\xff\xff\xff"
_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END = b"\xff\xff"


class FreshMovement(NamedTuple):
    """A movement as it is written, without what all of its batch have: the moment of posting, the batch and the actor."""

    kind: int
    debit: int
    credit: int
    version: int
    amount: int
    effective_at: int
    id: bytes
    owner: bytes
    lot: bytes
    activity: bytes
    fingerprint: bytes
    currency: str
    rule: str
    reason: str
    act: bytes | None
    reference: str


def copy_movements(
    cursor: Cursor, movements: Iterable[FreshMovement], *, at: int, batch_id: bytes, actor: str, has_acts: bool
) -> None:
    """Many movements, ``at`` in microseconds since 1970."""
    posted_at = at - sql.MICROSECONDS_BEFORE_2000
    width = 20 if has_acts else 18
    rows = []
    for (
        kind,
        debit,
        credit,
        version,
        amount,
        effective_at,
        name,
        owner,
        lot,
        activity,
        fingerprint,
        *texts,
        act,
        about,
    ) in movements:
        rows.append(
            _MOVEMENT_HEAD.pack(
                width, 2, sql.bucket_of(owner), 2, kind, 2, debit, 2, credit, 4, version, 8, amount,
                8, effective_at - sql.MICROSECONDS_BEFORE_2000, 8, posted_at, 16, name, 16, owner,
                16, batch_id, 16, lot, 16, activity, 32, fingerprint,
            )
            + _text_fields(*texts, actor)
        )  # fmt: skip
        if has_acts:
            rows.append(_NULL_FIELD if act is None else _ID_FIELD.pack(16, act))
            rows.append(_text_fields(about) if about else _NULL_FIELD)
    _copy(cursor, COPY_ACT_MOVEMENTS if has_acts else COPY_MOVEMENTS, rows)


def copy_lots(cursor: Cursor, lots: Iterable[StoredLot]) -> None:
    """Many lots."""
    rows = []
    for lot in lots:
        state = lot.state
        rows.append(
            _LOT_HEAD.pack(
                18, 2, sql.bucket_of(lot.owner), 4, lot.version, 4, lot.revision,
                8, state.given, 8, state.remaining, 8, state.held, 8, state.expired, 8, state.used, 8, state.owed,
                8, state.effective_at - sql.MICROSECONDS_BEFORE_2000, 16, lot.lot_id, 16, lot.owner, 16, lot.activity,
            )
            + _text_fields(lot.currency, lot.rule)
            + _moment_field(state.expires_at)
            + _NUMBER_FIELD.pack(8, state.pending)
            + _moment_field(state.matures_at)
        )  # fmt: skip
    _copy(cursor, COPY_LOTS, rows)


def insert_movements(cursor: Cursor, movements: Sequence[FreshMovement], *, at: int, batch_id: bytes, actor: str) -> None:
    """Few movements, so that they can be sent together with other statements."""
    columns = list(zip(*movements, strict=True))
    kinds, debits, credited, versions, amounts, effective, names, owners, lots, activities, fingerprints = columns[:11]
    currencies, rules, reasons, acts, references = columns[11:]
    cursor.execute(
        INSERT_MOVEMENTS,
        (
            sql.moment(at), batch_id.hex(), actor, sql.buckets(owners), sql.numbers(kinds), sql.numbers(debits),
            sql.numbers(credited), sql.numbers(versions), sql.numbers(amounts), sql.moments(effective), sql.ids(names),
            sql.ids(owners), sql.ids(lots), sql.ids(activities), sql.blobs(fingerprints), sql.texts(currencies),
            sql.texts(rules), sql.texts(reasons), sql.ids(acts), sql.texts([about or None for about in references]),
        ),
        prepare=True,
    )  # fmt: skip


def insert_lots(cursor: Cursor, lots: Sequence[StoredLot]) -> None:
    """Few lots."""
    states = [lot.state for lot in lots]
    owners = [lot.owner for lot in lots]
    cursor.execute(
        INSERT_LOTS,
        (
            sql.buckets(owners),
            sql.numbers([lot.version for lot in lots]),
            sql.numbers([lot.revision for lot in lots]),
            *amounts_of(states),
            sql.moments([state.effective_at for state in states]),
            sql.ids([lot.lot_id for lot in lots]),
            sql.ids(owners),
            sql.ids([lot.activity for lot in lots]),
            sql.texts([lot.currency for lot in lots]),
            sql.texts([lot.rule for lot in lots]),
            sql.moments([state.expires_at for state in states]),
            sql.numbers([state.pending for state in states]),
            sql.moments([state.matures_at for state in states]),
        ),
        prepare=True,
    )


def amounts_of(states: Sequence[LotState]) -> list[str]:
    """What lots gave, have left and hold, and what of them expired, was used and is owed, as arrays in this order."""
    amounts = [(one.given, one.remaining, one.held, one.expired, one.used, one.owed) for one in states]
    return [sql.numbers(column) for column in zip(*amounts, strict=True)]


def _copy(cursor: Cursor, statement: str, rows: Iterable[bytes]) -> None:
    with cursor.copy(statement) as copy:
        copy.write(b"".join((_COPY_HEADER, *rows, _COPY_END)))


@lru_cache(maxsize=4096)
def _text_fields(*texts: str) -> bytes:
    encoded = [text.encode() for text in texts]
    return b"".join(len(text).to_bytes(4, "big") + text for text in encoded)


def _moment_field(moment: int | None) -> bytes:
    return _NULL_FIELD if moment is None else _NUMBER_FIELD.pack(8, moment - sql.MICROSECONDS_BEFORE_2000)
