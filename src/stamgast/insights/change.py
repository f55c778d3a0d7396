"""The change of a measure against the period before."""

import ibis.expr.types as ir

from stamgast.insights import intervals


def change(now: ir.Table, before: ir.Table, by: str | None = None) -> ir.Table:
    """One measure beside the same measure of an earlier period; several at once, where ``by`` is the column of their names.

    Definition: ``difference`` = value − before, in the unit of the measure (for shares: points of a share), and
    ``relative`` = difference / before. The interval of the difference is made of the two intervals
    (``intervals.difference``); when it holds 0, the data do not say that anything changed.
    Grain: one row, or one a name. Null where either period has no value. Zone, returns and source: those of the measure.
    Takes two tables with value, low and high, of one row or of one row a name.

    >>> now = ibis.memtable(pa.table({"value": [0.6], "low": [0.5], "high": [0.7]}))
    >>> before = ibis.memtable(pa.table({"value": [0.5], "low": [0.4], "high": [0.6]}))
    >>> row = change(now, before).to_pyarrow().to_pylist()[0]
    >>> {name: round(value, 3) for name, value in row.items()}  # doctest: +NORMALIZE_WHITESPACE
    {'value': 0.6, 'low': 0.5, 'high': 0.7, 'before': 0.5, 'difference': 0.1, 'difference_low': -0.041,
     'difference_high': 0.241, 'relative': 0.2}
    """
    names = [by] if by else []
    earlier = before.select(*names, before="value", before_low="low", before_high="high")
    now = now.select(*names, "value", "low", "high")
    row = now.left_join(earlier, by) if by else now.cross_join(earlier)
    interval = intervals.difference(row.value, row.low, row.high, row.before, row.before_low, row.before_high)
    difference = row.value - row.before
    return row.select(
        *names,
        "value",
        "low",
        "high",
        "before",
        difference=difference,
        difference_low=interval.low,
        difference_high=interval.high,
        relative=difference / row.before.nullif(0),
    )
