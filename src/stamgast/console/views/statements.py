"""The statement of one customer: what there was, what moved and why, what was left; and the balance at any moment."""

import csv
import io
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.http import urlencode
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from stamgast.activities.named import list_named
from stamgast.console.ledger_words import cause_of
from stamgast.console.pages import note, page, shop_zone, show
from stamgast.console.views.customers import profile_name
from stamgast.console.words import movement_word
from stamgast.customers.queries import get_profile
from stamgast.kit.database import Cursor, open_cursor, transaction
from stamgast.kit.paging import LARGEST_PAGE
from stamgast.ledger.history import Amounts, Clock, Line, Statement, list_balances_at, read_statement

ROWS = 50
USUAL_DAYS = 90
LARGEST_CSV = 200_000
HEADS = (
    "posted_at", "occurred_at", "what", "cause", "currency", "available", "pending", "held", "debt", "available_after",
    "pending_after", "held_after", "debt_after", "activity_id", "rule", "programme_version", "reason", "actor", "movement_id",
    "corrects",
)  # fmt: skip


@page
@require_GET
def statement(request: HttpRequest, reference: str) -> HttpResponse:
    """A period by one of the clocks, by default by what was known: a period that is over never changes."""
    asked = _asked(request)
    at, known_at = (_moment(request.GET.get(name, "")) for name in ("at", "known_at"))
    with open_cursor() as cursor:
        profile = get_profile(cursor, reference)
        customer = profile.customer.id
        found = _read(cursor, customer, asked, request.GET.get("after") or None, ROWS)
        lines = _lines(cursor, found)
        then = list_balances_at(cursor, customer, at=at, known_at=known_at) if at or known_at else None
    context = {
        "customer_id": customer,
        "name": profile_name(profile),
        "statement": found,
        "currencies": [
            {"name": currency, "opening": found.opening[currency], "closing": closing}
            for currency, closing in sorted(found.closing.items())
        ],
        "is_owing": any(amounts.debt for amounts in (*found.opening.values(), *found.closing.values())),
        "lines": lines,
        "asked": asked,
        "last_day": asked["until"] - timedelta(days=1),
        "is_happened": asked["clock"] is Clock.HAPPENED,
        "query": _query(asked),
        "next": f"{_query(asked)}&{urlencode({'after': found.lines.next_cursor})}" if found.lines.next_cursor else "",
        "then": then,
        "at": request.GET.get("at", ""),
        "known_at": request.GET.get("known_at", ""),
    }
    return show(request, "console/statement.html", context)


@page
@require_GET
def statement_csv(request: HttpRequest, reference: str) -> HttpResponse:
    """Every line of the period, with its cause; it stands in the trail."""
    asked = _asked(request)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADS)
    with transaction() as cursor:
        customer = get_profile(cursor, reference).customer.id
        after, count = None, 0
        while count < LARGEST_CSV:
            found = _read(cursor, customer, asked, after, LARGEST_PAGE)
            for line in _lines(cursor, found):
                writer.writerow(_cells(line))
            after, count = found.lines.next_cursor, count + len(found.lines.rows)
            if after is None:
                break
        note(cursor, request, "export statement", str(customer), days=_query(asked))
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="statement.csv"'
    return response


def _asked(request: HttpRequest) -> dict[str, Any]:
    """The period in days of the shop, both included in the address; the last 90 days where it makes no sense."""
    today = localdate(timezone=shop_zone())
    first, last = (_day(request.GET.get(name, "")) for name in ("from", "to"))
    last = last or today
    if first is None or first > last:
        first = last - timedelta(days=USUAL_DAYS)
    clock = Clock.HAPPENED if request.GET.get("clock") == Clock.HAPPENED else Clock.KNOWN
    return {"since": _midnight(first), "until": _midnight(last + timedelta(days=1)), "clock": clock}


def _read(cursor: Cursor, customer: UUID, asked: dict[str, Any], after: str | None, limit: int) -> Statement:
    return read_statement(cursor, customer, **asked, after=after, limit=limit)


def _lines(cursor: Cursor, found: Statement) -> list[dict[str, Any]]:
    """Lines in words, with the activities behind them in one query."""
    rows = found.lines.rows
    activities = list_named(cursor, {row.movement.activity_id for row in rows if row.movement.activity_id})
    return [_line(row, activities, found.clock) for row in rows]


def _line(line: Line, activities: dict[UUID, Any], clock: Clock) -> dict[str, Any]:
    movement = line.movement
    activity = activities.get(movement.activity_id) if movement.activity_id else None
    moments = (movement.posted_at, movement.effective_at)
    at, other = moments if clock is Clock.KNOWN else moments[::-1]
    return {
        "movement": movement,
        "at": at,
        "other": other if other.astimezone(shop_zone()).date() != at.astimezone(shop_zone()).date() else None,
        "word": movement_word(movement),
        "cause": cause_of(movement, activity),
        "change": line.change,
        "after": line.after,
        "asides": _asides(line.change),
        "corrects": line.corrects,
        "corrects_at": line.corrects_at,
    }


def _asides(change: Amounts) -> list[tuple[str, int]]:
    """What changed beside what is available."""
    named = ((_("pending"), change.pending), (_("set aside"), change.held), (_("debt"), change.debt))
    return [(label, amount) for label, amount in named if amount]


def _cells(line: dict[str, Any]) -> list[Any]:
    movement = line["movement"]
    cells = [
        movement.posted_at.isoformat(), movement.effective_at.isoformat(), line["word"], line["cause"], movement.currency,
        *line["change"], *line["after"], movement.activity_id or "", movement.rule, movement.programme_version or "",
        movement.reason, movement.actor, movement.id, line["corrects"] or "",
    ]  # fmt: skip
    return [
        f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell for cell in cells
    ]


def _query(asked: dict[str, Any]) -> str:
    zone = shop_zone()
    days = {
        "from": asked["since"].astimezone(zone).date().isoformat(),
        "to": (asked["until"].astimezone(zone) - timedelta(hours=12)).date().isoformat(),
    }
    return urlencode({**days, "clock": asked["clock"].value})


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1970 < day.year < 9998 else None


def midnight_of(text: str) -> datetime | None:
    """The midnight that begins a day of the shop; None where it is no day."""
    day = _day(text)
    return _midnight(day) if day else None


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=shop_zone())


def _moment(text: str) -> datetime | None:
    """A moment on the clock of the shop; None where it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=shop_zone()) if 1970 < moment.year < 9998 and moment.tzinfo is None else None
