"""The timeline of one customer: of any kind, source and days, a page after the other, however long it is."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from stamgast.console import reader
from stamgast.console.days import midnight_of, read_day
from stamgast.console.pages import page
from stamgast.console.words import Look, activity_facts, currency_label, kind_label, look_of
from stamgast.customers.queries import anchors_of, get_customer
from stamgast.flows.read_timeline import Event, Filter, read_timeline
from stamgast.kit.database import Cursor, open_cursor

EVENTS = 25
SCORE = "score"
LONGEST_TYPED = 300


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of a timeline an address asks for; the last day is part of it. Empty or None where it does not say."""

    kind: str
    source: str
    first_day: date | None
    last_day: date | None

    @property
    def values(self) -> dict[str, str]:
        """By the names in the address, empty ones left out."""
        days = {"from": self.first_day, "to": self.last_day}
        named = {"kind": self.kind, "source": self.source, **{name: day.isoformat() for name, day in days.items() if day}}
        return {name: value for name, value in named.items() if value}

    @property
    def removable(self) -> list[tuple[str, str]]:
        """What each part says, and what the address asks without it."""
        words = {
            "kind": kind_label(self.kind),
            "source": self.source,
            "from": _("on %(day)s or later") % {"day": reader.day(self.first_day)},
            "to": _("on %(day)s or before") % {"day": reader.day(self.last_day)},
        }
        return [(words[name], self.query(without=name)) for name in self.values]

    def query(self, *, without: str = "", **more: str) -> str:
        """The address of the same timeline, without one part, or with something more."""
        return "?" + urlencode({name: value for name, value in self.values.items() if name != without} | more)

    @property
    def filter(self) -> Filter:
        """The same as moments."""
        return Filter(
            kind=self.kind or None,
            source=self.source or None,
            since=midnight_of(self.first_day) if self.first_day else None,
            until=midnight_of(self.last_day, later=1) if self.last_day else None,
        )


def read_timeline_asked(
    typed: Mapping[str, str], kinds: Sequence[str] | None = None, sources: Sequence[str] | None = None
) -> Asked:
    """What an address asks for; with the kinds and sources of a customer, others are left out."""
    kind, source = typed.get("kind", "")[:LONGEST_TYPED], typed.get("source", "")[:LONGEST_TYPED]
    first, last = read_day(typed.get("from", "")), read_day(typed.get("to", ""))
    if first and last:
        first, last = min(first, last), max(first, last)
    return Asked(
        kind if kinds is None or kind in kinds else "", source if sources is None or source in sources else "", first, last
    )


def labelled(kinds: Sequence[str]) -> list[tuple[str, str]]:
    """Kinds as people call them, and by their own name too where two are called the same."""
    labels = {kind: kind_label(kind) for kind in kinds}
    often = Counter(labels.values())
    return [(kind, f"{label} ({kind})" if often[label] > 1 else label) for kind, label in labels.items()]


@page
@require_GET
def timeline(request: HttpRequest, reference: str) -> HttpResponse:
    """The next events, as a part of the page. It reads who it is and one page: how long the timeline is costs nothing."""
    with open_cursor() as cursor:
        customer = get_customer(cursor, reference).id
        anchors = anchors_of(cursor, [customer])[customer]
        asked = read_timeline_asked(request.GET)
        context = timeline_of(cursor, customer, anchors, asked, request.GET.get("before"))
    return render(request, "console/parts/timeline.html", {**context, "customer_id": customer})


def timeline_of(cursor: Cursor, customer: UUID, anchors: Sequence[UUID], asked: Asked, place: str | None) -> dict[str, Any]:
    """A page of events and what the address of the next one asks."""
    found = read_timeline(cursor, customer, anchors, before=place or None, limit=EVENTS, only=asked.filter)
    following = asked.query(before=found.next_cursor) if found.next_cursor else ""
    return {"events": [_event(event) for event in found.rows], "next": following}


def _event(event: Event) -> dict[str, Any]:
    totals: Counter[str] = Counter()
    for movement in event.movements:
        totals[movement.currency] += movement.delta
    amounts = [
        {"value": value, "currency": "" if currency == SCORE else currency_label(currency, value)}
        for currency, value in sorted(totals.items())
        if value
    ]
    last = max(event.movements, key=lambda movement: (movement.posted_at, movement.id.hex), default=None)
    return {
        "at": event.at,
        "look": look_of(event.activity) if event.activity else expiry_look(list(totals.values())),
        "facts": activity_facts(event.activity) if event.activity else _("too old"),
        "amounts": amounts,
        "why": reverse("console:why", args=[last.id]) if last else "",
    }


def expiry_look(values: list[int]) -> Look:
    amount = -sum(values)
    return Look(ngettext("%(count)s expired", "%(count)s expired", amount) % {"count": reader.number(amount)}, "clock", "loss")
