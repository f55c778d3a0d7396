"""The measures again, in plain Python and written from their definitions: no Ibis, no columns, exact where they can be."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import ceil, sqrt

Z = 1.959963984540054


@dataclass(frozen=True)
class Order:
    customer_id: str
    ordered_on: date
    amount_minor: int
    is_return: bool = False
    currency: str = "EUR"


def bought(orders, first, last, currency=None):
    return [
        order for order in orders
        if not order.is_return and order.amount_minor > 0 and first <= order.ordered_on <= last
        and currency in (None, order.currency)
    ]  # fmt: skip


def wilson(successes, trials):
    if trials == 0:
        return None, None
    share = successes / trials
    root = Z * sqrt(share * (1 - share) / trials + Z * Z / (4 * trials * trials))
    scale = 1 + Z * Z / trials
    centre = share + Z * Z / (2 * trials)
    return max(0.0, (centre - root) / scale), min(1.0, (centre + root) / scale)


def retention(orders, earlier, later):
    first, second = ({o.customer_id for o in bought(orders, p.first_day, p.last_day)} for p in (earlier, later))
    before = {o.customer_id for o in bought(orders, date.min, later.first_day) if o.ordered_on < later.first_day}
    new = second - before
    low, high = wilson(len(first & second), len(first))
    return {
        "start": len(first), "end": len(second), "retained": len(first & second), "lost": len(first - second),
        "reactivated": len(second - first - new), "new": len(new),
        "classic": (len(second) - len(new)) / len(first) if first else None,
        "value": len(first & second) / len(first) if first else None, "low": low, "high": high,
    }  # fmt: skip


def churn(orders, earlier, later):
    counts = retention(orders, earlier, later)
    start, lost = counts["start"], counts["lost"]
    low, high = wilson(lost, start)
    return {"start": start, "lost": lost, "value": lost / start if start else None, "low": low, "high": high}


def repeat_purchase_rate(orders, period):
    times = Counter(o.customer_id for o in bought(orders, period.first_day, period.last_day))
    repeat = sum(1 for n in times.values() if n >= 2)
    low, high = wilson(repeat, len(times))
    value = repeat / len(times) if times else None
    return {"customers": len(times), "repeat_customers": repeat, "value": value, "low": low, "high": high}


def ratio(pairs):
    """Σy / Σx with its interval over the units, exact until the root."""
    total_x, total_y, n = sum(x for x, _ in pairs), sum(y for _, y in pairs), len(pairs)
    if not n:
        return None, None, None
    value = Fraction(total_y, total_x)
    if n == 1:
        return float(value), None, None
    error = sqrt(Fraction(n, n - 1) * sum((y - value * x) ** 2 for x, y in pairs)) / total_x
    return float(value), max(0.0, float(value) - Z * error), float(value) + Z * error


def purchase_frequency(orders, period):
    times = Counter(o.customer_id for o in bought(orders, period.first_day, period.last_day))
    value, low, high = ratio([(1, n) for n in times.values()])
    return {"customers": len(times), "orders": sum(times.values()), "value": value, "low": low, "high": high}


def average_order_value(orders, period, currency):
    times, spent = Counter(), Counter()
    for order in bought(orders, period.first_day, period.last_day, currency):
        times[order.customer_id] += 1
        spent[order.customer_id] += order.amount_minor
    value, low, high = ratio([(times[c], spent[c]) for c in times])
    return {
        "customers": len(times), "orders": sum(times.values()), "revenue_minor": sum(spent.values()),
        "value": value, "low": low, "high": high,
    }  # fmt: skip


def revenue(orders, period, currency):
    rows = bought(orders, period.first_day, period.last_day, currency)
    return {
        "customers": len({o.customer_id for o in rows}), "orders": len(rows), "value": sum(o.amount_minor for o in rows)
    }  # fmt: skip


def order_counts(orders, period, currency):
    rows = [o for o in orders if period.first_day <= o.ordered_on <= period.last_day]
    sold = [o for o in rows if not o.is_return and o.amount_minor > 0]
    returns = [o for o in rows if o.is_return]
    return {
        "orders": len(sold), "zero_orders": len(rows) - len(returns) - len(sold),
        "other_currency_orders": sum(o.currency != currency for o in sold), "returns": len(returns),
        "returned_minor": sum(o.amount_minor for o in returns if o.currency == currency),
    }  # fmt: skip


def top_share(orders, period, currency):
    spent = Counter()
    for order in bought(orders, period.first_day, period.last_day, currency):
        spent[order.customer_id] += order.amount_minor
    amounts = sorted(spent.values(), reverse=True)
    n, total = len(amounts), sum(amounts)
    top = amounts[: ceil(Fraction(n, 5))]
    result = {"customers": n, "top_customers": len(top), "revenue_minor": total, "top_minor": sum(top)}
    if not n:
        return {**result, "value": None, "low": None, "high": None}
    value = Fraction(sum(top), total)
    if n == 1:
        return {**result, "value": 1.0, "low": None, "high": None}
    terms = [max(x - top[-1], 0) + Fraction(top[-1], 5) - value * x for x in amounts]
    mean = sum(terms) / n
    error = sqrt(sum((t - mean) ** 2 for t in terms) * Fraction(n, n - 1)) / total
    return {
        **result, "value": float(value),
        "low": max(0.0, float(value) - Z * error), "high": min(1.0, float(value) + Z * error),
    }  # fmt: skip
