"""The list of customers: its search, its filters as a sentence, and everything that is found as a file."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from stamgast.console import reader
from stamgast.console.customer_filters import read_asked
from stamgast.console.pages import is_part, note, page, role_of, show
from stamgast.console.permissions import may
from stamgast.console.words import customer_name, segment_badge, segment_name
from stamgast.customers.queries import count_found, find_exact, list_customers, summarise_customers
from stamgast.customers.types import CustomerSummary
from stamgast.customers.walking import BEGINNING, Selection, count_selected, list_by_id, list_selected
from stamgast.flows.list_customers import SCORE, describe_customers, select_customers
from stamgast.kit.database import Cursor, open_cursor, transaction
from stamgast.kit.paging import Page
from stamgast.segments.queries import count_members, list_segments

ROWS = 50
LOYAL = "loyal-customers"
COLUMNS = ("customer_id", "name", "email", "first_seen", "last_seen", "score", "orders", "segments")


@page
@require_GET
def customers(request: HttpRequest) -> HttpResponse:
    """The list, last seen first; with a search alone, before all others who is called exactly that."""
    after = request.GET.get("after") or None
    with open_cursor() as cursor:
        segments = list_segments(cursor)
        asked = read_asked(request.GET, segments)
        context: dict[str, Any] = {"asked": asked}
        if asked.filters:
            selection = select_customers(cursor, asked.wanted)
            found = list_selected(cursor, selection, after=after, limit=ROWS)
            rows = list(found.rows)
            if not is_part(request):
                context["total"], context["is_all"] = count_selected(cursor, selection)
        else:
            found, rows = _searched(cursor, asked.wanted.search, after)
            if not is_part(request):
                context["total"], context["is_all"] = count_found(cursor, asked.wanted.search)
                context["loyal"] = sum(count_members(cursor, one) for one in segments if one.slug == LOYAL)
        described = describe_customers(cursor, [row.id for row in rows])
    context |= {"search": asked.wanted.search, "next": asked.query(after=found.next_cursor) if found.next_cursor else ""}
    context["rows"] = [
        {
            "id": row.id,
            "name": customer_name(row.name, row.email, row.identifier),
            "subtitle": _subtitle(row),
            "last_seen": row.last_seen,
            "orders": described[row.id].orders,
            "score": described[row.id].available.get(SCORE, 0),
            "segments": [segment_badge(membership.slug, membership.name) for membership in described[row.id].memberships],
        }
        for row in rows
    ]
    if is_part(request):
        return render(request, "console/parts/customer_rows.html", context)
    context["segments"] = [(one.slug, segment_name(one.slug, one.name)) for one in segments]
    context["may_export"] = may(role_of(request), "console:customers_csv")
    return show(request, "console/customers.html", context)


@page
@require_GET
def customers_csv(request: HttpRequest) -> HttpResponse:
    """Everybody who is found, as CSV. Personal data leaves the house, so the trail says who took it."""
    with transaction() as cursor:
        asked = read_asked(request.GET, list_segments(cursor))
        selection = select_customers(cursor, asked.wanted)
        note(cursor, request, "export customers", "customers", asked=asked.query().removeprefix("?"))
    response = StreamingHttpResponse(_lines(selection))
    response["Content-Type"] = "text/csv; charset=utf-8"
    response["Content-Disposition"] = 'attachment; filename="customers.csv"'
    return response  # type: ignore[return-value]  # a response all the same, with headers


async def _lines(selection: Selection) -> AsyncIterator[str]:
    """The file, a step at a time. Asynchronous, because the server would gather an ordinary iterator before it sends it."""
    yield _written([COLUMNS])
    after: UUID | None = BEGINNING
    while after is not None:
        text, after = await sync_to_async(_step)(selection, after)
        if text:
            yield text


def _step(selection: Selection, after: UUID) -> tuple[str, UUID | None]:
    with open_cursor() as cursor:
        rows, following = list_by_id(cursor, selection, after=after)
        described = describe_customers(cursor, [row.id for row in rows])
    return _written([_cells(row, described[row.id]) for row in rows]), following


def _cells(row: CustomerSummary, described: Any) -> list[Any]:
    return [
        row.id,
        row.name or "",
        row.email or "",
        row.first_seen.isoformat(),
        row.last_seen.isoformat(),
        described.available.get(SCORE, 0),
        described.orders,
        "; ".join(membership.name for membership in described.memberships),
    ]


def _written(rows: Any) -> str:
    """Lines of CSV. A text that a spreadsheet would take for a formula gets an apostrophe before it."""
    told = io.StringIO()
    csv.writer(told).writerows(
        [f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@\t\r" and cell else cell for cell in row] for row in rows
    )
    return told.getvalue()


def _searched(cursor: Cursor, search: str, after: str | None) -> tuple[Page[CustomerSummary], list[CustomerSummary]]:
    """A page of the whole list or of a search, and its rows: first who is meant."""
    found = list_customers(cursor, search=search, after=after, limit=ROWS)
    exact = find_exact(cursor, search) if search else []
    meant = summarise_customers(cursor, exact) if not after else []
    return found, [*meant, *(row for row in found.rows if row.id not in exact)]


def _subtitle(row: CustomerSummary) -> str:
    """The second line of a row: what the name above it does not say yet."""
    kind, _separator, value = row.identifier.partition(":")
    parts = []
    if row.name and row.email:
        parts.append(row.email)
    if (row.name or row.email) and kind == "user_id":
        parts.append(_("number %(number)s") % {"number": value})
    parts.append(_("since %(month)s") % {"month": reader.month(row.first_seen)})
    return " · ".join(parts)
