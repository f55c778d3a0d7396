"""The list of customers: its search, its filters as a sentence, its columns, and everything that is found as a file."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from stamgast.access.saved_views import list_views
from stamgast.access.types import SavedView
from stamgast.console import reader
from stamgast.console.customer_columns import IN_FILE, Column, known_columns, move
from stamgast.console.customer_filters import Asked, read_asked
from stamgast.console.files import stream_csv
from stamgast.console.pages import is_part, note, page, role_of, show, staff_of
from stamgast.console.permissions import may
from stamgast.console.words import customer_name, segment_name
from stamgast.customers.identity import get_identity_rules
from stamgast.customers.queries import count_found, find_exact, list_customers, summarise_customers
from stamgast.customers.types import CustomerSummary
from stamgast.customers.walking import BEGINNING, MOST_LOOKED_AT, Selection, count_selected, list_by_id, list_selected
from stamgast.flows.compute_traits import definitions_of
from stamgast.flows.list_customers import Description, describe_customers, select_customers
from stamgast.kit.clock import utc_now
from stamgast.kit.database import Cursor, open_cursor, transaction
from stamgast.kit.paging import Page
from stamgast.programmes.queries import find_programme
from stamgast.segments.queries import count_members, list_segments
from stamgast.segments.types import Segment
from stamgast.traits.definition import Definition
from stamgast.traits.queries import list_all_traits

ROWS = 50
LOYAL = "loyal-customers"
LONGEST_SHOWN = 100
VIEWS_BESIDE = 6
"""So many views stand above the list; the page of views has them all."""


@page
@require_GET
def customers(request: HttpRequest) -> HttpResponse:
    """The list, last seen first; with a search alone, before all others who is called exactly that.

    Without a question it begins with the reader's start view. What is asked stands in the address, so that a page can be sent.
    """
    with open_cursor() as cursor:
        views = list_views(cursor, staff_of(request))
        start = next((view for view in views if view.is_start), None)
        if start is not None and not request.GET:
            return redirect("console:view", start.id)
        segments, traits = list_segments(cursor), traits_there_are(cursor)
        columns = columns_there_are(cursor, traits)
        opened = next((view for view in views if str(view.id) == request.GET.get("view")), None)
        asked = read_asked(_chosen(request), segments, columns, traits, view=str(opened.id) if opened else "")
        if "trait" in request.GET:
            return redirect(reverse("console:customers") + asked.query())
        if {"up", "down"} & request.GET.keys() or len(request.GET.getlist("columns")) > 1:
            return redirect(reverse("console:customers") + asked.query(choose="1"))
        context = _found(cursor, request, asked, [columns[name] for name in asked.columns], segments)
    if is_part(request):
        return render(request, "console/parts/customer_rows.html", context)
    return show(request, "console/customers.html", context | _around(request, asked, segments, columns, traits, views, opened))


@page
@require_GET
def customers_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Everybody who is found, as CSV. Personal data leaves the house, so the trail says who took it."""
    with transaction() as cursor:
        traits = traits_there_are(cursor)
        columns = columns_there_are(cursor, traits)
        asked = read_asked(request.GET, list_segments(cursor), columns, traits)
        selection = select_customers(cursor, asked.wanted, at=utc_now())
        note(cursor, request, "export customers", "customers", asked=asked.told)
    names = asked.columns if "columns" in asked.values else IN_FILE
    chosen = [columns[name] for name in names]
    heads = ["customer_id", "name", *(head for column in chosen for head in column.heads)]
    return stream_csv("customers.csv", heads, _pages(selection, chosen))


def traits_there_are(cursor: Cursor) -> list[tuple[Definition, bool]]:
    """The computed traits of this shop, each with whether the values of everybody are of its definition."""
    known, shop = list_all_traits(cursor), settings.CONFIGURATION
    definitions = definitions_of(known, zone=shop.timezone, currency=shop.currency)
    return [(one, trait.computed_at is not None) for one, trait in zip(definitions, known, strict=True)]


def columns_there_are(cursor: Cursor, traits: Sequence[tuple[Definition, bool]]) -> dict[str, Column]:
    """The columns of this shop: its programme's currencies, the kinds of identifiers that its rules name, computed traits."""
    programme, rules = find_programme(cursor), get_identity_rules(cursor)
    currencies = programme.documents[-1].currencies if programme else {}
    return known_columns(currencies, sorted({*rules.limits, *rules.priorities}), traits, at=utc_now())


def _chosen(request: HttpRequest) -> Mapping[str, str]:
    """What was asked, with the ticked columns in one text and, where one was to be moved, in their new order."""
    names: Sequence[str] = ",".join(request.GET.getlist("columns")).split(",")
    for press, by in (("up", -1), ("down", 1)):
        names = move(names, request.GET.get(press, ""), by)
    return request.GET.dict() | {"columns": ",".join(names)}


def _found(
    cursor: Cursor, request: HttpRequest, asked: Asked, columns: Sequence[Column], segments: Sequence[Segment]
) -> dict[str, Any]:
    """A page of rows, and for a whole page how many there are."""
    after = request.GET.get("after") or None
    context: dict[str, Any] = {"asked": asked, "columns": columns}
    if asked.filters:
        selection = select_customers(cursor, asked.wanted, at=utc_now())
        found = list_selected(cursor, selection, after=after, limit=ROWS)
        rows = list(found.rows)
        if not is_part(request):
            is_whole = after is None and found.next_cursor is None
            total, is_all = (len(rows), True) if is_whole else count_selected(cursor, selection)
            context |= {"total": max(total, len(rows)), "is_all": is_all}
    else:
        found, rows = _searched(cursor, asked.wanted.search, after)
        if not is_part(request):
            context["total"], context["is_all"] = count_found(cursor, asked.wanted.search)
            context["loyal"] = sum(count_members(cursor, one) for one in segments if one.slug == LOYAL)
    described = _describe(cursor, rows, columns)
    return context | {
        "search": asked.wanted.search,
        "next": asked.query(after=found.next_cursor) if found.next_cursor else "",
        # A page that is short and has a next one looked at so many in vain.
        "looked_at": MOST_LOOKED_AT if found.next_cursor and len(rows) < ROWS else 0,
        "rows": [
            {
                "id": row.id,
                "name": customer_name(row.name, row.email, row.identifier),
                "subtitle": _subtitle(row),
                "cells": [(column, column.cell(row, described[row.id])) for column in columns],
            }
            for row in rows
        ],
    }


def _around(
    request: HttpRequest,
    asked: Asked,
    segments: Sequence[Segment],
    columns: Mapping[str, Column],
    traits: Sequence[tuple[Definition, bool]],
    views: Sequence[SavedView],
    opened: SavedView | None,
) -> dict[str, Any]:
    """What stands around the rows: filters, columns and views."""
    beside = list(views[:VIEWS_BESIDE])
    if opened is not None and opened not in beside:
        beside = [opened, *beside[: VIEWS_BESIDE - 1]]
    others = [name for name in columns if name not in asked.columns]
    return {
        "segments": [(one.slug, segment_name(one.slug, one.name)) for one in segments],
        "traits": [(one.name, one.label) for one, _is_ready in traits],
        "may_export": may(role_of(request), "console:customers_csv"),
        "most_looked_at": MOST_LOOKED_AT,
        "choices": [(columns[name], name in asked.columns) for name in (*asked.columns, *others)],
        "is_choosing": "choose" in request.GET,
        "views": beside,
        "opened": opened,
        "is_changed": opened is not None and dict(opened.asked) != asked.kept,
        "may_change": opened is not None and (not opened.is_shared or may(role_of(request), "console:share_view", "POST")),
        "keep": request.GET.get("keep", "")[:LONGEST_SHOWN],
        "is_keeping": "keep" in request.GET,
    }


def _pages(selection: Selection, columns: Sequence[Column]) -> Iterator[list[list[Any]]]:
    """The lines of the file, a step of the walk at a time."""
    after: UUID | None = BEGINNING
    while after is not None:
        with open_cursor() as cursor:
            rows, after = list_by_id(cursor, selection, after=after)
            described = _describe(cursor, rows, columns)
        yield [_line_of(row, described[row.id], columns) for row in rows]


def _describe(cursor: Cursor, rows: Sequence[CustomerSummary], columns: Sequence[Column]) -> dict[UUID, Description]:
    """What the columns need to know of a page of customers."""
    needs, traits = {column.need for column in columns if column.need}, [column.trait for column in columns if column.trait]
    return describe_customers(cursor, [row.id for row in rows], needs, traits)


def _line_of(row: CustomerSummary, described: Description, columns: Sequence[Column]) -> list[Any]:
    return [row.id, row.name or "", *(value for column in columns for value in column.written(row, described))]


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
