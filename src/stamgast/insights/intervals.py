"""How sure an estimate is, at 95 %, as Ibis expressions. Each takes sums that one pass gave; none looks at single rows."""

from statistics import NormalDist
from typing import NamedTuple

import ibis
import ibis.expr.types as ir

LEVEL = 0.95
Z = NormalDist().inv_cdf(0.5 + LEVEL / 2)


class Interval(NamedTuple):
    """The lower and the upper limit."""

    low: ir.NumericValue
    high: ir.NumericValue


def wilson(successes: ir.Value, trials: ir.Value) -> Interval:
    """Wilson's score interval of a share (1927): right for few customers and near 0 and 1. Null without trials.

    >>> from stamgast.insights import intervals
    >>> row = ibis.memtable(pa.table({"bought": [8], "customers": [10]}))
    >>> low, high = intervals.wilson(row.bought, row.customers)
    >>> [round(limit, 4) for limit in row.select(low=low, high=high).to_pyarrow().to_pylist()[0].values()]
    [0.4902, 0.9433]
    """
    count = _number(trials).nullif(0)
    share = _number(successes) / count
    centre = share + Z * Z / (2 * count)
    reach = Z * (share * (1 - share) / count + Z * Z / (4 * count * count)).sqrt()
    scale = 1 + Z * Z / count
    return Interval(_floor((centre - reach) / scale, 0.0), _ceiling((centre + reach) / scale, 1.0))


def ratio_of_sums(ratio: ir.Value, divisor: ir.Value, units: ir.Value, squared_residuals: ir.Value) -> Interval:
    """The interval of a ratio of two sums over independent units, by linearisation (Cochran 1977, 6.4).

    ``squared_residuals`` is the sum of (y − ratio · x)² over the units and ``divisor`` the sum of x. The units are
    customers, so that many orders of one person do not pass for many opinions. Null below two units.
    """
    count = _number(units)
    error = (count / (count - 1).nullif(0) * _number(squared_residuals)).sqrt() / _number(divisor).nullif(0)
    return Interval(_floor(_number(ratio) - Z * error, 0.0), _number(ratio) + Z * error)


def difference(value: ir.Value, low: ir.Value, high: ir.Value, before: ir.Value, low_b: ir.Value, high_b: ir.Value) -> Interval:
    """The interval of ``value − before`` from the limits of both (MOVER: Newcombe 1998, Zou and Donner 2008).

    Takes the two as independent. The same customers in both make it somewhat too wide, never too hopeful.
    """
    change = _number(value) - _number(before)
    down = ((_number(value) - _number(low)) ** 2 + (_number(high_b) - _number(before)) ** 2).sqrt()
    up = ((_number(high) - _number(value)) ** 2 + (_number(before) - _number(low_b)) ** 2).sqrt()
    return Interval(change - down, change + up)


def _number(value: ir.Value) -> ir.FloatingValue:
    return value.cast("float64")


def _floor(value: ir.NumericValue, least: float) -> ir.NumericValue:
    """Not below ``least``, and null where the value is null: ``greatest`` alone would ignore the null."""
    return ibis.ifelse(value < least, least, value)


def _ceiling(value: ir.NumericValue, most: float) -> ir.NumericValue:
    return ibis.ifelse(value > most, most, value)
