"""What points are worth in the books: the page, the journal as a file, and the decision what a point is worth."""

import csv
import io
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from stamgast.books.errors import InvalidValuation
from stamgast.books.operations import set_valuation
from stamgast.books.queries import list_valuations
from stamgast.console import reader
from stamgast.console.ledger_words import person_of
from stamgast.console.pages import act, actor_of, page, shop_zone, show
from stamgast.console.views.ledger import tabs
from stamgast.console.words import currency_label
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction
from stamgast.kit.money import to_major, to_minor
from stamgast.lake.errors import LakeNotThere

HEADS = ("month", "points", "earned_in", "kind", "debit", "credit", "amount", "of_which_revision", "money")


@page
@require_GET
def liability(request: HttpRequest) -> HttpResponse:
    """One currency at a time, those with a price first."""
    found = _found()
    with open_cursor() as cursor:
        valuations = list_valuations(cursor)
    context: dict[str, Any] = {"tabs": tabs(request, "liability"), "money": settings.CONFIGURATION.currency}
    if found is None or not found.currencies:
        return show(request, "console/liability.html", {**context, "answer": None})
    from stamgast.console.liability_words import liability_page

    wanted = request.GET.get("currency")
    one = next((one for one in found.currencies if one.currency == wanted), found.currencies[0])
    today = localdate(timezone=shop_zone())
    context |= {
        "answer": liability_page(found, one, today),
        "currency": one.currency,
        "currency_label": currency_label(one.currency),
        "has_price": one.price_minor is not None,
        "choices": [
            {
                "label": currency_label(other.currency),
                "address": f"?{urlencode({'currency': other.currency})}",
                "is_here": other is one,
            }
            for other in found.currencies
        ],
        "valuations": [
            {
                "from": row.valid_from,
                "price": reader.money(row.price_minor, found.money),
                "share": reader.percent(row.share / 10_000),
                "is_fitted": row.is_fitted,
                "who": person_of(row.actor),
                "at": row.decided_at,
                "reason": row.reason,
            }
            for row in reversed(valuations)
            if row.currency == one.currency
        ],
        "today": today,
        "measured_at": found.measured_at,
        "chart_words": reader.chart_words(),
    }
    return show(request, "console/liability.html", context)


@page
@require_GET
def liability_csv(request: HttpRequest) -> HttpResponse:
    """Every entry of the journal, of all currencies."""
    found = _found()
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADS)
    for one in found.entries if found else ():
        amounts = [to_major(amount, found.money) for amount in (one.amount_minor, one.revision_minor)] if found else []
        writer.writerow(
            (f"{one.month:%Y-%m}", one.currency, f"{one.vintage:%Y-%m}", one.kind, one.debit, one.credit, *amounts,
             settings.CONFIGURATION.currency)
        )  # fmt: skip
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="journal.csv"'
    return response


@act
@require_POST
def valuation(request: HttpRequest) -> HttpResponse:
    """Decides what a thousand points are worth and what share is expected to be redeemed, from a day on."""
    today = localdate(timezone=shop_zone())
    currency = request.POST.get("currency", "")
    try:
        price_minor = to_minor(request.POST.get("price", "").strip().replace(",", "."), settings.CONFIGURATION.currency)
        share = int((Decimal(request.POST.get("share", "").strip().replace(",", ".")) * 100).to_integral_value())
        valid_from = date.fromisoformat(request.POST.get("valid_from", ""))
    except (ValueError, InvalidOperation):
        raise InvalidValuation(_("Fill in a price, a share in percent and a day.")) from None
    with transaction() as cursor:
        set_valuation(
            cursor,
            currency=currency,
            valid_from=valid_from,
            price_minor=price_minor,
            share=share,
            is_fitted=request.POST.get("is_fitted") == "1",
            reason=request.POST.get("reason", ""),
            today=today,
            at=utc_now(),
            actor=actor_of(request),
        )
    messages.success(request, _("Decided. The figures follow within a minute."))
    return redirect(f"{reverse('console:liability')}?{urlencode({'currency': currency})}")


def _found() -> Any:
    """The usual answer; None where there is nothing to tell yet."""
    from stamgast.flows.export_lake import lake_folder
    from stamgast.flows.measure_liability import read_liability

    configuration = settings.CONFIGURATION
    try:
        return read_liability(lake_folder(), now=utc_now(), zone=configuration.timezone, money=configuration.currency)
    except LakeNotThere:
        return None
