"""Simulation: a draft beside the programme in force, for some customers at once and then for all, while the page is open."""

import time
from collections.abc import Iterator
from datetime import date, datetime
from datetime import time as clock_time
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from stamgast.console import reader
from stamgast.console.files import stream_csv
from stamgast.console.pages import act, actor_of, is_part, note, page, role_of, shop_zone, show
from stamgast.console.permissions import may
from stamgast.console.refusal_words import refusal_sentence
from stamgast.console.words import currency_label, customer_name
from stamgast.customers.queries import summarise_customers
from stamgast.flows.simulation.answering import (
    Person,
    answer,
    currencies_of_people,
    list_moved,
    list_people,
)
from stamgast.flows.simulation.keeping import simulation_folder
from stamgast.flows.simulation.running import Asked, Run, State, begin, find_run, stop, take_on
from stamgast.flows.simulation.worths import check, usual_worths
from stamgast.kit.clock import utc_now
from stamgast.kit.database import Cursor, open_cursor, transaction
from stamgast.kit.errors import StamgastError
from stamgast.programmes.documents import load
from stamgast.programmes.drafts import get_draft
from stamgast.programmes.errors import UnknownDraft
from stamgast.programmes.queries import get_programme
from stamgast.programmes.versions import find_in_force, get_version

ROWS = 50
AT_ONCE_SECONDS = 1.0
"""How long one request works before it tells how far it is."""
USUAL_SHARE = 8_000
LINES = 1_000
SAMPLES = (1, 5, 10, 25, 50, 100)
"""Shares of all customers to end with, in percent."""


@page
@require_http_methods(["GET", "POST"])
def simulation(request: HttpRequest) -> HttpResponse:
    """What is asked: a document, a behaviour, what one of a currency costs. Sent: begins, and goes to what is known at once."""
    if request.method == "POST":
        asked, problem = _asked(request), ""
        try:
            check(asked)
            with open_cursor() as cursor:
                folder, now = simulation_folder(), utc_now()
                run = begin(cursor, folder, asked, at=now, actor=actor_of(request), is_fresh="fresh" in request.POST)
                _work(cursor, run.id)
            return redirect("console:simulation_run", run.id)
        except StamgastError as error:
            problem = refusal_sentence(error)
        return show(request, "console/simulation.html", _form(asked, problem), status=422)
    with open_cursor() as cursor:
        known = get_programme(cursor)
        if "draft" in request.GET:
            text = get_draft(cursor, _uuid(request.GET["draft"])).document
        elif request.GET.get("version", "").isdecimal():
            text = get_version(known.versions, int(request.GET["version"])).document
        else:
            text = (find_in_force(known.versions, utc_now()) or known.versions[0]).document
        worths = usual_worths(cursor, utc_now(), settings.CONFIGURATION.currency)
    return show(request, "console/simulation.html", _form(Asked(text, redemption=USUAL_SHARE, worths=worths), ""))


@page
@require_GET
def simulation_run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """What is known so far, and the form to change a number in."""
    from stamgast.console.simulation_words import simulation_page

    folder = simulation_folder()
    run = find_run(folder, run_id)
    if not run.done:
        with open_cursor() as cursor:
            run = _work(cursor, run_id)
    context = _form(run.asked, "") | {
        "run": run,
        "answer": simulation_page(answer(folder, run)) if run.done else None,
        "progress": _progress(run),
        "chart_words": reader.chart_words(),
    }
    if run.done and may(role_of(request), "console:simulation_people"):
        context["people"] = [
            {
                "currency": currency,
                "label": currency_label(currency),
                "gaining": _people(folder, run, currency, is_gaining=True, limit=10),
                "losing": _people(folder, run, currency, is_gaining=False, limit=10),
            }
            for currency in currencies_of_people(folder, run)
        ]
        context["moved"] = _moved(run, limit=10)
    return show(request, "console/simulation.html", context)


@act
@require_POST
def simulation_on(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Works a while more, and says how far it is; the page that asks shows everything again once it is done."""
    with open_cursor() as cursor:
        run = _work(cursor, run_id)
    if not is_part(request):
        return redirect("console:simulation_run", run_id)
    response = render(request, "console/parts/simulation_progress.html", {"run": run, "progress": _progress(run)})
    if run.state is not State.RUNNING:
        response["HX-Refresh"] = "true"
    return response


@act
@require_POST
def simulation_stop(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Goes no further. What is known stays."""
    stop(simulation_folder(), run_id)
    messages.info(request, _("Stopped. What is known so far stays here for a day."))
    return redirect("console:simulation_run", run_id)


@page
@require_GET
def simulation_people(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Who gets most more of a currency, or most less, by page."""
    folder = simulation_folder()
    run = find_run(folder, run_id)
    if request.GET.get("side") == "level":
        return _moved_page(request, run)
    currency, is_gaining = _currency(request, run), request.GET.get("side") != "less"
    place = _place(request)
    found = _people(folder, run, currency, is_gaining=is_gaining, after=place, limit=ROWS)
    side = "more" if is_gaining else "less"
    asked = f"?currency={currency}&side={side}"
    context = {
        "run": run,
        "rows": found["rows"],
        "more": f"{asked}&after={place + ROWS}" if place + ROWS < found["count"] else "",
    }
    if is_part(request):
        return render(request, "console/parts/simulation_people_rows.html", context)
    words = {"total": reader.number(found["count"]), "currency": currency_label(currency)}
    title = _("%(total)s customers get more: %(currency)s") if is_gaining else _("%(total)s customers get less: %(currency)s")
    context |= {"title": title % words, "download": reverse("console:simulation_people_csv", args=(run_id,)) + asked}
    return show(request, "console/simulation_people.html", context)


def _moved_page(request: HttpRequest, run: Run) -> HttpResponse:
    """Whose level would be another, by page."""
    place = _place(request)
    more = f"?side=level&after={place + ROWS}" if place + ROWS < run.moved else ""
    context = {"run": run, "rows": _moved(run, after=place, limit=ROWS), "more": more}
    if is_part(request):
        return render(request, "console/parts/simulation_people_rows.html", context)
    title = _("%(total)s members would hold another level") % {"total": reader.number(run.moved)}
    return show(request, "console/simulation_people.html", context | {"title": title})


def _moved(run: Run, *, limit: int, after: int = 0) -> list[dict[str, Any]]:
    found = list_moved(simulation_folder(), run, after=after, limit=limit)
    names = _names([customer for customer, _before, _after in found])
    return [
        {
            "customer": customer,
            "name": names.get(customer, _("Customer")),
            "from": before or reader.NOTHING,
            "to": now or reader.NOTHING,
        }
        for customer, before, now in found
    ]


def _place(request: HttpRequest) -> int:
    after = request.GET.get("after", "")
    return int(after) if after.isdecimal() and len(after) < 10 else 0


@page
@require_GET
def simulation_people_csv(request: HttpRequest, run_id: UUID) -> StreamingHttpResponse:
    """All of them as CSV. Personal data leaves the house, so the trail says who took it."""
    run = find_run(simulation_folder(), run_id)
    currency, is_gaining = _currency(request, run), request.GET.get("side") != "less"
    with transaction() as cursor:
        note(cursor, request, "export customers", "simulation", asked=request.GET.urlencode())
    heads = ["customer_id", "name", "email", "currency", "before", "after", "difference"]
    return stream_csv("simulation.csv", heads, _lines(run, currency, is_gaining=is_gaining))


def _lines(run: Run, currency: str, *, is_gaining: bool) -> Iterator[list[list[object]]]:
    """The rows of the file, some hundred at a time, with their names."""
    place, count = 0, 1
    while place < count:
        people, count = list_people(
            simulation_folder(), run, currency=currency, is_gaining=is_gaining, after=place, limit=LINES
        )
        with open_cursor() as cursor:
            known = {row.id: row for row in summarise_customers(cursor, [one.customer for one in people])}
        rows: list[list[object]] = []
        for one in people:
            row = known.get(one.customer)
            told = [row.name or "", row.email or ""] if row else ["", ""]
            rows.append([one.customer, *told, currency, one.before, one.after, one.after - one.before])
        yield rows
        place += LINES


def _work(cursor: Cursor, run_id: UUID) -> Run:
    """The next parts, until a while is over; at least one."""
    began = time.monotonic()
    while True:
        run = take_on(cursor, simulation_folder(), run_id, at=utc_now())
        if run.state is not State.RUNNING or time.monotonic() - began >= AT_ONCE_SECONDS:
            return run


def _progress(run: Run) -> dict[str, Any]:
    end = sum(run.copy.customers[: run.last_bucket])
    words = {"done": reader.number(run.looked_at), "all": reader.number(end)}
    return {
        "sentence": _("Went through %(done)s of %(all)s customers.") % words,
        "done": run.looked_at,
        "all": max(end, 1),
        "is_running": run.state is State.RUNNING,
        "is_stopped": run.state is State.STOPPED,
    }


def _people(folder: Any, run: Run, currency: str, *, is_gaining: bool, limit: int, after: int = 0) -> dict[str, Any]:
    found, count = list_people(folder, run, currency=currency, is_gaining=is_gaining, after=after, limit=limit)
    names = _names([one.customer for one in found])
    return {"rows": [_row(one, names.get(one.customer, _("Customer"))) for one in found], "count": count}


def _names(customers: list[UUID]) -> dict[UUID, str]:
    with open_cursor() as cursor:
        found = summarise_customers(cursor, customers)
    return {row.id: customer_name(row.name, row.email, row.identifier) for row in found}


def _row(one: Person, name: str) -> dict[str, Any]:
    change = reader.signed(one.after - one.before)
    return {"customer": one.customer, "name": name, "before": one.before, "after": one.after, "change": change}


def _currency(request: HttpRequest, run: Run) -> str:
    """The currency that is asked for, of those in which something differs."""
    known = currencies_of_people(simulation_folder(), run) if run.done else []
    asked = request.GET.get("currency", "")
    return asked if asked in known else (known or [""])[0]


def _asked(request: HttpRequest) -> Asked:
    """What was sent. Raises nothing: what makes no sense is refused where it is checked."""
    post = request.POST
    share = post.get("share", "").strip().replace(",", ".")
    try:
        redemption: int | None = round(float(share or "80") * 100)
    except (ValueError, OverflowError):
        redemption = -1
    since, until = _day(post.get("since", "")), _day(post.get("until", ""))
    zone = shop_zone()
    return Asked(
        post.get("document", "").replace("\r\n", "\n"),
        since=datetime.combine(since, clock_time(), zone) if since else None,
        until=datetime.combine(until, clock_time.max, zone) if until else None,
        sample=_sample(post.get("sample", "")),
        redemption=None if post.get("behaviour") == "fitted" else redemption,
        worths={
            name.removeprefix("worth "): value.strip()
            for name, value in post.items()
            if name.startswith("worth ") and isinstance(value, str) and value.strip()
        },
    )


def _sample(text: str) -> float:
    """The share of customers to end with, from a number in percent; below none where it is no number."""
    try:
        return float(text.strip().replace(",", ".") or "100") / 100
    except ValueError:
        return -1.0


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise UnknownDraft("There is no such draft. Look in the list of drafts.") from None


def _form(asked: Asked, problem: str) -> dict[str, Any]:
    """The form with what was asked in it."""
    try:
        currencies = list(load(asked.document).currencies)
    except StamgastError:
        currencies = list(asked.worths)
    zone = shop_zone()
    return {
        "problem": problem,
        "document": asked.document,
        "since": asked.since.astimezone(zone).date().isoformat() if asked.since else "",
        "until": asked.until.astimezone(zone).date().isoformat() if asked.until else "",
        "samples": [(share, f"{share}" == f"{asked.sample * 100:g}") for share in SAMPLES],
        "is_fitted": asked.redemption is None,
        "share": reader.decimal(Decimal(f"{(USUAL_SHARE if asked.redemption is None else asked.redemption) / 100:g}")),
        "worths": [(name, currency_label(name), asked.worths.get(name, "")) for name in currencies],
        "money": settings.CONFIGURATION.currency,
    }
