"""The ledger in plain Python, written from docs/algorithms/expiry.md and acts.md and not from the code: what every balance
must be, after anything."""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from stamgast.ledger.types import Wanted

Key = tuple[UUID, str]
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass
class OracleLot:
    key: Key
    at: datetime
    expires: datetime | None
    matures: datetime | None = None
    rank: bytes = b""
    given: int = 0
    left: int = 0
    held: int = 0
    pending: int = 0
    expired: int = 0
    used: int = 0
    owed: int = 0

    @property
    def since(self) -> datetime:
        return self.matures or self.at

    @property
    def expiry(self) -> datetime:
        return max(self.expires or NEVER, self.since)

    def order(self) -> tuple[datetime, datetime, bytes]:
        return self.expires or NEVER, self.at, self.rank


@dataclass
class OracleHold:
    key: Key
    amount: int
    ends: datetime
    is_open: bool = True


class Oracle:
    """Lots by cause or act, what spends and holds have of them, debts. ``rank`` of a cause breaks ties between lots."""

    def __init__(self, rank: Callable[[UUID, UUID, str, str], bytes]) -> None:
        self.rank = rank
        self.lots: dict[Hashable, OracleLot] = {}
        self.debts: Counter[Key] = Counter()
        self.spent: dict[UUID, Counter[Hashable]] = {}
        self.held: dict[UUID, Counter[Hashable]] = {}
        self.holds: dict[UUID, OracleHold] = {}
        self.final: set[UUID] = set()  # what cannot be reversed: transfers, and what somebody put right
        self.said: Counter[tuple[UUID, str, datetime]] = Counter()

    # What programmes decide

    def post(self, wanted: Iterable[Wanted], complete: Collection[UUID]) -> None:
        known: dict[Hashable, tuple[int, datetime | None, datetime | None]] = {}
        fresh, risen = [], []
        for row in wanted:
            cause = (row.owner_id, row.activity_id, row.rule, row.currency)
            if cause in self.lots:
                known[cause] = (row.amount, row.expires_at, self._matures(row, self.lots[cause].at))
            elif row.amount:
                fresh.append((cause, row))
        gone: dict[Hashable, tuple[int, datetime | None, datetime | None]] = {
            cause: (0, lot.expires, lot.matures)
            for cause, lot in self.lots.items()
            if lot.key[0] in complete and cause not in known and isinstance(cause, tuple)
        }
        for cause, change in (known | gone).items():
            if self._correct(self.lots[cause], *change):
                risen.append(cause)
        for cause in risen:
            lot = self.lots[cause]
            self._repay(lot, lot.left, lot.at)
        for cause, row in fresh:
            lot = OracleLot((row.owner_id, row.currency), row.occurred_at, row.expires_at, rank=self.rank(*cause))
            lot.matures, lot.given = self._matures(row, lot.at), row.amount
            self.lots[cause] = lot
            if lot.matures:
                lot.pending = row.amount
            else:
                self._come(lot, row.amount, lot.at)
                self._repay(lot, lot.left, lot.at)

    def _matures(self, row: Wanted, at: datetime) -> datetime | None:
        return row.available_at if row.available_at and row.available_at > at else None

    def _correct(self, lot: OracleLot, amount: int, expires: datetime | None, matures: datetime | None) -> bool:
        """Whether something became available by it."""
        has_risen = False
        if lot.expires != expires and lot.expired:
            self._restore(lot, lot.expired)
            has_risen = True
        if lot.matures != matures:
            if matures is None:
                has_risen = has_risen or lot.pending > 0
                self._come(lot, lot.pending, lot.at)
                lot.pending = 0
            else:
                lot.pending += lot.left
                self._go(lot, lot.left, lot.since)
            lot.matures = matures
        more = amount - lot.given
        if more > 0 and lot.matures:
            lot.pending += more
        elif more > 0:
            self._come(lot, more, lot.at)
            has_risen = True
        for _ in range(-more):
            if lot.pending:
                lot.pending -= 1
            elif lot.left:
                self._go(lot, 1, lot.at)
            elif lot.expired:
                self._restore(lot, 1)
                self._go(lot, 1, lot.at)
                has_risen = True
            else:
                lot.owed += 1
                self.debts[lot.key] += 1
        lot.given, lot.expires = amount, expires
        return has_risen

    # What time does

    def settle(self, at: datetime, keys: Callable[[Key], bool] = lambda key: True) -> None:
        over = [(hold.ends, name.bytes, name) for name, hold in self.holds.items() if hold.is_open and hold.ends <= at]
        for ends, _, name in sorted(over):
            if keys(self.holds[name].key):
                self._end(name, ends)
        lots = [lot for lot in self.lots.values() if keys(lot.key)]
        for lot in sorted(lots, key=lambda lot: (lot.since, lot.rank)):
            if lot.pending and lot.since <= at:
                risen, lot.pending = lot.pending, 0
                self._come(lot, risen, lot.since)
                self._repay(lot, risen, lot.since)
        for lot in lots:
            if lot.left and lot.expires and lot.expiry <= at:
                self._expire(lot, lot.left, lot.expiry)

    # What customers choose: each returns the code of its refusal, or nothing

    def spend(self, name: UUID, key: Key, amount: int, at: datetime) -> str:
        self.settle(at, key.__eq__)
        if amount > self.available(key):
            return "insufficient_balance"
        taken: Counter[Hashable] = Counter()
        for cause, part in list(self._soonest(key, amount)):
            lot = self.lots[cause]
            self._go(lot, part, max(at, lot.since))
            lot.used += part
            taken[cause] += part
        self.spent[name] = taken
        return ""

    def hold(self, name: UUID, key: Key, amount: int, at: datetime, ends: datetime) -> str:
        self.settle(at, key.__eq__)
        if amount > self.available(key):
            return "insufficient_balance"
        self.held[name], self.spent[name] = Counter(), Counter()
        for cause, part in self._soonest(key, amount):
            lot = self.lots[cause]
            self._go(lot, part, max(at, lot.since))
            lot.held += part
            self.held[name][cause] += part
        self.holds[name] = OracleHold(key, amount, ends)
        return ""

    def capture(self, name: UUID, amount: int | None, at: datetime) -> str:
        self.settle(at, self.holds[name].key.__eq__)
        hold = self.holds[name]
        if not hold.is_open:
            return "hold_ended"
        left = hold.amount if amount is None else amount
        if left > hold.amount:
            return "above_held"
        for cause in sorted(self.held[name], key=lambda cause: self.lots[cause].order()):
            part = min(left, self.held[name][cause])
            left -= part
            self.held[name][cause] -= part
            self.spent[name][cause] += part
            self.lots[cause].held -= part
            self.lots[cause].used += part
        self._end(name, at)
        return ""

    def release(self, name: UUID, at: datetime) -> str:
        self.settle(at, self.holds[name].key.__eq__)
        if not self.holds[name].is_open:
            return "hold_ended"
        self._end(name, at)
        return ""

    def reverse(self, act: UUID, name: UUID, amount: int | None, at: datetime, grace: timedelta | None, rank: bytes) -> str:
        taken = self.spent[name]
        key = next(lot.key for cause, lot in self.lots.items() if cause in taken or cause in self.held.get(name, ()))
        self.settle(at, key.__eq__)
        if name in self.final:
            return "spend_not_found"
        left = sum(taken.values()) if amount is None else amount
        if not left or left > sum(taken.values()):
            return "above_spent"
        late = 0
        for cause in sorted(taken, key=lambda cause: self.lots[cause].order(), reverse=True):
            lot, part = self.lots[cause], min(left, taken[cause])
            left -= part
            taken[cause] -= part
            if part:
                lot.used -= part
                moment = max(at, lot.since)
                self._come(lot, part, moment)
                if lot.expiry > at:
                    self._repay(lot, part, moment)
                elif grace is None:
                    self._expire(lot, part, moment)
                else:
                    self._go(lot, part, moment)
                    lot.used += part
                    late += part
        if late and grace is not None:
            self._receive(str(act), OracleLot(key, at, at + grace, rank=rank, given=late), at)
        return ""

    def adjust(self, name: UUID, key: Key, amount: int, at: datetime, expires: datetime | None, rank: bytes) -> str:
        """Also what a partner issues."""
        self.settle(at, key.__eq__)
        if amount < 0:
            self.final.add(name)
            return self.spend(name, key, -amount, at)
        self._receive(str(name), OracleLot(key, at, expires, rank=rank, given=amount), at)
        return ""

    def transfer(self, name: UUID, key: Key, receiver: UUID, amount: int, at: datetime, ranks: Callable[[int], bytes]) -> str:
        self.settle(at, lambda other: other in (key, (receiver, key[1])))
        before = {cause: lot.left for cause, lot in self.lots.items()}
        self.final.add(name)
        if refusal := self.spend(name, key, amount, at):
            return refusal
        taken = [cause for cause in before if before[cause] > self.lots[cause].left and self.lots[cause].key == key]
        for number, cause in enumerate(sorted(taken, key=lambda cause: self.lots[cause].order())):
            lot = self.lots[cause]
            got = before[cause] - lot.left
            other = OracleLot((receiver, key[1]), at, lot.expires, rank=ranks(number), given=got)
            self._receive(f"{name} {number}", other, at)
        return ""

    def _receive(self, name: Hashable, lot: OracleLot, at: datetime) -> None:
        self.lots[name] = lot
        self._come(lot, lot.given, at)
        self._repay(lot, lot.given, at)

    # What all of it is made of

    def available(self, key: Key) -> int:
        return sum(lot.left for lot in self.lots.values() if lot.key == key)

    def _soonest(self, key: Key, amount: int) -> Iterable[tuple[Hashable, int]]:
        mine = [cause for cause, lot in self.lots.items() if lot.key == key and lot.left]
        for cause in sorted(mine, key=lambda cause: self.lots[cause].order()):
            part = min(amount, self.lots[cause].left)
            amount -= part
            if part:
                yield cause, part

    def _end(self, name: UUID, at: datetime) -> None:
        self.holds[name].is_open = False
        for cause in sorted(self.held[name], key=lambda cause: self.lots[cause].order()):
            lot, part = self.lots[cause], self.held[name][cause]
            self.held[name][cause] = 0
            lot.held -= part
            moment = max(at, lot.since)
            self._come(lot, part, moment)
            if lot.expiry <= at:
                self._expire(lot, part, moment)
            else:
                self._repay(lot, part, moment)

    def _restore(self, lot: OracleLot, amount: int) -> None:
        lot.expired -= amount
        self._come(lot, amount, lot.expiry)

    def _expire(self, lot: OracleLot, amount: int, at: datetime) -> None:
        self._go(lot, amount, at)
        lot.expired += amount

    def _repay(self, lot: OracleLot, risen: int, at: datetime) -> None:
        paid = min(risen, self.debts[lot.key])
        self._go(lot, paid, at)
        lot.used += paid
        self.debts[lot.key] -= paid

    def _come(self, lot: OracleLot, amount: int, at: datetime) -> None:
        lot.left += amount
        self.said[(*lot.key, at)] += amount

    def _go(self, lot: OracleLot, amount: int, at: datetime) -> None:
        self._come(lot, -amount, at)

    def balances(self) -> dict[Key, tuple[int, int, int, int]]:
        """(available, pending, held, debt), where one is above zero."""
        found = {}
        for key in {lot.key for lot in self.lots.values()} | set(self.debts):
            lots = [lot for lot in self.lots.values() if lot.key == key]
            amounts = (
                sum(lot.left for lot in lots),
                sum(lot.pending for lot in lots),
                sum(lot.held for lot in lots),
                self.debts[key],
            )
            if any(amounts):
                found[key] = amounts
        return found

    def timeline(self) -> dict[tuple[UUID, str, datetime], int]:
        """What changed in what was available at each moment, as we know it now."""
        return {key: delta for key, delta in self.said.items() if delta}
