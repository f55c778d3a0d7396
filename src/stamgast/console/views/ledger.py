"""The ledger: balances, movements, and the audit."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from stamgast.books.operations import stop_audit, want_audit
from stamgast.books.queries import list_audits
from stamgast.books.types import AuditRun
from stamgast.console import reader
from stamgast.console.ledger_words import account_label, check_label, kind_label, person_of, phase_label
from stamgast.console.pages import act, actor_of, is_part, page, role_of, show, shows_people
from stamgast.console.permissions import may
from stamgast.console.views.statements import midnight_of
from stamgast.console.words import currency_label, customer_name, movement_word
from stamgast.customers.queries import get_customer, keep_customers, summarise_customers
from stamgast.kit.clock import utc_now
from stamgast.kit.database import Cursor, open_cursor, transaction
from stamgast.ledger.browsing import MovementFilter, browse_movements, sum_balances, sum_sides
from stamgast.ledger.types import MovementKind

ROWS = 50
AUDITS = 10
TABS = ("ledger", "movements", "adjustments", "liability", "settlement", "audit")
LONGEST_TYPED = 200


def tabs(request: HttpRequest, here: str) -> list[dict[str, Any]]:
    """The pages of the ledger that the reader may open."""
    labels = {
        "ledger": _("Balances"),
        "movements": _("Movements"),
        "adjustments": _("Adjustments"),
        "liability": _("Liability"),
        "settlement": _("Settlement"),
        "audit": _("Audit"),
    }
    return [
        {"label": labels[name], "address": reverse(f"console:{name}"), "is_here": name == here}
        for name in TABS
        if may(role_of(request), f"console:{name}")
    ]


@page
@require_GET
def ledger(request: HttpRequest) -> HttpResponse:
    """What the programme's side gave and took, at once; what all owners have, as a part that comes afterwards."""
    with open_cursor() as cursor:
        if is_part(request):
            totals = [{"label": currency_label(row.currency), "row": row} for row in sum_balances(cursor)]
            return render(request, "console/parts/totals.html", {"totals": totals})
        sides = sum_sides(cursor)
    currencies: dict[str, dict[str, Any]] = {}
    for side in sides:
        one = currencies.setdefault(side.currency, {"label": currency_label(side.currency), "rows": [], "owned": 0})
        one["rows"].append({"label": account_label(side.account), "out": side.debit, "back": side.credit})
        one["owned"] += side.debit - side.credit
        one["owned_label"] = currency_label(side.currency, one["owned"])
    context = {"tabs": tabs(request, "ledger"), "currencies": list(currencies.values())}
    return show(request, "console/ledger.html", context)


@page
@require_GET
def movements(request: HttpRequest) -> HttpResponse:
    """Everybody's movements, the last known first; filtered by customer, kind, currency and days."""
    asked = {
        name: request.GET[name].strip()[:LONGEST_TYPED]
        for name in ("customer", "kind", "currency", "since", "until")
        if request.GET.get(name, "").strip()
    }
    with open_cursor() as cursor:
        wanted = _filter(cursor, request, asked)
        found = browse_movements(cursor, wanted, after=request.GET.get("after") or None, limit=ROWS)
        owners = {row.owner_id for row in found.rows}
        names, people = _names(cursor, request, owners), keep_customers(cursor, owners)
        currencies = [] if is_part(request) else sorted({side.currency for side in sum_sides(cursor)})
    context = {
        "tabs": tabs(request, "movements"),
        "rows": [
            {
                "movement": row,
                "word": movement_word(row),
                "currency": currency_label(row.currency, row.delta or row.amount),
                "name": names.get(row.owner_id, ""),
                "is_pool": row.owner_id not in people,
                "amount": row.delta or row.amount,
                "is_aside": not row.delta,
            }
            for row in found.rows
        ],
        "shows_people": shows_people(request),
        "next": urlencode({**asked, "after": found.next_cursor}) if found.next_cursor else "",
        "is_short": bool(found.next_cursor) and len(found.rows) < ROWS,
        "asked": asked,
        "kinds": sorted(((kind.name.lower(), kind_label(kind)) for kind in MovementKind), key=lambda one: one[1].casefold()),
        "currencies": [(currency, currency_label(currency)) for currency in currencies],
    }
    if is_part(request):
        return render(request, "console/parts/movement_rows.html", context)
    return show(request, "console/movements.html", context)


def _filter(cursor: Cursor, request: HttpRequest, asked: dict[str, str]) -> MovementFilter:
    until = midnight_of(asked.get("until", ""))
    customer = asked.get("customer") if shows_people(request) else None
    kind = asked.get("kind", "").upper()
    return MovementFilter(
        owner=get_customer(cursor, customer).id if customer else None,
        kind=MovementKind[kind] if kind in MovementKind.__members__ else None,
        currency=asked.get("currency"),
        since=midnight_of(asked.get("since", "")),
        until=until + timedelta(days=1) if until else None,
    )


def _names(cursor: Cursor, request: HttpRequest, owners: set[Any]) -> dict[Any, str]:
    if not shows_people(request) or not owners:
        return {}
    rows = summarise_customers(cursor, list(owners))
    return {row.id: customer_name(row.name, row.email, row.identifier) for row in rows}


@page
@require_http_methods(["GET", "POST"])
def audit(request: HttpRequest) -> HttpResponse:
    """The runs of the audit, and what the last one found. Sent: asks for one."""
    if request.method == "POST":
        return _ask(request)
    with open_cursor() as cursor:
        runs = list_audits(cursor, limit=AUDITS)
    ended = [run for run in runs if not run.is_open]
    whole = [run for run in ended if run.findings is not None]
    context: dict[str, Any] = {
        "tabs": tabs(request, "audit"),
        "running": _told(runs[0]) if runs and runs[0].is_open else None,
        "runs": [_told(run) for run in ended],
        "last": _told(whole[0]) if whole else None,
        "title": _title(whole[0] if whole else None),
    }
    if is_part(request):
        if context["running"] is None:
            response = HttpResponse(status=204)
            response["HX-Refresh"] = "true"
            return response
        return render(request, "console/parts/audit_running.html", context)
    return show(request, "console/audit.html", context)


@act
@require_POST
def audit_stop(request: HttpRequest) -> HttpResponse:
    """Wishes the run to stop."""
    with transaction() as cursor:
        stop_audit(cursor, at=utc_now(), actor=actor_of(request))
    messages.success(request, _("The audit stops within a moment."))
    return redirect("console:audit")


def _ask(request: HttpRequest) -> HttpResponse:
    with transaction() as cursor:
        is_asked = want_audit(cursor, at=utc_now(), actor=actor_of(request))
    messages.success(request, _("The audit begins within a few seconds.") if is_asked else _("An audit is under way already."))
    return redirect("console:audit")


def _title(last: AuditRun | None) -> str:
    if last is None:
        return _("The ledger was not audited from here yet")
    count = len(last.findings or ())
    if not count:
        words = {"count": reader.number(last.movements), "day": reader.day(last.ended_at)}
        return _("The ledger was sound on %(day)s, with %(count)s movements.") % words
    text = ngettext("%(count)s check found something wrong.", "%(count)s checks found something wrong.", count)
    return text % {"count": reader.number(count)}


def _told(run: AuditRun) -> dict[str, Any]:
    seconds = (run.ended_at - run.begun_at).total_seconds() if run.ended_at and run.begun_at else None
    return {
        "run": run,
        "who": person_of(run.wanted_by),
        "phase": phase_label(run.phase),
        "share": min(run.done, run.movements) if run.phase == "ledger" and run.movements else None,
        "findings": [(check_label(check), sentence) for check, _subject, sentence in run.findings or ()],
        "seconds": None if seconds is None else reader.number(seconds, 0 if seconds >= 10 else 1),
        "is_stopped": run.findings is None,
    }
