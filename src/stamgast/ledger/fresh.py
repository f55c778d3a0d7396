"""Fresh rows, movements and lots, and the two ways in which they reach the server: by binary COPY where they are many, and as
arrays where they are few, because a COPY cannot be sent together with other statements. Private to the room."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from struct import Struct
from typing import NamedTuple, TypeAlias

from stamgast.kit.arrays import id_array
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
_ROWS_PER_WRITE = 250

MovementValues: TypeAlias = tuple[
    int, int, int, int, int, int, bytes, bytes, bytes, bytes, bytes, str, str, str, bytes | None, str
]
"""What a ``FreshMovement`` says, without names: making a named tuple takes as long as packing it."""
LotValues: TypeAlias = tuple[
    bytes, bytes, str, bytes, str, int, int, tuple[int, int, int, int, int, int, int, int | None, int, int | None]
]
"""What a ``StoredLot`` says, likewise."""


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
    cursor: Cursor,
    movements: Iterable[FreshMovement | MovementValues],
    *,
    at: int,
    batch_id: bytes,
    actor: str,
    has_acts: bool,
) -> None:
    """Many movements, ``at`` in microseconds since 1970."""
    packed = _pack_movements(movements, at=at, batch_id=batch_id, actor=actor, has_acts=has_acts)
    _copy(cursor, COPY_ACT_MOVEMENTS if has_acts else COPY_MOVEMENTS, packed)


def copy_lots(cursor: Cursor, lots: Iterable[StoredLot | LotValues]) -> None:
    """Many lots."""
    _copy(cursor, COPY_LOTS, _pack_lots(lots))


def _pack_movements(
    movements: Iterable[FreshMovement | MovementValues], *, at: int, batch_id: bytes, actor: str, has_acts: bool
) -> Iterator[bytes]:
    posted_at = at - sql.MICROSECONDS_BEFORE_2000
    width = 20 if has_acts else 18
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
        row = (
            _MOVEMENT_HEAD.pack(
                width, 2, sql.bucket_of(owner), 2, kind, 2, debit, 2, credit, 4, version, 8, amount,
                8, effective_at - sql.MICROSECONDS_BEFORE_2000, 8, posted_at, 16, name, 16, owner,
                16, batch_id, 16, lot, 16, activity, 32, fingerprint,
            )
            + _text_fields(*texts, actor)
        )  # fmt: skip
        if has_acts:
            row += _NULL_FIELD if act is None else _ID_FIELD.pack(16, act)
            row += _text_fields(about) if about else _NULL_FIELD
        yield row


def _pack_lots(lots: Iterable[StoredLot | LotValues]) -> Iterator[bytes]:
    for lot_id, owner, currency, activity, rule, version, revision, state in lots:
        given, remaining, held, expired, used, owed, effective_at, expires_at, pending, matures_at = state
        yield (
            _LOT_HEAD.pack(
                18, 2, sql.bucket_of(owner), 4, version, 4, revision, 8, given, 8, remaining, 8, held, 8, expired, 8, used,
                8, owed, 8, effective_at - sql.MICROSECONDS_BEFORE_2000, 16, lot_id, 16, owner, 16, activity,
            )
            + _text_fields(currency, rule)
            + _moment_field(expires_at)
            + _NUMBER_FIELD.pack(8, pending)
            + _moment_field(matures_at)
        )  # fmt: skip


def insert_movements(cursor: Cursor, movements: Sequence[FreshMovement], *, at: int, batch_id: bytes, actor: str) -> None:
    """Few movements, so that they can be sent together with other statements."""
    columns = list(zip(*movements, strict=True))
    kinds, debits, credited, versions, amounts, effective, names, owners, lots, activities, fingerprints = columns[:11]
    currencies, rules, reasons, acts, references = columns[11:]
    cursor.execute(
        INSERT_MOVEMENTS,
        (
            sql.moment(at), batch_id.hex(), actor, sql.buckets(owners), sql.numbers(kinds), sql.numbers(debits),
            sql.numbers(credited), sql.numbers(versions), sql.numbers(amounts), sql.moments(effective), id_array(names),
            id_array(owners), id_array(lots), id_array(activities), sql.blobs(fingerprints), sql.texts(currencies),
            sql.texts(rules), sql.texts(reasons), id_array(acts), sql.texts([about or None for about in references]),
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
            id_array([lot.lot_id for lot in lots]),
            id_array(owners),
            id_array([lot.activity for lot in lots]),
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


def _copy(cursor: Cursor, statement: str, packed: Iterable[bytes]) -> None:
    """Sends while it packs, so that the server writes the first rows while the next are made."""
    with cursor.copy(statement) as copy:
        copy.write(_COPY_HEADER)
        rows = iter(packed)
        while some := b"".join(islice(rows, _ROWS_PER_WRITE)):
            copy.write(some)
        copy.write(_COPY_END)


@lru_cache(maxsize=4096)
def _text_fields(*texts: str) -> bytes:
    encoded = [text.encode() for text in texts]
    return b"".join(len(text).to_bytes(4, "big") + text for text in encoded)


def _moment_field(moment: int | None) -> bytes:
    return _NULL_FIELD if moment is None else _NUMBER_FIELD.pack(8, moment - sql.MICROSECONDS_BEFORE_2000)
