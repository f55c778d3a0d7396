"""One customer over all sources, and why each point was given."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from stamgast.activities.tallies import list_kinds_of
from stamgast.console import reader
from stamgast.console.consent_words import consent_rows
from stamgast.console.ledger_words import expiring_rows, person_of
from stamgast.console.pages import is_part, page, shop_zone, show, start_of_today
from stamgast.console.programme_words import rule_label
from stamgast.console.tier_words import tier_card
from stamgast.console.views.pools import pool_card
from stamgast.console.views.timeline import expiry_look, labelled, read_timeline_asked, timeline_of
from stamgast.console.words import (
    activity_facts,
    currency_label,
    customer_name,
    device_label,
    identifier_label,
    initials,
    look_of,
    movement_word,
    segment_badge,
    segment_name,
    trait_label,
    with_kinds,
    with_label,
)
from stamgast.customers.consent.queries import list_changes
from stamgast.customers.erasure.queries import find_erasure_of
from stamgast.customers.histories import list_sharers
from stamgast.customers.households import list_stays
from stamgast.customers.types import Profile, TraitValue
from stamgast.flows.explain_movement import MovementExplanation, explain_movement
from stamgast.flows.read_buying import Bought, Buying
from stamgast.flows.read_customer import CustomerView, read_customer
from stamgast.flows.read_profile import Part, read_parts
from stamgast.kit.clock import utc_now
from stamgast.kit.database import Cursor, open_cursor
from stamgast.ledger.adjusting import list_proposals_of
from stamgast.ledger.queries import list_lots, list_movements_between
from stamgast.ledger.types import Lot, Movement, MovementKind
from stamgast.programmes.types import RuleOutcome
from stamgast.segments.queries import list_segments
from stamgast.traits.queries import count_traits

SHARERS = 3
LOTS = 2_000
EXPIRING = 12
MOST_BOUGHT = 5
DEVICES = 5
PARTS = (Part.BUYING, Part.DEVICES, Part.SOURCES, Part.TIER, Part.TRAIT_VALUES)
SCORE = "score"
NAMES = ("name", "firstName", "first_name", "lastName", "last_name", "email")


@dataclass(frozen=True, slots=True)
class Goal:
    """How far it is to a segment that asks for more than an amount of score."""

    over: int
    reached: int
    sentence: str


@page
@require_GET
def customer(request: HttpRequest, reference: str) -> HttpResponse:
    """The profile: who, score, buying, identifiers, traits, timeline."""
    with open_cursor() as cursor:
        view = read_customer(cursor, reference)
        lots = list_lots(cursor, view.profile.customer.id, limit=LOTS)
        kinds = list_kinds_of(cursor, view.anchors)
        goal = _goal(cursor, view)
        parts = read_parts(cursor, view, PARTS, zone=shop_zone(), currency=settings.CONFIGURATION.currency, at=utc_now())
        asked = read_timeline_asked(request.GET, kinds, [one.name for one in parts.sources or ()])
        timeline = timeline_of(cursor, view.profile.customer.id, view.anchors, asked, request.GET.get("before"))
        changes = list_changes(cursor, view.profile.customer.id)
        has_traits = count_traits(cursor) > 0
        erased = find_erasure_of(cursor, view.profile.customer.id)
        sharers = list_sharers(cursor, view.profile.customer.id, limit=SHARERS)
        stay = next(
            (
                one
                for one in list_stays(cursor, [view.profile.customer.id]).get(view.profile.customer.id, ())
                if one.ended_at is None
            ),
            None,
        )
        pool = pool_card(cursor, stay.household) if stay else None
        proposals = list_proposals_of(cursor, view.profile.customer.id, view.anchors, are_waiting=True)
    profile = view.profile
    score = _score(view)
    name = profile_name(profile)
    return show(
        request,
        "console/customer.html",
        {
            "view": view,
            "name": name,
            "initials": initials(name),
            "score": score,
            "goal": goal,
            "expiry": _expiry_sentence(lots),
            "expiring": expiring_rows(lots)[:EXPIRING],
            "leaves": leaving_sentence(score, goal.over, lots) if goal else "",
            "facts": _facts(view, parts.buying),
            "erased": erased,
            "has_traits": has_traits and erased is None,
            "consents": consent_rows(changes),
            "products": _bought(parts.buying, "products"),
            "channels": _bought(parts.buying, "channels"),
            "devices": [{"label": device_label(one), "device": one} for one in (parts.devices or ())[:DEVICES]],
            "sources": parts.sources,
            "tier": tier_card(parts.tier),
            "memberships": [(membership, segment_badge(membership.slug, membership.name)) for membership in view.memberships],
            "identifiers": [
                {"label": identifier_label(one.kind), "value": one.value, "first_at": one.first_at}
                for one in profile.identifiers
            ],
            "shared": [one.value for one, _other in sharers],
            "household": stay,
            "pool": pool,
            "proposals": [
                {"proposal": one, "currency": currency_label(one.currency, one.amount), "who": person_of(one.asked_by)}
                for one in proposals.rows
            ],
            "traits": _traits(profile, parts.trait_values or ()),
            "customer_id": profile.customer.id,
            "asked": asked,
            "kinds": labelled(kinds),
            "last_day": start_of_today().date(),
            **timeline,
        },
    )


@page
@require_GET
def why(request: HttpRequest, movement_id: UUID) -> HttpResponse:
    """Why a point was given: the activity, the rule, the arithmetic, the version, and what would have given more."""
    with open_cursor() as cursor:
        found = explain_movement(cursor, movement_id, language=get_language() or "en")
        movements = _of_one_activity(cursor, found.movement)
    outcomes = found.explanation.outcomes if found.explanation else ()
    context = {
        "activity": found.activity,
        "title": look_of(found.activity).title if found.activity else _title_of(found.movement),
        "facts": activity_facts(found.activity) if found.activity else "",
        "at": found.movement.effective_at,
        "sentence": _why_sentence(found),
        "explanation": found.explanation,
        "applied": [(rule_label(outcome.rule), outcome, _more(outcome)) for outcome in outcomes if outcome.is_applied],
        "missed": [
            (rule_label(outcome.rule), _more(outcome)) for outcome in outcomes if not outcome.is_applied and outcome.more
        ],
        "movements": [
            {"id": row.id, "value": row.delta, "word": movement_word(row), "posted_at": row.posted_at} for row in movements
        ],
        "customer_id": found.movement.owner_id,
    }
    if is_part(request):
        return render(request, "console/parts/explanation.html", context)
    return show(request, "console/explanation.html", context)


def _title_of(movement: Movement) -> str:
    """What moved by no activity: points that expired, or what somebody did with them."""
    if movement.kind is MovementKind.EXPIRE:
        return expiry_look([movement.delta]).title
    return f"{reader.signed(movement.delta)} {currency_label(movement.currency, movement.delta)}"


def _why_sentence(found: MovementExplanation) -> str:
    """What happened to the balance, in one sentence; the plain case in the console's own words."""
    movement = found.movement
    if movement.kind is not MovementKind.EARN or found.explanation is None:
        return found.sentence
    values = {"count": reader.number(movement.delta), "currency": currency_label(movement.currency, movement.delta)}
    if movement.currency == SCORE:
        return _("This added %(count)s to the score.") % values
    return _("This added %(count)s %(currency)s.") % values


def _more(outcome: RuleOutcome) -> str:
    """What would have given more."""
    return with_kinds(with_label(outcome.more or "", outcome.currency))


def _of_one_activity(cursor: Cursor, movement: Movement) -> list[Movement]:
    """A movement and those of the same activity that count from the same moment, the first written first."""
    at = movement.effective_at
    beside = list_movements_between(cursor, movement.owner_id, since=at, until=at)
    rows = {row.id: row for row in beside if row.activity_id == movement.activity_id} | {movement.id: movement}
    return sorted(rows.values(), key=lambda row: (row.posted_at, row.id))


def profile_name(profile: Profile) -> str:
    """What to call the customer of a profile."""
    traits = {trait.name: str(trait.value) for trait in profile.traits if trait.name in NAMES}
    first = traits.get("firstName") or traits.get("first_name") or ""
    last = traits.get("lastName") or traits.get("last_name") or ""
    name = traits.get("name") or " ".join(part for part in (first, last) if part)
    email = next((one.value for one in profile.identifiers if one.kind == "email"), None) or traits.get("email")
    strongest = profile.identifiers[0] if profile.identifiers else None
    return customer_name(name or None, email, f"{strongest.kind}:{strongest.value}" if strongest else "")


def _score(view: CustomerView) -> int:
    return next((balance.available for balance in view.balances if balance.currency == SCORE), 0)


def _goal(cursor: Cursor, view: CustomerView) -> Goal | None:
    """The way to the first segment whose condition is one amount of score to pass; inside it, that one is in."""
    score = _score(view)
    for segment in list_segments(cursor):
        over = segment.condition.get("over")
        if segment.condition.get("balance") != SCORE and segment.condition.get("field") != f"balance.{SCORE}":
            continue
        if not isinstance(over, int):
            continue
        name = segment_name(segment.slug, segment.name)
        if score > over:
            return Goal(over, over, _("In “%(segment)s”: over %(over)s.") % {"segment": name, "over": reader.number(over)})
        missing = over + 1 - score
        text = ngettext("%(count)s more for “%(segment)s”.", "%(count)s more for “%(segment)s”.", missing)
        return Goal(over, max(score, 0), text % {"count": reader.number(missing), "segment": name})
    return None


def _expiry_sentence(lots: Sequence[Lot]) -> str:
    """What expires next: everything that goes on the same day counts together."""
    due = [lot for lot in lots if lot.currency == SCORE and lot.expires_at is not None]
    if not due:
        return ""
    first = reader.day(due[0].expires_at)
    amount = sum(lot.remaining for lot in due if reader.day(lot.expires_at) == first)
    text = ngettext("%(count)s expires on %(day)s.", "%(count)s expire on %(day)s.", amount)
    return text % {"count": reader.number(amount), "day": first}


def leaving_sentence(score: int, over: int, lots: list[Lot]) -> str:
    """The day on which what expires takes somebody out who does nothing more; empty for who is not in, or stays for ever."""
    left = score
    if left <= over:
        return ""
    for lot in lots:
        if lot.currency != SCORE or lot.expires_at is None:
            continue
        left -= lot.remaining
        if left <= over:
            return _("Leaves on %(day)s if nothing happens.") % {"day": reader.day(lot.expires_at)}
    return ""


def _facts(view: CustomerView, buying: Buying | None) -> list[tuple[str, str]]:
    orders = view.orders
    if not orders.count or orders.currency is None:
        return []
    facts = [
        (_("Orders"), reader.number(orders.count)),
        (_("Spend"), reader.money(orders.revenue_minor, orders.currency)),
        (_("Average order"), reader.money(round(orders.revenue_minor / orders.count), orders.currency)),
        (_("Last order"), reader.ago(orders.last_at, utc_now())),
    ]
    gap = buying.usual_gap_days if buying else None
    if gap is not None:
        often = ngettext("every day", "every %(count)s days", round(gap)) % {"count": reader.number(round(gap))}
        facts.append((_("Usually buys"), often))
    facts.append((_("First order"), reader.day(orders.first_at)))
    return facts


def _bought(buying: Buying | None, name: str) -> list[dict[str, Any]]:
    rows: Sequence[Bought] = getattr(buying, name) if buying else ()
    currency = buying.currency if buying else None
    return [{"row": row, "amount": reader.money(row.amount_minor, currency or "")} for row in rows[:MOST_BOUGHT]]


def _traits(profile: Profile, told: Sequence[TraitValue]) -> list[dict[str, Any]]:
    """Each trait with its source, and the other values that were told of it."""
    lost: dict[str, list[dict[str, Any]]] = {}
    for one in told:
        if not one.holds and one.value is not None:
            row = {"value": _trait_text(one.value), "source": one.source, "last_at": one.last_at}
            lost.setdefault(one.name, []).append(row)
    return [
        {
            "label": trait_label(one.name),
            "value": _trait_text(one.value),
            "source": one.source,
            "occurred_at": one.occurred_at,
            "lost": lost.get(one.name, []),
        }
        for one in profile.traits
    ]


def _trait_text(value: object) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    return str(value)
