"""What customers chose goes with them when they merge and come apart: spends, holds and transfers, and lots that acts gave.

Programmes decide such customers again, so the lots of their activities change hands. An act that lies on them is lifted before
that and placed after it, on the lots of whoever it belongs to now. See decision 302.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from stamgast.kit.arrays import id_array
from stamgast.kit.database import Cursor, found_by_key
from stamgast.kit.ids import bucket_of
from stamgast.ledger import sql, sql_acts
from stamgast.ledger.acts import ActKind
from stamgast.ledger.entries import Entries
from stamgast.ledger.operations.load import Key, gather, lock_pockets, write_uses
from stamgast.ledger.pockets import Pocket
from stamgast.ledger.rules import LotState, StoredLot, derive_lot_id
from stamgast.ledger.types import BY_AN_ACT, MovementKind, to_microseconds

BORROWED_RULE = "borrowed"
LIFTS = {
    ActKind.SPEND: MovementKind.GIVE_BACK,
    ActKind.HOLD: MovementKind.GIVE_BACK,
    ActKind.DONATE: MovementKind.UNDONATE,
    ActKind.REDEEM: MovementKind.UNREDEEM,
    ActKind.ADJUST: MovementKind.UNADJUST,
    ActKind.TRANSFER: MovementKind.UNMOVE,
    ActKind.REVERSE: MovementKind.UNMOVE,
}
PLACES = {
    ActKind.SPEND: MovementKind.SPEND,
    ActKind.HOLD: MovementKind.SPEND,
    ActKind.DONATE: MovementKind.DONATE,
    ActKind.REDEEM: MovementKind.REDEEM,
    ActKind.ADJUST: MovementKind.ADJUST_DOWN,
    ActKind.TRANSFER: MovementKind.MOVE_OUT,
    ActKind.REVERSE: MovementKind.EXTEND,
}


class ChosenUse(NamedTuple):
    """What one act has of one lot."""

    owner: UUID
    act: UUID
    lot: UUID
    kind: ActKind
    anchor: UUID | None
    reference: str
    currency: str
    at: datetime
    activity: UUID
    rule: str
    version: int


class ChosenLot(NamedTuple):
    """A lot that an act gave."""

    owner: UUID
    lot: UUID
    currency: str
    activity: UUID
    rule: str
    anchor: UUID | None


@dataclass(frozen=True, slots=True)
class Chosen:
    """All that some owners chose."""

    uses: list[ChosenUse]
    lots: list[ChosenLot]

    @property
    def anchors(self) -> set[UUID]:
        """The identifiers that say whose each of it is."""
        anchors = {use.anchor for use in self.uses} | {lot.anchor for lot in self.lots}
        return {anchor for anchor in anchors if anchor is not None}


@dataclass(slots=True)
class Lifted:
    """What was lifted and has to be placed: by act, and by lot."""

    homes: dict[UUID, UUID] = field(default_factory=dict)
    parts: dict[UUID, list[tuple[ChosenUse, int, int]]] = field(default_factory=lambda: defaultdict(list))
    lots: list[tuple[UUID, StoredLot]] = field(default_factory=list)
    keys: set[Key] = field(default_factory=set)
    movements: int = 0


def list_chosen(cursor: Cursor, owners: Collection[UUID]) -> Chosen:
    """What these owners spent, set aside, moved and were given by acts, the first first."""
    named = [owner.bytes for owner in owners]
    keys = (sql.buckets(named), id_array(named))
    with found_by_key(cursor, len(named)):
        cursor.execute(sql_acts.CHOSEN, keys, prepare=False)
        uses = [ChosenUse(*row)._replace(kind=ActKind(row[3])) for row in cursor]
        cursor.execute(sql_acts.GIVEN_BY_ACTS, keys, prepare=False)
        return Chosen(uses, [ChosenLot(*row) for row in cursor])


def lift(
    cursor: Cursor,
    chosen: Chosen,
    customers: Mapping[UUID, UUID],
    activities: Mapping[UUID, UUID],
    *,
    at: datetime,
    actor: str,
    reason: str,
) -> Lifted:
    """Takes off its lots what belongs to another owner now, or lies on lots that do, by anchor and by activity.

    Locks the balances concerned in key order. The caller holds the customers' locks, so nobody waits for them meanwhile.
    """
    lifted = Lifted()
    homes = {one.lot: _home(one.anchor, one.owner, customers) for one in chosen.lots}
    wanted = []
    for use in chosen.uses:
        home = _home(use.anchor, use.owner, customers)
        of_lot = homes.get(use.lot, use.owner) if use.version == BY_AN_ACT else activities.get(use.activity, use.owner)
        if (home, of_lot) != (use.owner, use.owner):
            wanted.append(use)
            lifted.homes[use.act] = home
    given = [lot for lot in chosen.lots if homes[lot.lot] != lot.owner]
    lifted.keys = {(use.owner.bytes, use.currency) for use in wanted} | {(lot.owner.bytes, lot.currency) for lot in given}
    if not lifted.keys:
        return lifted
    pockets = lock_pockets(
        cursor,
        lifted.keys,
        {(use.owner.bytes, use.act.bytes) for use in wanted},
        {(lot.owner.bytes, lot.lot.bytes) for lot in given},
    )
    for use in wanted:
        pocket = pockets[use.owner.bytes, use.currency]
        before = pocket.uses[use.act.bytes, use.lot.bytes]
        lifted.parts[use.act].append((use, before.used, before.held))
        if before.used or before.held:
            pocket.lift(
                use.act.bytes,
                use.lot.bytes,
                LIFTS[use.kind],
                at=to_microseconds(use.at),
                reason=reason,
                reference=use.reference,
            )
    for one in given:
        pocket = pockets[one.owner.bytes, one.currency]
        state = pocket.lots[one.lot.bytes].state
        if amount := pocket.hand_over(one.lot.bytes, reason=reason):
            lot = _lot(homes[one.lot], one.activity, one.rule, one.currency, amount, state.effective_at, state.expires_at)
            lifted.lots.append((homes[one.lot], lot))
    lifted.movements = _write(cursor, pockets, at=at, actor=actor)
    return lifted


def place(cursor: Cursor, lifted: Lifted, *, at: datetime, actor: str, reason: str) -> int:
    """Puts what was lifted on the lots of whoever it belongs to now, in the order in which it was chosen; what is short is
    owed. Then what is owed is paid from what is there, on both sides. Returns how many movements it wrote."""
    if not lifted.keys:
        return 0
    keys = set(lifted.keys)
    keys |= {(lifted.homes[act].bytes, part[0][0].currency) for act, part in lifted.parts.items()}
    keys |= {(home.bytes, lot.currency) for home, lot in lifted.lots}
    _move_holds(cursor, lifted)
    subjects = {(home.bytes, act.bytes) for act, home in lifted.homes.items()}
    pockets = lock_pockets(cursor, keys, subjects, {(home.bytes, lot.lot_id) for home, lot in lifted.lots})
    for home, lot in lifted.lots:
        pockets[home.bytes, lot.currency].take_over(lot, reason=reason)
    for act, parts in lifted.parts.items():
        use, home = parts[0][0], lifted.homes[act]
        used, held = sum(part[1] for part in parts), sum(part[2] for part in parts)
        causes = [(one.activity.bytes, one.rule) for one, _, _ in parts]
        moment = to_microseconds(use.at)
        pocket = pockets[home.bytes, use.currency]
        pocket.place(
            act.bytes,
            used,
            held,
            PLACES[use.kind],
            preferred=[derive_lot_id(home.bytes, activity, rule, use.currency) for activity, rule in causes],
            spare=_lot(home, act, BORROWED_RULE, use.currency, 0, moment, None),
            at=moment,
            reason=reason,
            reference=use.reference,
        )
    for pocket in pockets.values():
        pocket.even_out()
    return _write(cursor, pockets, at=at, actor=actor)


def _home(anchor: UUID | None, owner: UUID, customers: Mapping[UUID, UUID]) -> UUID:
    return owner if anchor is None else customers.get(anchor, owner)


def _lot(owner: UUID, act: UUID, rule: str, currency: str, amount: int, at: int, expires_at: int | None) -> StoredLot:
    lot_id = derive_lot_id(owner.bytes, act.bytes, rule, currency)
    state = LotState(amount, amount, 0, 0, 0, 0, at, expires_at)
    return StoredLot(lot_id, owner.bytes, currency, act.bytes, rule, BY_AN_ACT, 0, state)


def _move_holds(cursor: Cursor, lifted: Lifted) -> None:
    """The rows of holds, open or over, go to their owner."""
    moved = [
        (parts[0][0].owner, act, lifted.homes[act])
        for act, parts in lifted.parts.items()
        if parts[0][0].kind is ActKind.HOLD and parts[0][0].owner != lifted.homes[act]
    ]
    if moved:
        cursor.execute(
            sql_acts.MOVE_HOLDS,
            (
                [bucket_of(owner) for owner, _, _ in moved],
                [owner for owner, _, _ in moved],
                [act for _, act, _ in moved],
                [bucket_of(home) for _, _, home in moved],
                [home for _, _, home in moved],
            ),
            prepare=False,
        )


def _write(cursor: Cursor, pockets: Mapping[Key, Pocket], *, at: datetime, actor: str) -> int:
    entries = Entries(at=to_microseconds(at), actor=actor, reason="", has_acts=True)
    gather(pockets.values(), entries)
    entries.write(cursor, lambda cursor: write_uses(cursor, pockets.values()))
    return len(entries)
