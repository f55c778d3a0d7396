"""Whose acts are: the identifier by which each was asked, or to whom it gave. For owners that are no customers."""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from stamgast.kit.database import Cursor
from stamgast.kit.ids import bucket_of


class Party(NamedTuple):
    """The identifier of the person in an act; None where no person is named in it."""

    act_id: UUID
    anchor_id: UUID | None


def find_parties(cursor: Cursor, acts: Collection[UUID]) -> list[Party]:
    """The person in each of these acts: who asked it, else to whom it gave. Unknown acts are absent."""
    ids = list(acts)
    cursor.execute(
        """SELECT a.act_id, coalesce(a.anchor_id, a.other_anchor_id) FROM ledger_act a
        JOIN unnest(%s::smallint[], %s::uuid[]) AS k(bucket, act_id) ON a.bucket = k.bucket AND a.act_id = k.act_id""",
        ([bucket_of(act) for act in ids], ids),
        prepare=False,
    )
    return [Party(*row) for row in cursor]
