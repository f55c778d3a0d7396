"""The ledger in plain Python, written from docs/algorithms/expiry.md and not from the code: what every balance must be."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from stamgast.ledger.types import Wanted

Cause = tuple[UUID, UUID, str, str]


@dataclass
class OracleLot:
    given: int
    left: int
    at: datetime
    expires: datetime | None
    expired: int = 0
    spent: int = 0
    repaid: int = 0
    owed: int = 0


class Oracle:
    """Lots by cause, and debts by owner and currency. Everything else follows."""

    def __init__(self) -> None:
        self.lots: dict[Cause, OracleLot] = {}
        self.debts: Counter[tuple[UUID, str]] = Counter()
        self.spendings: list[tuple[UUID, str, datetime, int]] = []

    def post(self, wanted: Iterable[Wanted], complete: Collection[UUID]) -> None:
        known, fresh, risen = {}, [], []
        for row in wanted:
            cause = (row.owner_id, row.activity_id, row.rule, row.currency)
            if cause in self.lots:
                known[cause] = (row.amount, row.expires_at)
            elif row.amount:
                fresh.append((cause, row))
        gone = {cause: (0, lot.expires) for cause, lot in self.lots.items() if cause[0] in complete and cause not in known}
        for cause, (amount, expires) in (known | gone).items():
            lot = self.lots[cause]
            if lot.expires != expires:
                if lot.expired:
                    risen.append(cause)
                lot.left, lot.expired, lot.expires = lot.left + lot.expired, 0, expires
            for _ in range(amount - lot.given):
                lot.left += 1
                risen.append(cause)
            for _ in range(lot.given - amount):
                if lot.left:
                    lot.left -= 1
                elif lot.expired:
                    lot.expired -= 1
                else:
                    lot.owed += 1
                    self.debts[cause[0], cause[3]] += 1
            lot.given = amount
        for cause in risen:
            self._repay(cause)
        for cause, row in fresh:
            self.lots[cause] = OracleLot(row.amount, row.amount, row.occurred_at, row.expires_at)
            self._repay(cause)

    def _repay(self, cause: Cause) -> None:
        lot, key = self.lots[cause], (cause[0], cause[3])
        while lot.left and self.debts[key]:
            lot.left -= 1
            lot.repaid += 1
            self.debts[key] -= 1

    def expire(self, at: datetime, owners: Collection[UUID] | None) -> int:
        due = [
            lot
            for (owner, *_), lot in self.lots.items()
            if lot.left and lot.expires and lot.expires <= at and (owners is None or owner in owners)
        ]
        for lot in due:
            lot.expired += lot.left
            lot.left = 0
        return len(due)

    def spend(self, cause: Cause, amount: int, at: datetime) -> int:
        lot = self.lots[cause]
        amount = min(amount, lot.left)
        lot.left -= amount
        lot.spent += amount
        if amount:
            self.spendings.append((cause[0], cause[3], at, -amount))
        return amount

    def balances(self) -> dict[tuple[UUID, str], tuple[int, int]]:
        """(available, debt), where either is above zero."""
        available: Counter[tuple[UUID, str]] = Counter()
        for (owner, _, _, currency), lot in self.lots.items():
            available[owner, currency] += lot.left
        keys = set(available) | set(self.debts)
        return {key: (available[key], self.debts[key]) for key in keys if available[key] or self.debts[key]}

    def timeline(self) -> dict[tuple[UUID, str, datetime], int]:
        """What changed at each moment, as we know it now."""
        deltas: Counter[tuple[UUID, str, datetime]] = Counter()
        for (owner, _, _, currency), lot in self.lots.items():
            deltas[owner, currency, lot.at] += lot.given + lot.owed - lot.repaid
            if lot.expires:
                deltas[owner, currency, lot.expires] -= lot.expired
        for owner, currency, at, delta in self.spendings:
            deltas[owner, currency, at] += delta
        return {key: delta for key, delta in deltas.items() if delta}
