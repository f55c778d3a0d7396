"""From balances over time to stays in a segment. Pure: no clock, no database."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from stamgast.segments.types import Stay, Step

BALANCE_PREFIX = "balance."
Test = Callable[[Mapping[str, object]], bool]


def stays_over(test: Test, before: Mapping[str, int], open_stay: Stay | None, steps: Iterable[Step]) -> list[Stay]:
    """The stays that ``steps``, taken in order of their moment, make of a customer who begins with these balances.

    ``before`` has the balance per currency; a currency it lacks is zero. The first stay returned continues ``open_stay``
    when there is one. Movements of one moment count together, so that a moment has one answer whatever the order in it.
    """
    balances = Counter(dict(before))
    stays: list[Stay] = []
    current = open_stay
    ordered = sorted(steps, key=lambda step: (step.effective_at, step.movement_id))
    for position, step in enumerate(ordered):
        balances[step.currency] += step.delta
        if position + 1 < len(ordered) and ordered[position + 1].effective_at == step.effective_at:
            continue
        is_in = test({BALANCE_PREFIX + currency: amount for currency, amount in balances.items()})
        if is_in and current is None:
            current = Stay(step.effective_at, None, step.movement_id, None)
        elif not is_in and current is not None:
            stays.append(Stay(current.entered_at, step.effective_at, current.entry_cause, step.movement_id))
            current = None
    if current is not None:
        stays.append(current)
    return stays


def balances_before(after: Mapping[str, int], steps: Sequence[Step]) -> dict[str, int]:
    """The balances that the steps started from, given those that they ended with."""
    before = Counter(dict(after))
    for step in steps:
        before[step.currency] -= step.delta
    return dict(before)


def slug_of(name: str) -> str:
    """``Loyal customers`` gives ``loyal-customers``."""
    return "-".join("".join(c if c.isalnum() else " " for c in name.casefold()).split())


def open_stay_of(stays: Sequence[Stay]) -> Stay | None:
    """The stay that lasts, if there is one: it is always the last."""
    return stays[-1] if stays and stays[-1].left_at is None else None


def spans_of(stays: Iterable[Stay]) -> list[tuple[datetime, datetime | None]]:
    """From when to when, whatever the cause."""
    return [(stay.entered_at, stay.left_at) for stay in stays]


def group_steps(changes: Iterable[tuple[UUID, Step]]) -> dict[UUID, list[Step]]:
    """Steps by customer, in the order they came."""
    grouped: dict[UUID, list[Step]] = {}
    for customer_id, step in changes:
        grouped.setdefault(customer_id, []).append(step)
    return grouped
