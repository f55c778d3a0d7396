"""The ledger in words: accounts, kinds of movements, causes, lots, entries of the journal."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from stamgast.activities.types import Activity
from stamgast.books.types import PartnerKind
from stamgast.console import reader
from stamgast.console.programme_words import rule_label
from stamgast.console.words import activity_facts, currency_label, look_of, movement_word
from stamgast.ledger.types import Account, Lot, Movement, MovementKind


def account_label(account: int) -> str:
    """What an account of the programme's side is for."""
    labels = {
        Account.PROGRAMME: _("given by the programme"),
        Account.EXPIRED: pgettext("account", "expired"),
        Account.SPENT: pgettext("account", "spent"),
        Account.ADJUSTED: _("changed by hand"),
        Account.TRANSIT: _("on the way between customers"),
        Account.PARTNER: _("partners"),
        Account.CHARITY: _("charities"),
        Account.ISSUED: _("given by partners"),
    }
    return labels.get(Account(account), str(account))


def partner_kind_label(kind: PartnerKind) -> str:
    """What a business is to the programme."""
    return {PartnerKind.PARTNER: _("partner"), PartnerKind.CHARITY: _("charity")}[kind]


def kind_label(kind: MovementKind) -> str:
    """A kind of movement in a list to choose from."""
    return movement_word(_of_kind(kind))


def cause_of(movement: Movement, activity: Activity | None) -> str:
    """Why there is a movement: who asked for it and why, also where a rule gave the lot; else the activity and the rule of
    which version."""
    if movement.act_id is not None:
        return _("%(reason)s (%(actor)s)") % {"reason": movement.reason, "actor": person_of(movement.actor)}
    if activity is not None and movement.rule:
        words = {
            "what": look_of(activity).title,
            "where": activity_facts(activity),
            "rule": rule_label(movement.rule),
            "version": movement.programme_version,
        }
        return _("%(what)s (%(where)s), by “%(rule)s”, version %(version)s") % words
    if movement.rule:
        return _("by “%(rule)s”, version %(version)s") % {
            "rule": rule_label(movement.rule),
            "version": movement.programme_version,
        }
    return movement.reason


def person_of(actor: str) -> str:
    """Who acted: a colleague's address, a key, or the programme by itself."""
    kind, colon, name = actor.partition(":")
    return name if colon and kind == "staff" else actor


def entry_label(kind: str) -> str:
    """Why there is an entry in the journal."""
    labels = {
        "deferred": _("put off for points"),
        "taken_back": _("points taken back"),
        "earned": _("points redeemed"),
    }
    return labels.get(kind, kind)


def books_account(name: str) -> str:
    """An account of the journal."""
    labels = {
        "sales": _("sales"),
        "contract_liability": _("liability for points"),
        "points_revenue": _("revenue from points"),
    }
    return labels.get(name, name)


def phase_label(phase: str) -> str:
    """What an audit is reading."""
    labels = {"ledger": _("movements and the chain"), "parity": _("everything decided again, customer by customer")}
    return labels.get(phase, _("beginning"))


def check_label(check: str) -> str:
    """What a check of the audit holds against what."""
    labels = {
        "fingerprint": _("A movement is not what was written"),
        "batch": _("A batch is not what was written"),
        "bucket": _("A movement is in the wrong place"),
        "chain": _("The chain is broken"),
        "balance_lots": _("A balance is not its lots"),
        "balance_movements": _("A balance is not its movements"),
        "lot_movements": _("A lot is not its movements"),
        "contra_movements": _("A daily sum is not its movements"),
        "contra_balances": _("Both sides of the ledger differ"),
        "adjustments": _("What a second person decided was changed"),
        "proposal_acts": _("What was approved is not what was done"),
        "adjustment_limits": _("A limit is not the one that was set"),
        "parity": _("Replay gives something else"),
        "programme": _("A published document was changed"),
        "state": _("What is decided on from is not what replay leaves"),
        "tiers": _("The levels of a member are not what replay makes"),
        "stays": _("A stay in a segment is not what the movements make"),
    }
    return labels.get(check, check)


def expiring_rows(lots: Sequence[Lot]) -> list[dict[str, Any]]:
    """What goes on which day, soonest first; what never goes comes last. ``lots`` are in the order of their expiry."""
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    for lot in lots:
        day = reader.day(lot.expires_at) if lot.expires_at else ""
        empty = {"day": day, "currency": currency_label(lot.currency), "amount": 0}
        groups.setdefault((lot.currency, day), empty)["amount"] += lot.remaining
    return list(groups.values())


def _of_kind(kind: MovementKind) -> Movement:
    nobody, never = UUID(int=0), datetime.min.replace(tzinfo=UTC)
    return Movement(
        nobody, nobody, kind, "", Account.PROGRAMME, Account.AVAILABLE, 0, never, never, None, None, "", None, "", "", nobody
    )
