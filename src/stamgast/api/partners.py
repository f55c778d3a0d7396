"""The routes of partners and charities: which there are, what is done with points at them, and what is settled."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from ninja import Field, NinjaAPI, Query, Schema
from ninja.responses import Status

from stamgast.api.acts import OutcomeShape, SpendBody, Values, done_once, key_of, told
from stamgast.api.adjustments import ProposalShape, told_or_waits
from stamgast.api.keys import actor_of, region
from stamgast.api.shapes import Paging
from stamgast.books.queries import get_partner, list_partners
from stamgast.books.types import Partner, PartnerKind
from stamgast.customers.reasons import required_reason
from stamgast.flows.adjust import issue_by_key
from stamgast.flows.partners import WithPartner, act_with_partner, settled_days
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor
from stamgast.ledger.acts import Donate, Issue, Redeem
from stamgast.ledger.settlement import Settlement, list_settlements


class DonationBody(SpendBody):
    """How much, and to which charity, by its code."""

    charity: str


class WithPartnerBody(SpendBody):
    """How much, and at which partner, by its code."""

    partner: str


class PartnerShape(Schema):
    """A partner or charity. ``closed_at`` is null while something may be done with it."""

    code: str
    kind: PartnerKind
    name: str
    added_at: datetime
    closed_at: datetime | None


class PartnerPage(Schema):
    """A page of partners and charities, by code."""

    data: list[PartnerShape]
    next_cursor: str | None


class SettlementQuery(Paging):
    """Which days, both included, in the zone of the programme, and which partner or charity."""

    since: date | None = Field(None, alias="from", description="The first day; the first of the last day's month.")
    until: date | None = Field(None, alias="to", description="The last day; today.")
    partner: str | None = Field(
        None, max_length=100, pattern=r"^[^\x00]*$", description="The code of a partner or charity; all, where it is left out."
    )


class SettlementShape(Schema):
    """One day of one partner or charity in one currency. ``net`` is what it is owed: redeemed and donated, less issued."""

    day: date
    partner: str
    currency: str
    issued: int
    redeemed: int
    donated: int
    net: int


class SettlementPage(Schema):
    """A page of the days on which something moved, the first day first. ``timezone`` says where these days begin."""

    since: date = Field(alias="from")
    until: date = Field(alias="to")
    timezone: str
    data: list[SettlementShape]
    next_cursor: str | None


def register(api: NinjaAPI) -> None:
    """Adds the routes."""

    @api.post("/customers/{reference}/donations", response={201: OutcomeShape}, summary="Donate to a charity")
    @done_once
    def donate_points(request: HttpRequest, reference: str, body: DonationBody) -> Status[Values]:
        """Gives an amount to a charity. The id is the receipt, and that by which it is reversed as a spend is."""
        return _ask(request, reference, body, Donate, charity=body.charity)

    @api.post("/customers/{reference}/redemptions", response={201: OutcomeShape}, summary="Redeem at a partner")
    @done_once
    def redeem_points(request: HttpRequest, reference: str, body: WithPartnerBody) -> Status[Values]:
        """Uses up an amount at a partner, who is owed for it. It is reversed as a spend is."""
        return _ask(request, reference, body, Redeem, partner=body.partner)

    @api.post(
        "/customers/{reference}/issues",
        response={201: OutcomeShape, 202: ProposalShape},
        summary="Give what a partner issues",
    )
    @done_once
    def issue_points(request: HttpRequest, reference: str, body: WithPartnerBody) -> Status[Any]:
        """Gives an amount on behalf of a partner, who owes for it. It expires as the programme says of its currency. Above the
        limit of the currency it waits for a second person."""
        key, at = key_of(request), utc_now()

        def asked(owner: UUID, anchor: UUID | None) -> Issue:
            return Issue(owner_id=owner, anchor_id=anchor, partner=body.partner, **_said(body, key, at))

        answer = issue_by_key(
            reference, asked, currency=body.currency, key=key, at=at, actor=actor_of(request), region=region()
        )
        return told_or_waits(request, answer)

    @api.get("/partners", response=PartnerPage, summary="Partners and charities")
    def list_all_partners(request: HttpRequest, paging: Query[Paging]) -> dict[str, Any]:
        """Every partner and charity, closed ones among them, by code."""
        with open_cursor() as cursor:
            page = list_partners(cursor, after=paging.cursor, limit=paging.limit)
        return {"data": [_partner(row) for row in page.rows], "next_cursor": page.next_cursor}

    @api.get("/settlements", response=SettlementPage, by_alias=True, summary="What is settled with partners and charities")
    def list_all_settlements(request: HttpRequest, asked: Query[SettlementQuery]) -> dict[str, Any]:
        """The days on which something moved. What was given back counts on the day on which it was, so that a day that is over
        does not change."""
        zone = settings.CONFIGURATION.timezone
        with open_cursor() as cursor:
            period = settled_days(cursor, asked.since, asked.until, at=utc_now(), otherwise=zone)
            page = list_settlements(cursor, period, reference=asked.partner, after=asked.cursor, limit=asked.limit)
            if asked.partner is not None and not page.rows:
                get_partner(cursor, asked.partner)
        return {
            "from": period.since,
            "to": period.until,
            "timezone": period.zone,
            "data": [_settlement(row) for row in page.rows],
            "next_cursor": page.next_cursor,
        }


def _said(body: SpendBody, key: str, at: datetime) -> Values:
    reason = required_reason(body.reason)
    return {"key": key, "reason": reason, "occurred_at": at, "currency": body.currency, "amount": body.amount}


def _ask(request: HttpRequest, reference: str, body: SpendBody, kind: type[Donate | Redeem], **names: Any) -> Status[Values]:
    key, at = key_of(request), utc_now()

    def wanted(owner: UUID, anchor: UUID | None) -> WithPartner:
        return kind(owner_id=owner, anchor_id=anchor, **_said(body, key, at), **names)

    return told(request, act_with_partner(reference, wanted, at=at, actor=actor_of(request), region=region()))


def _partner(row: Partner) -> dict[str, Any]:
    return {"code": row.code, "kind": row.kind, "name": row.name, "added_at": row.added_at, "closed_at": row.closed_at}


def _settlement(row: Settlement) -> dict[str, Any]:
    totals = row.totals
    return {"day": row.day, "partner": totals.reference, **totals._asdict(), "net": totals.net}
