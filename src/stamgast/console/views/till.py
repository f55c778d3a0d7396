"""The till: one customer by what they show, their score and their level. Nothing else about them."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from stamgast.activities.queries import country_of
from stamgast.console.pages import page, show
from stamgast.console.tier_words import tier_card
from stamgast.console.words import segment_badge
from stamgast.customers.queries import find_customer, summarise_customers
from stamgast.customers.types import Customer
from stamgast.flows.read_standing import read_standing
from stamgast.kit.clock import utc_now
from stamgast.kit.database import Cursor, open_cursor
from stamgast.ledger.queries import list_available
from stamgast.segments.queries import list_memberships

KINDS = ("card_number", "loyalty_id", "user_id", "email", "phone")
"""What somebody can show or say at the till, in the order in which it is looked for."""
LONGEST = 200
SCORE = "score"


@page
@require_GET
def till(request: HttpRequest) -> HttpResponse:
    """Found by the whole of a card, a number, an address or a telephone; the beginning of one finds nobody."""
    asked = request.GET.get("q", "").strip()[:LONGEST]
    context: dict[str, object] = {"asked": asked}
    if asked:
        with open_cursor() as cursor:
            customer = _find(cursor, asked)
            if customer is not None:
                memberships = list_memberships(cursor, [customer.id]).get(customer.id, [])
                (summary,) = summarise_customers(cursor, [customer.id])
                context |= {
                    "found": customer,
                    "name": summary.name or asked,
                    "score": list_available(cursor, [customer.id]).get(customer.id, {}).get(SCORE, 0),
                    "tier": tier_card(read_standing(cursor, customer.id, at=utc_now())),
                    "segments": [segment_badge(one.slug, one.name) for one in memberships],
                }
    return show(request, "console/till.html", context)


def _find(cursor: Cursor, asked: str) -> Customer | None:
    region = country_of(settings.CONFIGURATION.timezone)
    for kind in KINDS:
        customer = find_customer(cursor, f"{kind}:{asked}", region=region)
        if customer is not None:
            return customer
    return None
