"""The programme as a form: what each kind of activity is worth, what that would do, and a new version of the document.

The page keeps nothing between two requests: the document goes with the form, and the fields are read into it.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from stamgast.activities.queries import list_kinds
from stamgast.console import reader
from stamgast.console.pages import LONGEST_REASON, actor_of, page, shop_zone, show
from stamgast.console.programme_words import differences, period_label, rule_label, rule_sentences
from stamgast.console.words import currency_label, customer_name, refusal_sentence
from stamgast.customers.queries import summarise_customers
from stamgast.flows.publish import put_in_force
from stamgast.flows.weigh_programme import Effect, weigh_programme
from stamgast.insights.sampling import Estimate
from stamgast.kit.clock import utc_now
from stamgast.kit.database import Cursor, open_cursor
from stamgast.kit.errors import StamgastError
from stamgast.programmes.documents import Document, load
from stamgast.programmes.errors import InvalidProgramme
from stamgast.programmes.forms import UNITS, NewRule, Values, rewrite, values_of
from stamgast.programmes.programme import Programme
from stamgast.programmes.queries import get_programme

PERIODS = ("day", "week", "month", "year", "lifetime")
LARGEST = 1_000_000_000
ENDS = ("exact", "end of day", "end of month")


@dataclass(frozen=True, slots=True)
class Sent:
    """What the reader wants besides the values: from when, and why."""

    is_dated: bool
    day: str
    reason: str


@page
@require_http_methods(["GET", "POST"])
def programme_form(request: HttpRequest) -> HttpResponse:
    """Shows a version as a form; sent, it reads the fields into the document, weighs the draft, or publishes it."""
    with open_cursor() as cursor:
        known = get_programme(cursor)
    post = request.POST
    act, _separator, place = post.get("act", "").partition(" ")
    base = _document_of(request, known)
    text, typed, problem, effect, base_version = base.text, base.text, "", None, known.latest
    sent = Sent(post.get("from") == "day", post.get("day", ""), post.get("reason", "").strip()[:LONGEST_REASON])
    try:
        if act:
            base_version = int(post.get("after", "") or known.latest)
        if act == "document":
            typed = _plain(post.get("document", ""))
            text = load(typed).text
        elif act:
            typed = text = _rewritten(base, post, removed=int(place) if act == "remove" else None, adds=act == "add")
            load(text)
        if act == "see":
            with open_cursor() as cursor:
                effective_from = _effective_from(sent, utc_now()) if sent.is_dated else None
                is_past = effective_from is not None and effective_from < utc_now()
                weighed = weigh_programme(cursor, text, effective_from=effective_from if is_past else None, at=utc_now())
                effect = _told(cursor, weighed)
        elif act == "save":
            if not sent.reason:
                raise InvalidProgramme(_("Say why, so that others understand it later. Nothing was changed."))
            now = utc_now()
            version = put_in_force(
                text,
                effective_from=_effective_from(sent, now),
                at=now,
                actor=actor_of(request),
                reason=sent.reason,
                after=base_version,
            )
            if version.version == base_version:
                messages.info(request, _("That is the version that holds then already. Nothing was changed."))
            elif version.effective_from < now:
                messages.success(request, _("Published. Customers are decided again in a moment, from that day on."))
            else:
                messages.success(request, _("Published. It holds for what happens from then on."))
            return redirect("console:programme")
    except ValueError:
        problem, text = _("A number that was sent is not a number. Nothing was changed."), base.text
    except StamgastError as error:
        problem = refusal_sentence(error)
        text = text if _is_sound(text) else base.text
    refused = post if problem and act != "document" else QueryDict()
    context = _context(text, known, refused) | {"problem": problem, "effect": effect, "sent": sent, "after": base_version}
    context |= {"typed": typed, "is_open": act == "document"}
    return show(request, "console/programme_form.html", context, status=422 if problem else 200)


def _document_of(request: HttpRequest, known: Programme) -> Document:
    """The draft that came with the form, else the version that was asked for, else the one in force."""
    draft = _plain(request.POST.get("draft", ""))
    if draft and _is_sound(draft):
        return load(draft)
    asked = next((one for one in known.versions if str(one.version) == request.GET.get("version", "")), None)
    if asked is None:
        now = utc_now()
        started = [one for one in known.versions if one.effective_from <= now] or list(known.versions[:1])
        asked = max(started, key=lambda one: (one.effective_from, one.version))
    return load(asked.document)


def _plain(text: str) -> str:
    """A text as it was before a browser sent it."""
    return text.replace("\r\n", "\n")


def _is_sound(text: str) -> bool:
    try:
        load(text)
    except InvalidProgramme:
        return False
    return True


def _effective_from(sent: Sent, now: datetime) -> datetime:
    if not sent.is_dated:
        return now
    try:
        return datetime.combine(date.fromisoformat(sent.day), time(), shop_zone())
    except ValueError:
        raise InvalidProgramme(_("Choose the day from which it holds.")) from None


def _rewritten(base: Document, post: QueryDict, *, removed: int | None, adds: bool) -> str:
    """The document with the fields in it. A field that was not sent keeps its value."""
    before = values_of(base)
    rules = []
    for place, rule in enumerate(before.rules):
        gives = tuple(
            replace(
                give,
                amount=_whole(post.get(f"amount {place} {give.currency}"), give.amount),
                per=give.per if give.per is None else _money(post.get(f"per {place} {give.currency}"), give.per),
                cap=_optional(post.get(f"cap {place} {give.currency}"), give.cap),
            )
            for give in rule.gives
        )
        is_capped = any(give.cap is not None for give in gives)
        period = post.get(f"period {place}", rule.cap_period or PERIODS[0])
        chosen: Any = period if period in PERIODS else PERIODS[0]
        rules.append(replace(rule, gives=gives, cap_period=chosen if is_capped else None))
    lives = []
    for life in before.lives:
        unit, end = post.get(f"unit {life.currency}", life.unit), post.get(f"end {life.currency}", life.at)
        count = _optional(post.get(f"life {life.currency}"), life.count)
        ends: Any = end if end in ENDS and count is not None else "exact"
        lives.append(replace(life, count=count, unit=unit if unit in UNITS else life.unit, at=ends))
    added = [_new_rule(base, post)] if adds else []
    return rewrite(
        base, Values(tuple(rules), tuple(lives)), removed=[] if removed is None else [removed % len(rules)], added=added
    )


def _new_rule(base: Document, post: QueryDict) -> NewRule:
    kind = post.get("new kind", "").strip()
    if not kind:
        raise InvalidProgramme(_("Choose the kind of activity that is worth something."))
    currency = post.get("new currency", "")
    taken = {rule.name for rule in base.rules}
    name = wanted = kind.casefold().replace("/", " ")[:70]
    number = 1
    while name in taken:
        number += 1
        name = f"{wanted} {number}"
    return NewRule(
        name, kind, currency if currency in base.currencies else next(iter(base.currencies)), _whole(post.get("new amount"), 1)
    )


def _whole(sent: str | None, otherwise: int) -> int:
    if sent is None or not sent.strip():
        return otherwise
    if not sent.strip().isdecimal() or not 1 <= int(sent) <= LARGEST:
        text = _("“%(text)s” does not fit. It is a whole number from 1 to 1,000,000,000.")
        raise InvalidProgramme(text % {"text": sent[:20]})
    return int(sent)


def _optional(sent: str | None, otherwise: int | None) -> int | None:
    if sent is None:
        return otherwise
    return _whole(sent, 0) if sent.strip() else None


def _money(sent: str | None, otherwise: Decimal) -> Decimal:
    if sent is None or not sent.strip():
        return otherwise
    try:
        amount = Decimal(sent.strip().replace(",", "."))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not Decimal("0.01") <= amount <= LARGEST:
        raise InvalidProgramme(_("“%(text)s” is not an amount of at least 0.01.") % {"text": sent[:20]})
    return otherwise if amount == otherwise else amount


def _context(text: str, known: Programme, typed: QueryDict) -> dict[str, Any]:
    """What the page shows: the document's values, or what was ``typed`` and could not be taken."""
    document = load(text)
    values, language = values_of(document), get_language() or "en"
    rules = []
    for place, (rule, row) in enumerate(zip(document.rules, values.rules, strict=True)):
        gives = [
            {
                "currency": give.currency,
                "label": currency_label(give.currency),
                "amount": typed.get(f"amount {place} {give.currency}", give.amount),
                "per": typed.get(f"per {place} {give.currency}", "" if give.per is None else f"{give.per:f}"),
                "cap": typed.get(f"cap {place} {give.currency}", "" if give.cap is None else give.cap),
                "lines": source.lines and source.lines.sentence(language),
            }
            for give, source in zip(row.gives, rule.gives, strict=True)
        ]
        when = rule_sentences(rule, document, language).when
        rules.append({"place": place, "label": rule_label(rule.name), "when": when, "gives": gives, "period": row.cap_period})
    in_force = load(_document_before(known))
    with open_cursor() as cursor:
        kinds = [kind.name for kind in list_kinds(cursor)]
    return {
        "draft": text,
        "rules": rules,
        "lives": [
            (life, currency_label(life.currency), typed.get(f"life {life.currency}", "" if life.count is None else life.count))
            for life in values.lives
        ],
        "periods": [(period, period_label(period)) for period in PERIODS],
        "units": [(unit, _unit_label(unit)) for unit in UNITS],
        "ends": [
            ("exact", _("to the minute")), ("end of day", _("to the end of that day")),
            ("end of month", _("to the end of that month")),
        ],
        "kinds": kinds,
        "currencies": [(name, currency_label(name)) for name in document.currencies],
        "differences": differences(in_force, document, language) if text != in_force.text else [],
    }  # fmt: skip


def _document_before(known: Programme) -> str:
    now = utc_now()
    started = [one for one in known.versions if one.effective_from <= now] or list(known.versions[:1])
    return max(started, key=lambda one: (one.effective_from, one.version)).document


def _unit_label(unit: str) -> str:
    labels = {
        "second": _("seconds"),
        "minute": _("minutes"),
        "hour": _("hours"),
        "day": _("days"),
        "week": _("weeks"),
        "month": _("months"),
        "year": _("years"),
    }
    return labels[unit]


def _told(cursor: Cursor, effect: Effect) -> dict[str, Any]:
    """An effect as the page tells it."""
    named = {
        one.id: customer_name(one.name, one.email, one.identifier)
        for one in summarise_customers(cursor, [*effect.first_entering, *effect.first_leaving])
    }
    return {
        "effect": effect,
        "before": _estimate(effect.before),
        "after": _estimate(effect.after),
        "entering": _estimate(effect.entering),
        "leaving": _estimate(effect.leaving),
        "first_entering": [(one, named[one]) for one in effect.first_entering if one in named],
        "first_leaving": [(one, named[one]) for one in effect.first_leaving if one in named],
        "sums": [(currency_label(name), _estimate(before), _estimate(after)) for name, (before, after) in effect.sums.items()],
    }


def _estimate(estimate: Estimate) -> str:
    """A number, with its interval where it is an estimate."""
    if estimate.low == estimate.high:
        return reader.number(estimate.value)
    numbers = {name: reader.number(getattr(estimate, name)) for name in ("value", "low", "high")}
    return _("about %(value)s (%(low)s to %(high)s)") % numbers
