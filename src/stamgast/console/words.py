"""The console's own words for what the rooms know: activities, reasons, refusals, names. No request, no database."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from stamgast.activities.types import Activity, Device
from stamgast.console import reader
from stamgast.ledger.types import Movement, MovementKind
from stamgast.programmes.terms import Document


@dataclass(frozen=True, slots=True)
class Look:
    """How an activity is told: its title, its icon, and its tone (good, reward, loss or none)."""

    title: str
    icon: str
    tone: str


def reason_sentence(reason: str) -> str:
    """Why a message was refused, in a few words; the detail says the rest."""
    sentences = {
        "invalid_json": _("It is not JSON"),
        "invalid_message": _("The message has not the shape it should have"),
        "too_large": _("It is larger than a message may be"),
        "too_many": _("The batch holds too many messages"),
        "unknown_type": _("The type is not one that we know"),
        "no_identity": _("It does not say who did it"),
        "no_event_name": _("The event has no name"),
        "bad_event_name": _("The event's name cannot be used"),
        "bad_message_id": _("The message id cannot be used"),
        "bad_timestamp": _("The moment cannot be read"),
        "bad_amount": _("An amount cannot be read"),
        "schema": _("It does not keep to the schema of its kind"),
    }
    return sentences.get(reason, reason)


def identifier_label(kind: str) -> str:
    """What sort of identifier it is, for a person."""
    labels = {
        "user_id": _("Customer number"),
        "email": _("E-mail address"),
        "phone": _("Telephone"),
        "anonymous_id": _("Visitor before signing in"),
        "card_number": _("Card"),
        "loyalty_id": _("Loyalty number"),
        "erased": _("Erased"),
    }
    return labels.get(kind, kind.replace("_", " ").capitalize())


def trait_label(name: str) -> str:
    """What a trait is called, for a person."""
    labels = {
        "name": _("Name"),
        "first_name": _("First name"),
        "last_name": _("Last name"),
        "email": _("E-mail address"),
        "phone": _("Telephone"),
        "age": _("Age"),
        "income": _("Income"),
        "household_size": _("Household size"),
        "household_comp": _("Household"),
        "home_ownership": pgettext("trait", "Home"),
        "marital_status": _("Marital status"),
        "kids_count": _("Children"),
        "birthday": _("Birthday"),
        "city": _("City"),
        "language": pgettext("trait", "Language"),
    }
    return labels.get(name, name.replace("_", " ").capitalize())


def removed_rows(removed: Mapping[str, int]) -> list[tuple[str, int]]:
    """What a receipt says was removed, in words, the most telling first; what was none is left out."""
    labels = {
        "identifiers": _("identifiers"),
        "activities": _("activities without anybody in them"),
        "traits": _("traits"),
        "trait_values": _("values that were told of traits"),
        "consents": _("changes of consent without anybody in them"),
        "links": _("links"),
        "evidence": _("pairs of identifiers seen together"),
        "judgements": _("judgements"),
        "households": _("households told"),
        "refusals": _("refused messages"),
        "activities_of_others": _("activities of others that named them"),
        "traits_of_others": _("values that others told"),
        "adjustments": _("reasons of proposed adjustments"),
    }
    names = [*labels, *(name for name in removed if name not in labels)]
    return [(labels.get(name, name), removed[name]) for name in names if removed.get(name)]


def device_label(device: Device) -> str:
    """What a device is called: its make and program where they were told, else the browser and system in its user agent."""
    agent = device.program
    if agent.startswith("Mozilla/"):
        browser = next((name for mark, name in _BROWSERS if mark in agent), _("Browser"))
        system = next((name for mark, name in _SYSTEMS if mark in agent), "")
        agent = _("%(browser)s on %(system)s") % {"browser": browser, "system": system} if system else browser
    told = " · ".join(filter(None, (device.make, device.system, agent)))
    return told or _("Visitor %(start)s…") % {"start": device.id[:8]}


_BROWSERS = (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("CriOS/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)  # fmt: skip


def customer_name(name: str | None, email: str | None, identifier: str) -> str:
    """What to call a customer: the name, else the address, else the strongest identifier."""
    if name or email:
        return name or email or ""
    kind, _separator, value = identifier.partition(":")
    if kind == "erased":
        return _("Erased customer")
    if kind == "anonymous_id":
        return _("Visitor %(start)s…") % {"start": value[:8]}
    return _("Customer %(number)s") % {"number": value}


def initials(name: str) -> str:
    """At most two letters for the round mark beside a name; none for a name with a number in it."""
    words = [word for word in name.partition("@")[0].split() if word[0].isalpha()]
    if not words or any(letter.isdigit() for letter in name.partition("@")[0]) or "\N{HORIZONTAL ELLIPSIS}" in name:
        return ""
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


def look_of(activity: Activity) -> Look:
    """The title, icon and tone of an activity of a kind that we know; any other keeps its own name."""
    money = None
    if activity.amount_minor is not None and activity.currency:
        money = reader.money(activity.amount_minor, activity.currency)
    return _look(activity.kind, activity.properties, money)


def kind_label(kind: str, amount_minor: int | None = None, currency: str | None = None) -> str:
    """A kind of activity as the title of one of which nothing but its amount is known."""
    return _look(kind, {}, reader.money(amount_minor, currency) if amount_minor is not None and currency else None).title


def _look(kind: str, properties: Mapping[str, Any], money: str | None) -> Look:
    match kind:
        case "Order Completed" | "Till Sale":
            title = _("Order of %(amount)s") % {"amount": money} if money else _("Order")
            return Look(title, "shopping-cart", "good")
        case "Consent Given":
            return Look(_with(_("Consent given"), properties, "purpose"), "check", "good")
        case "Consent Withdrawn":
            return Look(_with(_("Consent withdrawn"), properties, "purpose"), "x", "loss")
        case "Unsubscribed":
            return Look(_("Unsubscribed"), "x", "loss")
        case "Order Refunded" | "Till Return" | "Return":
            title = _("Refund of %(amount)s") % {"amount": money} if money else _("Order refunded")
            return Look(title, "arrow-back-up", "loss")
        case "Order Cancelled":
            return Look(_("Order cancelled"), "x", "loss")
        case "Order Updated":
            title = _("Order changed to %(amount)s") % {"amount": money} if money else _("Order changed")
            return Look(title, "refresh", "")
        case "Coupon Redeemed":
            return Look(_with(_("Coupon redeemed"), properties, "coupon_name", "name", "coupon_id"), "ticket", "reward")
        case "Campaign Sent":
            return Look(_with(_("Campaign sent"), properties, "campaign_name", "campaign_id"), "send", "")
        case "Campaign Opened" | "Email Opened":
            return Look(_with(_("Opened"), properties, "campaign_name", "campaign_id"), "mail", "")
        case "Campaign Clicked" | "Email Link Clicked":
            return Look(_with(_("Clicked"), properties, "campaign_name", "campaign_id"), "click", "")
        case "Campaign Replied":
            return Look(_with(_("Replied"), properties, "campaign_name", "campaign_id"), "message", "good")
        case "Product Reviewed" | "Review":
            return Look(_("Wrote a review"), "star", "reward")
        case "Referral":
            return Look(_("Brought somebody in"), "user-plus", "reward")
        case "Survey Answered":
            return Look(_("Answered a survey"), "message", "")
        case "App Opened" | "Application Opened":
            return Look(_("Opened the app"), "device-mobile", "")
        case "Card Reissued":
            return Look(_("Got a new card"), "credit-card", "")
        case "Card Swiped":
            return Look(_("Showed the card"), "credit-card", "")
        case "identify":
            return Look(_("Said who they are"), "id", "")
        case "page" | "screen":
            return Look(_with(_("Looked at a page"), properties, "title", "name", "path"), "eye", "")
        case "group":
            return Look(_("Joined a group"), "users-group", "")
        case "alias":
            return Look(_("Two numbers became one customer"), "arrows-exchange", "")
    return Look(kind, "activity", "")


def activity_facts(activity: Activity) -> str:
    """Source, store and number of lines, as the second line of an event."""
    facts = [activity.source]
    store = activity.properties.get("store_id") or activity.properties.get("store")
    if isinstance(store, str | int):
        facts.append(_("store %(number)s") % {"number": store})
    if activity.lines:
        count = len(activity.lines)
        facts.append(ngettext("%(count)s line", "%(count)s lines", count) % {"count": reader.number(count)})
    return " · ".join(facts)


def with_kinds(sentence: str) -> str:
    """A sentence of a condition with the kinds of activities that we know called as people call them."""
    names = {
        "Order Completed": _("a completed order"),
        "Till Sale": _("a sale at the till"),
        "Coupon Redeemed": _("a redeemed coupon"),
        "Card Swiped": _("a shown card"),
        "Product Reviewed": _("a review"),
        "Survey Answered": _("an answered survey"),
        "App Opened": _("an opened app"),
    }
    for kind, name in names.items():
        sentence = sentence.replace(kind, name)
    return sentence


def _with(title: str, properties: Mapping[str, Any], *names: str) -> str:
    for name in names:
        value = properties.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return f"{title}: {str(value)[:80]}"
    return title


Called = Mapping[str, Mapping[str, tuple[str, str]]]
"""The words for one and for many of each currency, by language."""
_called: ContextVar[Callable[[], Called]] = ContextVar("called", default=dict)


@contextmanager
def currencies_called(find: Callable[[], Iterable[Document]]) -> Iterator[None]:
    """Within it, currencies are called as the documents that are found say, the last one first. They are looked for when a
    currency is named whose words may be there."""
    before = _called.get()

    @cache
    def called() -> Called:
        said = dict(before())
        for document in find():
            said |= {name: currency.called for name, currency in document.currencies.items() if currency.called}
        return said

    token = _called.set(called)
    try:
        yield
    finally:
        _called.reset(token)


def currency_label(currency: str, amount: int | None = None) -> str:
    """What a currency of the programme is called; behind an ``amount``, one of it as one. A name of which the document does not
    say how it is called stays; so does the score, which is one number and not many things."""
    if currency == "score":
        return _("score")
    many = 2 if amount is None else abs(amount)
    if words := _called.get()().get(currency):
        return words[(get_language() or "en")[:2]][many != 1]
    labels = {
        "points": ngettext("point", "points", many),
        "stamps": ngettext("stamp", "stamps", many),
        "stars": ngettext("star", "stars", many),
    }
    return labels.get(currency, currency)


def with_label(sentence: str, currency: str) -> str:
    """A sentence with the first name of a currency as people call it. The score is one number, so its name is left out."""
    pattern = rf"(?<![\d.,])(?P<one>1) {re.escape(currency)}\b| {re.escape(currency)}\b"

    def called(found: re.Match[str]) -> str:
        name = "" if currency == "score" else f" {currency_label(currency, 1 if found['one'] else None)}"
        return (found["one"] or "") + name

    return re.sub(pattern, called, sentence, count=1)


def segment_name(slug: str, name: str) -> str:
    """A segment's name; the one that comes with Stamgast is called in the reader's language."""
    return _("Loyal customers") if slug == "loyal-customers" and name == "Loyal customers" else name


def segment_badge(slug: str, name: str) -> str:
    """A segment beside the name of one who is in it."""
    return _("Loyal") if slug == "loyal-customers" and name == "Loyal customers" else name


def movement_word(movement: Movement) -> str:
    """What a movement did, in one word."""
    words = {
        MovementKind.EARN: _("given"),
        MovementKind.REVERSE: _("taken back"),
        MovementKind.EXPIRE: _("expired"),
        MovementKind.RESTORE: _("given back"),
        MovementKind.OWE: _("owed"),
        MovementKind.REPAY: _("paid off"),
        MovementKind.SPEND: _("spent"),
        MovementKind.HOLD: _("set aside"),
        MovementKind.CAPTURE: _("spent, of what was set aside"),
        MovementKind.RELEASE: _("no longer set aside"),
        MovementKind.GIVE_BACK: _("given back"),
        MovementKind.MOVE_OUT: _("moved away"),
        MovementKind.MOVE_IN: _("received"),
        MovementKind.ADJUST_UP: _("added by hand"),
        MovementKind.ADJUST_DOWN: _("taken off by hand"),
        MovementKind.EARN_PENDING: _("given, not available yet"),
        MovementKind.REVERSE_PENDING: _("taken back before it was available"),
        MovementKind.MATURE: _("became available"),
        MovementKind.RETRACT: _("not available any more"),
        MovementKind.DONATE: _("donated"),
        MovementKind.UNDONATE: _("donation taken back"),
        MovementKind.REDEEM: _("spent at a partner"),
        MovementKind.UNREDEEM: _("given back by a partner"),
        MovementKind.ISSUE: _("given by a partner"),
        MovementKind.BORROW: _("advanced, and owed"),
        MovementKind.EXTEND: _("valid for longer"),
        MovementKind.HAND_OVER: _("handed over"),
        MovementKind.TAKE_OVER: _("taken over"),
        MovementKind.UNADJUST: _("change by hand taken back"),
        MovementKind.UNMOVE: _("transfer taken back"),
    }
    return words[movement.kind]
