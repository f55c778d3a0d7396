"""What another programme would do, before it is published: the history decided by both, with the same ``decide``.

Of a large shop only the first customers by bucket are looked at, which is a random sample of all and always the same one.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from stamgast.flows.history import read_history
from stamgast.insights.sampling import Estimate, count_of_all, sum_of_all
from stamgast.kit.database import Cursor
from stamgast.programmes.deciding import decide
from stamgast.programmes.documents import load
from stamgast.programmes.programme import Programme, compile_programme
from stamgast.programmes.queries import count_decided, count_outdated, get_programme, list_decided
from stamgast.programmes.types import Version
from stamgast.segments.queries import get_segment, membership_test
from stamgast.segments.rules import BALANCE_PREFIX

CUSTOMERS = 4_000
"""The most that are looked at. A share of 10 % of them is known to within a hundredth."""
ACTIVITIES = 150_000
"""Enough to stop at: what takes some seconds to read and decide twice."""
CHUNK = 500
FIRST = 10
ALWAYS = datetime.fromisoformat("1970-01-01T00:00:00+00:00").astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a draft would do to the customers of a segment, had it held from ``effective_from`` on (None: always).

    ``sums`` holds for each currency what all have before and after. ``first_entering`` and ``first_leaving`` name some.
    """

    effective_from: datetime | None
    customers: int
    looked_at: int
    activities: int
    before: Estimate
    after: Estimate
    entering: Estimate
    leaving: Estimate
    first_entering: tuple[UUID, ...]
    first_leaving: tuple[UUID, ...]
    sums: Mapping[str, tuple[Estimate, Estimate]]
    decided_again: int

    @property
    def is_sample(self) -> bool:
        """Whether not everybody was looked at."""
        return self.looked_at < self.customers


def weigh_programme(
    cursor: Cursor,
    document: str,
    *,
    effective_from: datetime | None,
    at: datetime,
    segment: str = "loyal-customers",
    customers: int = CUSTOMERS,
) -> Effect:
    """The effect of ``document`` at the moment ``at``: in place of every version, or from ``effective_from`` on.

    Changes nothing. Raises InvalidProgramme.
    """
    in_force = get_programme(cursor)
    proposed = propose(in_force, document, effective_from=effective_from, at=at)
    is_in = membership_test(get_segment(cursor, segment))
    total = count_decided(cursor, in_force.name)
    chosen = list_decided(cursor, in_force.name, limit=min(customers, CUSTOMERS))
    held: list[tuple[UUID, Counter[str], Counter[str]]] = []
    activities = 0
    for place in range(0, len(chosen), CHUNK):
        chunk = chosen[place : place + CHUNK]
        # Both programmes may read properties that the other does not, so everything is read once, with the body if need be.
        with_body = not {"properties", "lines"}.isdisjoint(proposed.columns)
        table = read_history(cursor, in_force, chunk, with_body=with_body)
        old, new = (balances_at(decide(one, None, table).table, at) for one in (in_force, proposed))
        held += [(one, old.get(one.bytes, Counter()), new.get(one.bytes, Counter())) for one in chunk]
        activities += table.num_rows
        if activities >= ACTIVITIES:
            break
    was = [is_in(named_for_segments(old)) for _, old, _ in held]
    will = [is_in(named_for_segments(new)) for _, _, new in held]
    entering = [one for (one, _, _), before, after in zip(held, was, will, strict=True) if after and not before]
    leaving = [one for (one, _, _), before, after in zip(held, was, will, strict=True) if before and not after]
    currencies = dict.fromkeys([*in_force.documents[-1].currencies, *proposed.documents[-1].currencies])
    return Effect(
        effective_from=effective_from,
        customers=total,
        looked_at=len(held),
        activities=activities,
        before=count_of_all(sum(was), len(held), total),
        after=count_of_all(sum(will), len(held), total),
        entering=count_of_all(len(entering), len(held), total),
        leaving=count_of_all(len(leaving), len(held), total),
        first_entering=tuple(entering[:FIRST]),
        first_leaving=tuple(leaving[:FIRST]),
        sums={
            name: (sum_of_all([old[name] for _, old, _ in held], total), sum_of_all([new[name] for _, _, new in held], total))
            for name in currencies
        },
        decided_again=count_outdated(cursor, proposed.versions[-1])
        if effective_from is not None and effective_from <= at
        else 0,
    )


def propose(in_force: Programme, document: str, *, effective_from: datetime | None, at: datetime) -> Programme:
    """A draft compiled as it would be decided by: in place of every version, or after them from ``effective_from`` on.

    Raises InvalidProgramme.
    """
    number = in_force.latest + 1
    draft = Version(load(document).programme, number, document, "", effective_from or ALWAYS, at, "draft", "")
    return compile_programme([draft] if effective_from is None else [*in_force.versions, draft])


def balances_at(rows: pa.Table, at: datetime) -> dict[bytes, Counter[str]]:
    """What customers have of each currency at a moment, by what was decided: what was given by then and has not expired."""
    balances: dict[bytes, Counter[str]] = {}
    moment = pa.scalar(at, rows.schema.field("occurred_at").type)
    rows = rows.filter(
        (pc.field("occurred_at") <= moment) & (pc.field("expires_at").is_null() | (pc.field("expires_at") > moment))
    )
    sums = rows.group_by(["customer_id", "currency"]).aggregate([("amount", "sum")])
    for row in sums.to_pylist():
        balances.setdefault(row["customer_id"], Counter())[row["currency"]] = row["amount_sum"]
    return balances


def named_for_segments(balances: Mapping[str, int]) -> dict[str, object]:
    """Balances by the names under which a segment's condition reads them."""
    return {BALANCE_PREFIX + currency: amount for currency, amount in balances.items()}
