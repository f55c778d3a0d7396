"""Points outstanding, and what became of those that were given: by the month in which they were earned, and month by month.

Movements are read by the accounts that they debit and credit, so that a new kind of movement is counted right. What an owner
has available, pending or held is **outstanding**. It was **given** by the programme, by hand, by a partner or by another owner
(less what was taken back), and ends as **redeemed** (spent, given to a charity, spent at a partner, used to pay a debt) or as
**expired**. So given − redeemed − expired = outstanding, lot by lot, and after a debt too: what is owed was redeemed from what
is now no longer given, and counts as redeemed again from what pays it.
"""

from datetime import datetime
from enum import StrEnum

import ibis
import ibis.expr.types as ir

from stamgast.insights.orders import ORDER_KINDS, day_in_zone

OUTSTANDING = (11, 12, 13)
GIVEN = (1, 4, 5, 8)
EXPIRED = (2,)
REDEEMED = (3, 7, 14)
PARTNER = 6
ISSUE = 24
"""Accounts by their numbers in the ledger; a partner both gives (the kind of movement ``ISSUE``) and redeems."""


class Clock(StrEnum):
    """By which moment months are told: when it happened, or when the ledger knew."""

    HAPPENED = "effective_at"
    KNOWN = "posted_at"


def flows_of(movements: ir.Table) -> ir.Table:
    """What each movement gave, redeemed, expired and left outstanding.

    Definition: as the module says. Formula: given − redeemed − expired = outstanding, in every row. Grain: one row a movement
    that touches an owner; movements between an owner's own accounts have zeros. Unit: the currency's smallest unit, signed.
    Zone: none; moments stay. Returns: what is taken back is given below zero.
    Source: movements (currency, kind, debit, credit, amount, effective_at, posted_at, lot_id, activity_id, movement_id).

    >>> moment = datetime(2026, 2, 3, tzinfo=UTC)
    >>> rows = [("given", 1, 1, 11, 10), ("spent", 7, 11, 3, 4), ("owed", 5, 14, 1, 2), ("held", 8, 11, 13, 1)]
    >>> movements = ibis.memtable(pa.table({"movement_id": [row[0] for row in rows], "kind": [row[1] for row in rows],
    ...     "debit": [row[2] for row in rows], "credit": [row[3] for row in rows], "amount": [row[4] for row in rows],
    ...     "currency": ["points"] * 4, "effective_at": [moment] * 4, "posted_at": [moment] * 4, "lot_id": ["a"] * 4,
    ...     "activity_id": ["o"] * 4}))
    >>> flows = flows_of(movements).order_by(ibis._.amount.desc())
    >>> flows = flows.select("given", "redeemed", "expired", "outstanding")
    >>> [tuple(row.values()) for row in flows.to_pyarrow().to_pylist()]
    [(10, 0, 0, 10), (0, 4, 0, -4), (-2, -2, 0, 0), (0, 0, 0, 0)]
    """
    is_issue = movements.kind == ISSUE

    def out_of(accounts: tuple[int, ...], *, partner: ir.BooleanValue | None = None) -> ir.IntegerValue:
        debited, credited = movements.debit.isin(accounts), movements.credit.isin(accounts)
        if partner is not None:
            debited |= (movements.debit == PARTNER) & partner
            credited |= (movements.credit == PARTNER) & partner
        return movements.amount * (debited.cast("int64") - credited.cast("int64"))

    return movements.select(
        "currency",
        "amount",
        "activity_id",
        "effective_at",
        "posted_at",
        lot_id=ibis.coalesce(movements.lot_id, movements.movement_id),
        given=out_of(GIVEN, partner=is_issue),
        redeemed=-out_of(REDEEMED, partner=~is_issue),
        expired=-out_of(EXPIRED),
        outstanding=-out_of(OUTSTANDING),
    )


def known_by(movements: ir.Table, *, at: datetime | None = None, known_at: datetime | None = None) -> ir.Table:
    """The movements that count at ``at`` and were known at ``known_at``; None is no limit. Grain, unit: as before. Zone: none.

    >>> moments = [datetime(2026, 2, 3, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)]
    >>> movements = ibis.memtable(pa.table({"amount": [1, 2], "effective_at": moments, "posted_at": moments[::-1]}))
    >>> known_by(movements, at=moments[0]).amount.to_pyarrow().to_pylist()
    [1]
    >>> known_by(movements, known_at=moments[0]).amount.to_pyarrow().to_pylist()
    [2]
    """
    if at is not None:
        movements = movements.filter(movements.effective_at <= ibis.literal(at, "timestamp('UTC')"))
    if known_at is not None:
        movements = movements.filter(movements.posted_at <= ibis.literal(known_at, "timestamp('UTC')"))
    return movements


def outstanding_by_age_and_expiry(flows: ir.Table, lots: ir.Table, zone: str) -> ir.Table:
    """What is outstanding, by the month in which it was earned and the month in which it expires.

    Definition: the outstanding of every lot, at the moment to which ``flows`` go. A lot is earned in the month of the first
    movement that counts for it. Its expiry is the one that the ledger holds now: how it was earlier is not kept. It expires
    in the month of the last moment at which it is good: what ends at midnight stands under the day that ends then.
    Formula: ``points`` = Σ outstanding. Grain: one row a currency, earned month and month of expiry (null: never), where it is
    not zero. Unit: points. Zone: the shop's, in which months are cut. Returns: taken off the lot that they lower.
    Source: ``flows_of``, and lots (lot_id, expires_at).

    >>> flows = ibis.memtable(pa.table({"currency": ["points"] * 3, "lot_id": ["a", "a", "b"], "outstanding": [10, -4, 7],
    ...     "effective_at": [datetime(2026, month, 3, tzinfo=UTC) for month in (1, 2, 2)]}))
    >>> lots = ibis.memtable(pa.table({"lot_id": ["a"], "expires_at": [datetime(2027, 2, 1, tzinfo=UTC)]}))
    >>> rows = outstanding_by_age_and_expiry(flows, lots, "UTC").to_pyarrow().to_pylist()
    >>> [(str(row["earned_month"]), str(row["expiry_month"]), row["points"]) for row in rows]
    [('2026-01-01', '2027-01-01', 6), ('2026-02-01', 'None', 7)]
    """
    each = flows.group_by("currency", "lot_id").aggregate(
        earned_at=flows.effective_at.min(), points=flows.outstanding.sum().cast("int64")
    )
    each = each.filter(each.points != 0).left_join(lots, "lot_id")
    last_good = each.expires_at - ibis.interval(microseconds=1)
    rows = each.group_by("currency", earned_month=_month(each.earned_at, zone), expiry_month=_month(last_good, zone)).aggregate(
        points=each.points.sum().cast("int64")
    )
    return rows.order_by("currency", "earned_month", ibis.asc("expiry_month", nulls_first=False))


def vintage_cells(flows: ir.Table, zone: str, clock: Clock = Clock.HAPPENED) -> ir.Table:
    """What was given, redeemed and expired in each month, of the points that were earned in each month.

    Definition: a vintage is the lots whose first movement is of one month; a transfer begins a new lot with who receives it.
    Formula: sums of the flows. Grain: one row a currency, vintage and month in which something moved. Unit: points, signed.
    Zone: the shop's, in which months are cut. Returns: below zero in the month that ``clock`` tells. Source: ``flows_of``.

    >>> moments = [datetime(2026, month, 3, tzinfo=UTC) for month in (1, 2, 2)]
    >>> flows = ibis.memtable(pa.table({"currency": ["points"] * 3, "lot_id": ["a", "a", "b"], "given": [10, 0, 7],
    ...     "redeemed": [0, 4, 0], "expired": [0, 0, 0], "effective_at": moments, "posted_at": moments}))
    >>> for row in vintage_cells(flows, "UTC").to_pyarrow().to_pylist():
    ...     print(row["vintage"], row["month"], row["given"], row["redeemed"], row["expired"])
    2026-01-01 2026-01-01 10 0 0
    2026-01-01 2026-02-01 0 4 0
    2026-02-01 2026-02-01 7 0 0
    """
    moment = flows[clock.value]
    dated = flows.select("currency", "lot_id", "given", "redeemed", "expired", month=_month(moment, zone))
    first = dated.group_by("lot_id").aggregate(vintage=dated.month.min())
    told = dated.join(first, "lot_id")
    cells = told.group_by("currency", "vintage", "month").aggregate(
        **{name: told[name].sum().cast("int64") for name in ("given", "redeemed", "expired")}
    )
    moved = (cells.given != 0) | (cells.redeemed != 0) | (cells.expired != 0)
    return cells.filter(moved).order_by("currency", "vintage", "month")


def points_over_time(cells: ir.Table) -> ir.Table:
    """What was given, redeemed and expired month by month, and what was outstanding at the end of each.

    Definition: the cells of all vintages added up. Formula: ``outstanding`` = the running sum of given − redeemed − expired.
    Grain: one row a currency and month in which something moved. Unit: points. Zone: that of the cells.
    Returns: taken off what was given. Source: ``vintage_cells``.

    >>> cells = ibis.memtable(pa.table({"currency": ["points"] * 2, "vintage": [date(2026, 1, 1)] * 2,
    ...     "month": [date(2026, 1, 1), date(2026, 2, 1)], "given": [10, 0], "redeemed": [0, 4], "expired": [0, 1]}))
    >>> points_over_time(cells).select("redeemed", "outstanding").to_pyarrow().to_pylist()
    [{'redeemed': 0, 'outstanding': 10}, {'redeemed': 4, 'outstanding': 5}]
    """
    months = cells.group_by("currency", "month").aggregate(
        **{name: cells[name].sum().cast("int64") for name in ("given", "redeemed", "expired")}
    )
    left = months.given - months.redeemed - months.expired
    running = left.sum().over(group_by=months.currency, order_by=months.month, rows=(None, 0))
    return months.mutate(outstanding=running.cast("int64")).order_by("currency", "month")


def sales_by_vintage(
    flows: ir.Table, activities: ir.Table, currencies: tuple[str, ...], money: str, zone: str, clock: Clock = Clock.HAPPENED
) -> ir.Table:
    """What was sold by the purchases that gave points, by the month in which their lots are earned.

    Definition: each purchase with a movement that gave some of ``currencies`` counts once, with the amount that it was sent
    with, in the first month of its lots. Grain: one row a vintage. Unit: minor units of ``money``; purchases in other money are
    left out. Zone: the shop's. Returns: not taken off; the journal lowers what was deferred by the points that they take back.
    Source: ``flows_of``, and activities (activity_id, kind, amount_minor, currency).

    >>> moments = [datetime(2026, month, 3, tzinfo=UTC) for month in (1, 2)]
    >>> flows = ibis.memtable(pa.table({"currency": ["points"] * 2, "activity_id": ["o", "o"], "given": [10, 2],
    ...     "effective_at": moments, "posted_at": moments}))
    >>> activities = ibis.memtable(pa.table({"activity_id": ["o"], "kind": ["Order Completed"], "amount_minor": [1250],
    ...     "currency": ["EUR"]}))
    >>> sales_by_vintage(flows, activities, ("points",), "EUR", "UTC").to_pyarrow().to_pylist()
    [{'vintage': datetime.date(2026, 1, 1), 'sales_minor': 1250}]
    """
    given = flows.filter(flows.given > 0, flows.currency.isin(currencies), flows.activity_id.notnull())
    first = given.group_by("activity_id").aggregate(earned_at=given[clock.value].min())
    sold = activities.filter(activities.kind.isin(ORDER_KINDS), activities.currency == money, activities.amount_minor > 0)
    told = first.join(sold, "activity_id")
    rows = told.group_by(vintage=_month(told.earned_at, zone)).aggregate(sales_minor=told.amount_minor.sum().cast("int64"))
    return rows.order_by("vintage")


def _month(moment: ir.Value, zone: str) -> ir.DateValue:
    return day_in_zone(moment, zone).truncate("M").cast("date")
