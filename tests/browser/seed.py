"""A small shop's two and a half years, through the real intake and the real deciding. Run with the address of a fresh database.

Small enough for seconds, and with one of everything that a page must show: loyal customers and some who left, refunds,
expiries, visitors before signing in, long names, refusals of several sorts, a kind that nobody described.
"""

import json
import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import django
from django.conf import settings

HOUSEHOLD = "Elm Street 4"
DUPLICATE = "3ca1e2a4-0000-4000-8000-000000000001"
"""The proposal that customers 918 and 901 are one person."""
DRAFTS = ("5b0a2f4e-0000-4000-8000-000000000001", "5b0a2f4e-0000-4000-8000-000000000002")
"""A draft in review on an older version, and one that is half a document."""
PASSWORD = "a-stool-at-the-bar-7"
EMAIL = "owner@example.org"
NAMES = (
    "Aaltje de Boer", "Bram Jansen", "Carla van den Heuvel-Oosterhout tot Nijenrode", "Daan Vos", "Eva Smit",
    "Fatima El Amrani",
    "Gijs Mulder", "Hanna Wójcik", "Ilse Bakker", "Jan Visser", "Karin Dijkstra", "Lars Öztürk", "Mila Meijer", "Noor de Wit",
    "Olaf Peeters", "Petra Hoekstra", "Quinten Bos", "Rosa Kuipers", "Sem Willems", "Tess van Dam",
)  # fmt: skip
STORES = ("330", "412", "7")
COUPONS = ("frozen pizza", "10 % off coffee", "second bread free")
CAMPAIGNS = ("Your week in November", "Summer table", "We miss you")


def shop(now: datetime) -> Iterator[tuple[str, dict[str, Any]]]:
    """Messages as they were sent: (source, message)."""
    chance = random.Random(20)
    for number in range(1, 41):
        who = {"userId": str(900 + number)}
        began = now - timedelta(days=chance.randint(200, 900))
        if number <= len(NAMES):
            name = NAMES[number - 1]
            address = f"{name.split()[0].lower()}{number}@example.org"
            traits = {"name": name, "email": address, "city": chance.choice(["Utrecht", "Zwolle", "Breda"]), "newsletter": True}
            yield "web shop", {"type": "identify", **who, "anonymousId": f"visitor-{number}", "traits": traits, "at": began}
        orders = 1 + number * 4 + chance.randint(0, 12)
        span = (now - began).total_seconds() * (0.55 if number % 7 == 0 else 0.995)
        for order in range(orders):
            at = began + timedelta(seconds=span * (order + chance.random()) / orders)
            source = "till" if chance.random() < 0.7 else "web shop"
            order_id = f"{number}-{order}"
            products = [
                {
                    "product_id": f"p{chance.randint(1, 90)}",
                    "category": chance.choice(["bread", "coffee", "fruit"]),
                    "price": price,
                    "quantity": 1,
                }
                for price in (f"{chance.randint(1, 29)}.{chance.randint(0, 99):02}" for _ in range(chance.randint(1, 9)))
            ]  # fmt: skip
            kind = "Till Sale" if source == "till" else "Order Completed"
            properties = {"order_id": order_id, "currency": "EUR", "store_id": chance.choice(STORES), "products": products}
            yield source, {"type": "track", **who, "event": kind, "properties": properties, "at": at}
            if chance.random() < 0.08:
                coupon = {"coupon_name": chance.choice(COUPONS), "order_id": order_id}
                yield "till", {"type": "track", **who, "event": "Coupon Redeemed", "properties": coupon, "at": at}
            if chance.random() < 0.02:
                refund = {"order_id": order_id, "total": "1.00", "currency": "EUR"}
                later = min(at + timedelta(days=2), now - timedelta(hours=2))
                yield "web shop", {"type": "track", **who, "event": "Order Refunded", "properties": refund, "at": later}
        for campaign in CAMPAIGNS:
            at = now - timedelta(days=chance.randint(5, 120))
            properties = {"campaign_name": campaign, "channel": "e-mail"}
            yield "campaigns", {"type": "track", **who, "event": "Campaign Sent", "properties": properties, "at": at}
            if chance.random() < 0.4:
                yield "campaigns", {"type": "track", **who, "event": "Campaign Opened", "properties": properties, "at": at}
    yield (
        "web shop",
        {"type": "page", "anonymousId": "8f14e45f-ceea-467f", "properties": {"title": "Bread"}, "at": now - timedelta(hours=1)},
    )
    consent = {"purpose": "newsletter", "channel": "email", "language": "nl", "text": "Ja, stuur me de nieuwsbrief per e-mail."}
    for days, event in ((300, "Consent Given"), (90, "Unsubscribed"), (30, "Consent Given")):
        at = now - timedelta(days=days)
        properties = consent if event == "Consent Given" else {}
        yield "web shop", {"type": "track", "userId": "918", "event": event, "properties": properties, "at": at}
    tasting = {"seats": 2, "evening": "friday"}
    at = now - timedelta(days=1)
    yield "web shop", {"type": "track", "userId": "901", "event": "Wine Tasting Booked", "properties": tasting, "at": at}
    yield (
        "web shop",
        {"type": "track", "userId": "902", "event": "Order Completed", "properties": {"revenue": "12,30"}, "at": now},
    )
    yield "till", {"type": "track", "event": "Till Sale", "properties": {"order_id": "x"}, "at": now}
    yield "web shop", {"type": "track", "userId": "903", "event": "", "at": now}


def fill(now: datetime) -> None:
    """Everything, decided."""
    from stamgast.access.operations import create_staff
    from stamgast.activities.messages import Refused
    from stamgast.activities.operations import create_source, install_kinds, store
    from stamgast.activities.queries import load_reader
    from stamgast.flows.decide_pending import decide_pending, settle_now
    from stamgast.flows.install import install
    from stamgast.kit.database import transaction

    configuration = settings.CONFIGURATION
    install(timezone=configuration.timezone, at=now, actor="seed")
    with transaction() as cursor:
        install_kinds(cursor)
        create_staff(cursor, email=EMAIL, name="Sanne Eigenaar", password=PASSWORD, at=now, actor="seed")
        sources = {}
        for name in ("web shop", "till", "campaigns"):
            sources[name], key = create_source(cursor, name, is_strict=name == "till", at=now, actor="seed")
            if name == "web shop":
                print(key)
        reader = load_reader(cursor, currency=configuration.currency, timezone=configuration.timezone)
        kept, refused = [], []
        for number, (source, message) in enumerate(sorted(shop(now), key=lambda row: row[1]["at"])):
            at = message.pop("at")
            body = json.dumps({**message, "messageId": f"seed-{number}", "timestamp": at.isoformat()})
            # What is old came in when it happened, so that today's figures are today's.
            read = reader.read_message(body.encode(), source=sources[source], received_at=at, fallback_id=f"seed-{number}")
            (refused if isinstance(read, Refused) else kept).append(read)
        store(cursor, kept, refused)
    while decide_pending(at=now, actor="seed", limit=2_000) or settle_now(at=now, actor="seed"):
        pass
    propose(now)
    draft(now)
    live_together(now)
    settle_with_others(now)
    put_right(now)
    define(now)


TRAITS = (
    {"name": "spent_90", "label": "Spent in 90 days", "when": {"field": "amount", "over": 0}, "aggregate": "sum",
     "of": "amount", "days": 90},
    {"name": "favourite", "label": "Buys most", "aggregate": "most_frequent", "of": "lines.category"},
    {"name": "quiet_days", "label": "Days since the last visit", "aggregate": "days_since_last"},
    {"name": "first_till", "label": "First at the till", "when": {"all": [{"activity": "Till Sale"}, {"any_line":
     {"category": "coffee"}}]}, "aggregate": "first_at"},
)  # fmt: skip


def define(now: datetime) -> None:
    """Some computed traits."""
    from stamgast.kit.database import transaction
    from stamgast.traits.definition import read_definition
    from stamgast.traits.operations import save_trait

    shop = settings.CONFIGURATION
    with transaction() as cursor:
        for document in TRAITS:
            definition = read_definition(document, zone=shop.timezone, currency=shop.currency)
            save_trait(cursor, definition, after=None, at=now, actor=f"staff:{EMAIL}", reason="for the autumn letter")


def draft(now: datetime) -> None:
    """A version by which points can be spent, one for later, one for later that was withdrawn, and two drafts."""
    from stamgast.flows.publish import put_in_force, withdraw_version
    from stamgast.kit.database import transaction
    from stamgast.programmes.drafts import begin_draft, send_to_review
    from stamgast.programmes.queries import get_programme

    with transaction() as cursor:
        text = get_programme(cursor).versions[0].document
        named = {"programme": "default", "base": 1, "at": now, "actor": f"staff:{EMAIL}"}
        changed = text.replace("give: {score: 5}", "give: {score: 7}\n    cap: {score: 21, per: week}")
        begun = begin_draft(cursor, id_=uuid.UUID(DRAFTS[0]), title="More for coupons in spring", document=changed, **named)
        send_to_review(cursor, begun.id, revision=1, reason="What do you think?", at=now, actor=f"staff:{EMAIL}")
        half = text.replace("score: 5", "score: many").replace("over: 0", "over: nothing")
        begin_draft(cursor, id_=uuid.UUID(DRAFTS[1]), title="Half done", document=half, **named)
    with_budgets = text.replace("give: {score: 1}", "give: {score: 1}\n    budget: {score: 9000}")
    with_budgets = with_budgets.replace("give: {score: 5}", "give: {score: 5}\n    budget: {score: 100}")
    with_budgets = with_budgets.replace("spendable: false", "spendable: true")
    put_in_force(with_budgets, effective_from=now, at=now, actor=f"staff:{EMAIL}", reason="No more than this")
    for number, days in ((8, 400), (9, 500)):
        put_in_force(
            text.replace("score: 5", f"score: {number}"), effective_from=now + timedelta(days=days), at=now,
            actor=f"staff:{EMAIL}", reason="For the summer of the year after next",
        )  # fmt: skip
    withdraw_version(4, at=now, actor=f"staff:{EMAIL}", reason="One summer is enough")


def live_together(now: datetime) -> None:
    """Two customers in one household, with a pool of which one gave and the other spent."""
    from stamgast.flows.pool import Asked, give_to_pool, spend_from_pool
    from stamgast.flows.set_household import set_household

    actor = f"staff:{EMAIL}"
    for user in ("918", "905"):
        set_household(f"user_id:{user}", HOUSEHOLD, reason="They said so at the till", at=now, actor=actor)
    give = Asked("seed-give", "For our anniversary", now, actor)
    give_to_pool("user_id:918", currency="score", amount=20, asked=give)
    spend_from_pool("user_id:905", currency="score", amount=5, asked=Asked("seed-spend", "Two coffees", now, actor))


def settle_with_others(now: datetime) -> None:
    """A partner that gave points and a charity that was given some; and one that was closed."""
    from stamgast.books.operations import add_partner, close_partner
    from stamgast.flows.act import act
    from stamgast.kit.database import transaction
    from stamgast.ledger.acts import Donate, Issue

    by = {"at": now, "actor": f"staff:{EMAIL}"}
    with transaction() as cursor:
        add_partner(cursor, code="bakery", kind="partner", name="Bakery on the corner", **by)
        add_partner(cursor, code="florist", kind="partner", name="Florist", **by)
        add_partner(cursor, code="forest", kind="charity", name="Friends of the forest", **by)
        close_partner(cursor, "florist", reason="They moved away", **by)
    said = {"currency": "score", "occurred_at": now}
    issued = {**said, "key": "seed-issue", "reason": "Bread for a week", "amount": 40, "partner": "bakery"}
    donated = {**said, "key": "seed-donate", "reason": "A tree", "amount": 3, "charity": "forest"}
    act("user_id:918", lambda owner, anchor: Issue(owner_id=owner, anchor_id=anchor, **issued), **by)
    act("user_id:918", lambda owner, anchor: Donate(owner_id=owner, anchor_id=anchor, **donated), **by)


def put_right(now: datetime) -> None:
    """A limit, and adjustments above it: one's own, a colleague's, and one that was refused."""
    from stamgast.flows.adjust import adjust, refuse_adjustment
    from stamgast.kit.database import transaction
    from stamgast.ledger.adjusting import Proposal, set_limit

    actor, colleague = f"staff:{EMAIL}", "staff:colleague@example.org"
    with transaction() as cursor:
        set_limit(cursor, "score", 100, at=now, actor=actor, reason="The auditor asked for it")
    for number, (amount, who) in enumerate(((500, actor), (-350, colleague), (9000, colleague))):
        proposal = adjust(
            "user_id:918", currency="score", amount=amount, reason="Her parcel was late for the second time this month",
            key=f"seed {number}", at=now, actor=who,
        )  # fmt: skip
        assert isinstance(proposal, Proposal)
    refuse_adjustment(proposal.id, reason="That is a whole year of points", at=now, actor=actor)


def propose(now: datetime) -> None:
    """Two pairs that are likely one person each, one of them decided."""
    from stamgast.customers.queries import get_customer
    from stamgast.duplicates.models import Proposal
    from stamgast.kit.database import open_cursor

    with open_cursor() as cursor:
        pairs = [
            sorted(get_customer(cursor, f"user_id:{user}").id for user in users) for users in (("918", "901"), ("905", "906"))
        ]
    named = {"found_at": now, "search_id": uuid.UUID(int=1)}
    reasons = ["given:different", "surname:one_letter", "born:same", "postcode:same", "email:different"]
    (one, other), decided = pairs
    Proposal.objects.create(id=DUPLICATE, one_id=one, other_id=other, probability=0.987, reasons=reasons, state="open", **named)
    Proposal.objects.create(
        id=uuid.UUID(int=2), one_id=decided[0], other_id=decided[1], probability=0.8, reasons=reasons, state="refused",
        settled_at=now, settled_by=f"staff:{EMAIL}", judgement_id=uuid.UUID(int=3), **named,
    )  # fmt: skip


if __name__ == "__main__":
    django.setup()
    fill(datetime.now(UTC))
