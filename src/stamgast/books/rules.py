"""IFRS 15 (B39-B43) and ASC 606 (606-10-55-41 to 45) in whole numbers: pure, and exact to the last cent.

A sale that gives points sells two things. Its price is divided over both by their stand-alone prices; the part for the points
is put off, and becomes revenue as they are redeemed, in proportion to all that are expected to be. When the estimate changes,
what was counted so far is brought in line with it in the month in which it changes. See docs/algorithms/liability.md.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from stamgast.books.types import WHOLE, Book, Entry, EntryKind, Moved, Valuation

SALES = "sales"
CONTRACT_LIABILITY = "contract_liability"
POINTS_REVENUE = "points_revenue"

Expected = Callable[[str, int, int], int | None]
"""(currency, vintage, month) → points expected to be redeemed in the end as told by the history; None where it is too short."""


def allocate(amount: int, weights: Sequence[int]) -> list[int]:
    """Divides an amount by weights of zero or more, to the last unit: by the largest remainder, of two equal ones the first.

    >>> allocate(100_000, [100_000, 9_500])
    [91324, 8676]
    """
    total = sum(weights)
    if not total:
        return [amount, *([0] * (len(weights) - 1))]
    shares = [amount * weight // total for weight in weights]
    remainders = [amount * weight % total for weight in weights]
    for place in sorted(range(len(weights)), key=lambda place: -remainders[place])[: amount - sum(shares)]:
        shares[place] += 1
    return shares


def part_of(amount: int, numerator: int, denominator: int) -> int:
    """``amount × numerator / denominator`` in whole units, halves up; all of zero or more.

    >>> part_of(8_676, 4_500, 9_500), part_of(8_676, 8_500, 9_700)
    (4110, 7603)
    """
    return (2 * amount * numerator + denominator) // (2 * denominator)


def earned_of(deferred: int, redeemed: int, expected: int, *, is_over: bool) -> int:
    """What of a deferred amount is revenue when so many points of those expected were redeemed; all of it when none is left."""
    if is_over:
        return deferred
    return part_of(deferred, min(max(redeemed, 0), expected), expected) if expected > 0 else 0


@dataclass
class _Held:
    """What the books hold of one vintage of one currency."""

    valuation: Valuation | None = None
    given_at_close: int = 0
    allocated: int = 0
    deferred: int = 0
    earned: int = 0
    given: int = 0
    redeemed: int = 0
    expired: int = 0
    expected: int = 0


def journal(
    moved: Iterable[Moved],
    sales: Mapping[int, int],
    valuations: Sequence[Valuation],
    *,
    through: int,
    fitted: Expected = lambda currency, vintage, month: None,
) -> Book:
    """The entries of every month up to and including ``through``, in order.

    ``sales`` are minor units by vintage. At the end of its month a vintage's sales are divided over the goods and the points of
    every currency that has a valuation then. In each later month: what was taken back lowers what is put off, in
    proportion; what was redeemed, measured against what is expected at the end of the month, is earned. A vintage of which
    nothing is outstanding is earned whole. What is put off is always what was divided, less what was taken back and earned.
    """
    by_month: dict[int, list[Moved]] = defaultdict(list)
    for one in moved:
        by_month[one.month].append(one)
    if not by_month:
        return Book(())
    dated = _by_currency(valuations)
    held: dict[tuple[str, int], _Held] = {}
    entries: list[Entry] = []
    for month in range(min(by_month), through + 1):
        for one in by_month.get(month, ()):
            state = held.setdefault((one.currency, one.vintage), _Held())
            state.given += one.given
            state.redeemed += one.redeemed
            state.expired += one.expired
        entries += _close_vintage(month, held, sales.get(month, 0), dated)
        for (currency, vintage), state in sorted(held.items()):
            if state.allocated:
                entries += _carry_on(month, currency, vintage, state, dated, fitted)
    left = {key: state.deferred - state.earned for key, state in sorted(held.items())}
    return Book(tuple(entries), {key: amount for key, amount in left.items() if amount})


def valuation_at(valuations: Sequence[Valuation], month: int) -> Valuation | None:
    """The valuation of one currency that is in force when a month ends; None before the first."""
    place = bisect_right([_month_of(one) for one in valuations], month)
    return valuations[place - 1] if place else None


def _by_currency(valuations: Sequence[Valuation]) -> dict[str, list[Valuation]]:
    """In the order of the days from which they hold; of two of one day the later decision."""
    dated: dict[str, list[Valuation]] = defaultdict(list)
    for one in sorted(valuations, key=lambda one: (one.valid_from, one.decided_at)):
        dated[one.currency].append(one)
    return dated


def _month_of(valuation: Valuation) -> int:
    return 12 * valuation.valid_from.year + valuation.valid_from.month - 1


def _close_vintage(
    month: int, held: dict[tuple[str, int], _Held], sold: int, dated: Mapping[str, Sequence[Valuation]]
) -> list[Entry]:
    """The sales of a month are divided once, when it is over."""
    fresh = []
    for (currency, vintage), state in sorted(held.items()):
        valuation = valuation_at(dated.get(currency, ()), month)
        if vintage == month and valuation is not None and state.given > 0:
            state.valuation = valuation
            fresh.append((currency, state, state.given * valuation.price_minor * valuation.share))
    _goods, *parts = allocate(sold, [sold * 1_000 * WHOLE, *(weight for _, _, weight in fresh)])
    entries = []
    for (currency, state, _weight), part in zip(fresh, parts, strict=True):
        state.given_at_close, state.allocated, state.deferred = state.given, part, part
        if part:
            entries.append(Entry(month, currency, month, EntryKind.DEFERRED, SALES, CONTRACT_LIABILITY, part, 0))
    return entries


def _carry_on(
    month: int,
    currency: str,
    vintage: int,
    state: _Held,
    dated: Mapping[str, Sequence[Valuation]],
    fitted: Expected,
) -> list[Entry]:
    entries = []
    given = min(max(state.given, 0), state.given_at_close)
    deferred = max(part_of(state.allocated, given, state.given_at_close), 0)
    outstanding = state.given - state.redeemed - state.expired
    before, expected = state.expected, _expected(month, currency, vintage, state, dated, fitted)
    earned = earned_of(deferred, state.redeemed, expected, is_over=outstanding <= 0)
    revision = 0
    if before and before != expected and month > vintage and outstanding > 0:
        revision = earned - earned_of(deferred, state.redeemed, max(before, state.redeemed), is_over=False)
    if deferred != state.deferred:
        entries.append(
            _signed(month, currency, vintage, EntryKind.TAKEN_BACK, SALES, deferred - state.deferred, CONTRACT_LIABILITY)
        )
    if earned != state.earned:
        change = earned - state.earned
        entries.append(
            _signed(month, currency, vintage, EntryKind.EARNED, CONTRACT_LIABILITY, change, POINTS_REVENUE, revision)
        )
    state.deferred, state.earned, state.expected = deferred, earned, expected
    return entries


def _signed(
    month: int, currency: str, vintage: int, kind: EntryKind, debit: str, amount: int, credit: str, revision: int = 0
) -> Entry:
    """An entry with an amount above zero: below it, the accounts change sides."""
    if amount < 0:
        debit, credit, amount = credit, debit, -amount
    return Entry(month, currency, vintage, kind, debit, credit, amount, revision)


def _expected(
    month: int,
    currency: str,
    vintage: int,
    state: _Held,
    dated: Mapping[str, Sequence[Valuation]],
    fitted: Expected,
) -> int:
    """How many points of a vintage are redeemed in the end: as the history tells, or the share that was decided on. Never fewer
    than were, nor more than may be."""
    valuation = valuation_at(dated.get(currency, ()), month)
    assert valuation is not None, "what was divided had a valuation by then"
    expected = fitted(currency, vintage, month) if valuation.is_fitted else None
    if expected is None:
        expected = part_of(max(state.given, 0), valuation.share, WHOLE)
    outstanding = state.given - state.redeemed - state.expired
    return max(state.redeemed, min(expected, state.redeemed + outstanding))
