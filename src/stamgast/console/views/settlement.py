"""What is settled with partners and charities, a month at a time, and which of them there are."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from stamgast.books.operations import add_partner, close_partner, open_partner
from stamgast.books.queries import find_partners, list_partners
from stamgast.books.types import Partner
from stamgast.console import reader
from stamgast.console.days import read_day
from stamgast.console.files import stream_csv
from stamgast.console.ledger_words import partner_kind_label, person_of
from stamgast.console.pages import act, actor_of, page, show
from stamgast.console.views.ledger import tabs
from stamgast.console.words import currency_label
from stamgast.customers.reasons import required_reason
from stamgast.customers.rules import storable
from stamgast.flows.partners import settled_days
from stamgast.kit.clock import utc_now
from stamgast.kit.database import Cursor, open_cursor, transaction
from stamgast.kit.paging import LARGEST_PAGE
from stamgast.ledger.settlement import Period, Settlement, Totals, list_settlements, sum_settlements

ROWS = 50
MONTHS = 24
LONGEST_CODE = 100
HEADS = ("day", "partner", "name", "kind", "currency", "issued", "redeemed", "donated", "net")


@page
@require_GET
def settlement(request: HttpRequest) -> HttpResponse:
    """The month's totals of each partner and charity, and the days behind them."""
    partner = storable(request.GET.get("partner", ""))[:LONGEST_CODE]
    with open_cursor() as cursor:
        month, this_month = _month(cursor, request)
        totals = sum_settlements(cursor, month, reference=partner or None)
        found = list_settlements(cursor, month, reference=partner or None, after=request.GET.get("after") or None, limit=ROWS)
        known = list_partners(cursor, limit=LARGEST_PAGE).rows
        names = find_partners(cursor, {one.reference for one in totals})
    asked = {"month": f"{month.since:%Y-%m}", "partner": partner}
    context = {
        "tabs": tabs(request, "settlement"),
        "month": reader.month(month.since),
        "zone": month.zone,
        "totals": [_row(one, names) for one in totals],
        "days": [{"day": one.day, **_row(one.totals, names)} for one in found.rows],
        "count": len({one.reference for one in totals}),
        "months": [(f"{one:%Y-%m}", reader.month(one)) for one in _months(this_month)],
        "partners": [(one.code, one.name) for one in known],
        "asked": asked,
        "query": urlencode(asked),
        "next": urlencode({**asked, "after": found.next_cursor}) if found.next_cursor else "",
    }
    return show(request, "console/settlement.html", context)


@page
@require_GET
def settlement_csv(request: HttpRequest) -> HttpResponseBase:
    """Every day of the month, by the same filter."""
    partner = storable(request.GET.get("partner", ""))[:LONGEST_CODE] or None
    with open_cursor() as cursor:
        month, _this_month = _month(cursor, request)
    return stream_csv(f"settlement-{month.since:%Y-%m}.csv", HEADS, _pages(month, partner))


@act
@require_http_methods(["GET", "POST"])
def partners(request: HttpRequest) -> HttpResponse:
    """Every partner and charity. Sent: adds one."""
    if request.method == "POST":
        said = {name: request.POST.get(name, "") for name in ("code", "kind", "name")}
        at = utc_now()
        with transaction() as cursor:
            added = add_partner(cursor, **said, at=at, actor=actor_of(request))
        words = _("%(name)s was added.") if added.added_at == at else _("%(name)s was there already. Nothing was changed.")
        messages.success(request, words % {"name": added.name})
        return redirect("console:partners")
    with open_cursor() as cursor:
        found = list_partners(cursor, after=request.GET.get("after") or None, limit=ROWS)
    context = {
        "tabs": tabs(request, "settlement"),
        "rows": [{"partner": one, "kind": partner_kind_label(one.kind), "who": person_of(one.added_by)} for one in found.rows],
        "next": urlencode({"after": found.next_cursor}) if found.next_cursor else "",
    }
    return show(request, "console/partners.html", context)


@act
@require_POST
def partner_close(request: HttpRequest, code: str) -> HttpResponse:
    """Nothing more is done with it from now on."""
    with transaction() as cursor:
        close_partner(
            cursor, code, reason=required_reason(request.POST.get("reason", "")), at=utc_now(), actor=actor_of(request)
        )
    messages.success(request, _("It is closed. What is to be settled stays."))
    return redirect("console:partners")


@act
@require_POST
def partner_open(request: HttpRequest, code: str) -> HttpResponse:
    """Takes back that it was closed."""
    with transaction() as cursor:
        open_partner(
            cursor, code, reason=required_reason(request.POST.get("reason", "")), at=utc_now(), actor=actor_of(request)
        )
    messages.success(request, _("It is active again."))
    return redirect("console:partners")


def _month(cursor: Cursor, request: HttpRequest) -> tuple[Period, date]:
    """The month that the address names, in the programme's zone, or this one; and the first day of this one."""
    this = settled_days(cursor, None, None, at=utc_now(), otherwise=settings.CONFIGURATION.timezone)
    first = read_day(f"{request.GET.get('month', '')}-01") or this.since
    after = (first + timedelta(days=31)).replace(day=1)
    return this._replace(since=first, until=after - timedelta(days=1)), this.since


def _months(first: date) -> Iterator[date]:
    """So many months back from this one, the latest first."""
    for _month in range(MONTHS):
        yield first
        first = (first - timedelta(days=1)).replace(day=1)


def _row(totals: Totals, names: dict[str, Partner]) -> dict[str, Any]:
    known = names.get(totals.reference)
    return {
        "totals": totals,
        "name": known.name if known else totals.reference,
        "kind": partner_kind_label(known.kind) if known else "",
        "currency": currency_label(totals.currency, totals.net),
    }


def _pages(month: Period, partner: str | None) -> Iterator[Sequence[Sequence[Any]]]:
    after = None
    while True:
        with open_cursor() as cursor:
            found = list_settlements(cursor, month, reference=partner, after=after, limit=LARGEST_PAGE)
            names = find_partners(cursor, {row.totals.reference for row in found.rows})
        yield [_cells(row, names) for row in found.rows]
        after = found.next_cursor
        if after is None:
            return


def _cells(row: Settlement, names: dict[str, Partner]) -> Sequence[Any]:
    totals, known = row.totals, names.get(row.totals.reference)
    about = (known.name, known.kind.value) if known else ("", "")
    amounts = (totals.issued, totals.redeemed, totals.donated, totals.net)
    return (row.day.isoformat(), totals.reference, *about, totals.currency, *amounts)
