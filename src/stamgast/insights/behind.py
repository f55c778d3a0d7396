"""Who is behind a number: for each number of a page, the customers that it counts, one row each.

What a list has is what its number counts; the tests hold the two equal.
"""

from enum import StrEnum

import ibis.expr.types as ir

from stamgast.insights.types import Period


class Part(StrEnum):
    """A part of the bridge between a period and the one before it."""

    BEFORE = "before"
    STAYED = "stayed"
    LEFT = "left"
    CAME_BACK = "came-back"
    NEW = "new"
    BOUGHT = "bought"


def of_bridge(bought: ir.Table, period: Period, part: Part) -> ir.Table:
    """The customers of one part of ``bridge.bridge_over_time``.

    Definition: as there: *before* bought in the period before, *bought* in this one. Grain: one row a customer.
    Zone: that of ``ordered_on``. Returns and orders of zero: not counted. Source: purchases with neighbours.

    >>> bought = ibis.memtable(pa.table({"customer_id": ["a", "a", "b"], "ordered_on": [date(2026, 1, 9), date(2026, 2, 3),
    ...     date(2026, 2, 5)], "previous_on": [None, date(2026, 1, 9), None], "next_on": [date(2026, 2, 3), None, None]}))
    >>> february = Period(date(2026, 2, 1), date(2026, 2, 28))
    >>> {part.value: of_bridge(bought, february, part).to_pyarrow()["customer_id"].to_pylist() for part in Part}
    {'before': ['a'], 'stayed': ['a'], 'left': [], 'came-back': [], 'new': ['b'], 'bought': ['a', 'b']}
    """
    earlier = period.before
    if part in (Part.BEFORE, Part.LEFT):
        last = bought.filter(
            bought.ordered_on.between(earlier.first_day, earlier.last_day),
            bought.next_on.isnull() | (bought.next_on > earlier.last_day),
        )
        gone = last.filter(last.next_on.isnull() | (last.next_on > period.last_day))
        return (last if part is Part.BEFORE else gone).select("customer_id")
    first = bought.filter(
        bought.ordered_on.between(period.first_day, period.last_day),
        bought.previous_on.isnull() | (bought.previous_on < period.first_day),
    )
    if part is Part.NEW:
        first = first.filter(first.previous_on.isnull())
    elif part is Part.STAYED:
        first = first.filter(first.previous_on >= earlier.first_day)
    elif part is Part.CAME_BACK:
        first = first.filter(first.previous_on < earlier.first_day)
    return first.select("customer_id")
