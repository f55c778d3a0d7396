"""The console's own words for what the rooms know: activities, reasons, refusals, names. No request, no database."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from stamgast.activities.types import Activity, Device
from stamgast.console import reader
from stamgast.kit.errors import StamgastError
from stamgast.ledger.types import Movement, MovementKind


@dataclass(frozen=True, slots=True)
class Look:
    """How an activity is told: its title, its icon, and its tone (good, reward, loss or none)."""

    title: str
    icon: str
    tone: str


def refusal_sentence(error: StamgastError) -> str:
    """What a room refused, in the reader's language where the sentence needs nothing but its code."""
    sentences = {
        "source_exists": _("There is a source of that name already. Choose another name, or give that one a new key."),
        "invalid_source_name": _("A source's name has 1 to 100 printable characters."),
        "source_not_found": _("There is no such source. It may have been renamed."),
        "source_key_not_found": _("This key was revoked before, or never was."),
        "customer_not_found": _("There is no customer with this id or identifier."),
        "invalid_household": _("A household's id is text of 1 to 200 printable characters."),
        "reason_missing": _("Say why, so that others understand it later. Nothing was changed."),
        "already_one_customer": _("These are one customer already. Nothing was changed."),
        "nothing_to_separate": _("There is nothing to separate: it is not this customer's, or all that is known of them."),
        "customer_changed": _("These customers changed at this moment. Look at them and try again."),
        "said_to_be_different": _("Somebody said earlier that these are two people. Undo that first, under “How we know”."),
        "judgement_not_found": _("There is no such judgement."),
        "judgement_withdrawn": _("This was undone before. Nothing was changed."),
        "unknown_simulation": _("There is no such simulation any more. They are kept for a day: start it once more."),
        "history_gone": _("What this simulation read of the history was removed meanwhile. Start it once more."),
        "lake_not_there": _("There is nothing to tell yet. The figures come within a minute after the first orders."),
        "proposal_not_found": _("There is no such proposal."),
        "proposal_settled": _("Somebody decided this before, or these customers changed since. Nothing was changed."),
        "segment_not_found": _("There is no such segment."),
        "refusal_not_found": _("There is no such refusal."),
        "refusal_settled": _("This refusal was sent again or dismissed before. Nothing changed."),
        "erasure_not_found": _("There is no receipt of an erasure with this id."),
        "already_lifted": _("This person may come back already. Nothing was changed."),
        "erasure_under_way": _(
            "Something of this person still waits for the worker, which takes it out first. Try again in a minute or two."
        ),
        "already_erased": _("This customer was erased before. Nothing was left to remove."),
        "customer_erased": _("This customer was erased. Nothing was done."),
        "unknown_consent": _("There is no text for this purpose and channel yet. Write one first."),
        "consent_link_invalid": _("This link does not work. Copy the whole address from the message."),
        "consent_link_used": _("You answered by this link before. Nothing changed."),
        "consent_link_expired": _("This link waited too long for an answer. Ask for a new one where you got it."),
        "staff_exists": _("Somebody with this e-mail address is here already."),
        "staff_not_found": _("There is no such person, or they may not sign in."),
        "last_owner": _("This is the only owner. Make somebody else an owner first."),
        "key_not_found": _("This key was revoked before, or never was."),
        "unknown_scope": _("Choose what the key may do, one thing at least."),
        "invalid_limit": _("The limit is a whole number of requests a minute, from 1 to 10,000,000."),
        "endpoint_not_found": _("There is no such webhook. It may have been deleted."),
        "endpoint_exists": _("There is a webhook of that name already. Choose another name."),
        "endpoint_switched_off": _("This webhook is switched off. Switch it on first."),
        "delivery_not_found": _("The log has no such line. Lines are kept for thirty days."),
        "view_not_found": _("There is no such view. It may have been deleted, or is no longer shared."),
        "view_exists": _("There is a view of that name already. Choose another name, or overwrite that one."),
        "view_is_shared": _("This view is everybody's. Keep one of your own instead, or ask who may share views."),
        "trait_not_found": _("There is no such trait. It may have been removed."),
        "trait_exists": _("There is a trait of that name already. Choose another name."),
        "trait_changed": _("Somebody else changed this trait just now. Look at what they made of it, then try again."),
        "activity_not_found": _("There is no activity with this id."),
        "kind_not_found": _("There is no kind of that name."),
        "movement_not_found": _("There is no movement with this id."),
        "household_not_found": _("Nobody is or was in a household of this id."),
        "not_in_household": _("Only who lives in the household may do this. Look at the members, then try again."),
        "insufficient_balance": _("There are not that many. Nothing was done."),
        "currency_not_spendable": _("This currency cannot be spent. Nothing was done."),
        "adjustment_not_found": _("There is no such adjustment. Look at the list of those that wait."),
        "adjustment_decided": _("Somebody decided this before. Nothing was changed."),
        "adjustment_refused": _("A second person refused this. Nothing was done."),
        "own_adjustment": _("You asked for this yourself, so somebody else approves it."),
        "invalid_adjustment_limit": _("A limit is a whole number, 0 or more. Left empty there is none."),
        "unknown_currency": _("The programme has no such currency. Nothing was done."),
        "act_key_reused": _("This form was sent before, for something else. Nothing was done: open it again."),
        "partner_not_found": _("There is no such partner or charity."),
        "partner_closed": _("This partner or charity is closed, so nothing more is done with it. Nothing was done."),
        "partner_exists": _("There is a partner or charity of that code already. Choose another code."),
        "invalid_settlement_period": _(
            "These days cannot be settled at once. Choose others: at most a year, the first before the last."
        ),
        "identifier_not_found": _("One of these identifiers has never come in. Look at the customer again."),
        "search_running": _("Duplicates are being looked for at this moment. Look at the list in a few minutes."),
        "published_meanwhile": _("Somebody published another version meanwhile. Look at theirs, then decide again."),
        "already_withdrawn": _("This version was withdrawn before. Nothing was changed."),
        "version_in_force": _("This version holds already. Publish the one before it again instead."),
        "unknown_version": _("There is no such version of the programme."),
        "unknown_programme": _("No programme was published yet. Publish one first."),
        "unknown_draft": _("There is no such draft, or it was thrown away. Look in the list of drafts."),
        "draft_changed": _("Somebody changed this draft meanwhile. Nothing of yours was kept: look at theirs, then go on."),
        "draft_closed": _("This draft does not stand where that can be done with it. Look at it again."),
        "second_person_needed": _("Here somebody who wrote none of it publishes it. Keep it as a draft and send it to review."),
        "invalid_period": _("The days do not follow each other. Choose a first day that comes before the last."),
        "lake_busy": _("The figures are being brought up to date at this moment. Try again in a minute."),
        "lake_unreadable": _("A file of the lake cannot be read. Tell who looks after Stamgast: “stamgast doctor” says which."),
        "archive_damaged": _(
            "A file of the archive cannot be read. Tell who looks after Stamgast: “stamgast doctor” says which."
        ),
        "hold_not_found": _("This customer has no such reservation."),
        "hold_ended": _("This reservation was used or let go before, or its time is over. Nothing was done."),
        "above_held": _("That is more than was set aside. Nothing was done."),
        "spend_not_found": _("This customer has no such spend."),
        "above_spent": _("That is more than was spent, or than is left of it to give back. Nothing was done."),
        "invalid_act": _("That cannot be done with any balance. Nothing was done."),
        "invalid_statement_period": _("The statement ends before it begins, or is of years that are not kept."),
        "invalid_money": _("That is not an amount of money, or its currency is none that we know."),
        "measure_not_found": _("There is no figure of that name."),
        "unknown_zone": _("That is not a time zone. Give one such as Europe/Amsterdam."),
        "other_programme": _("The document has another name than the programme that decides here. Nothing was published."),
        "erasure_key_lost": _("The key of the erasures cannot be read. Tell who looks after Stamgast: a secret is missing."),
        "invalid_idempotency_key": _("The request needs a key of its own, such as a new UUID. Nothing was done."),
        "idempotency_key_reused": _("This key came before with another request. Nothing was done: use a new one."),
        "missing_scope": _("This key may not do that. Use one that may."),
        "rate_limited": _("This key asks faster than it may. Wait a moment, then try again."),
        "unavailable": _("The database cannot be reached. Try again in a minute."),
        "invalid_cursor": _("This list has moved on. Start again from its beginning."),
    }
    wrong = {
        "name": _("A person needs a name, so that colleagues see who did what."),
        "email": _("That is not an e-mail address."),
        "role": _("Choose what this person does here."),
        "consent moment": _("The moment lies in the future. Say when it was given or withdrawn, or leave it out."),
        "consent name": _("A purpose and a channel are 1 to 40 small letters, digits and dashes, such as newsletter."),
        "consent text": _("Write the text that people are asked, in at least one language."),
        "partner code": _("A code is 1 to 40 small letters, digits and dashes, such as corner-bakery."),
        "partner name": _("A name is 1 to 100 printable characters."),
        "partner kind": _("It is a partner or a charity. Choose one of both."),
        "rule kind": _("“%(kind)s” is no kind of identifier. It is a word such as card_number."),
        "rule number": _("For %(kind)s give a whole number from %(least)s to %(most)s."),
        "rule text": _("“%(text)s” cannot be in the list: then everything of its kind would be blocked, or it is too long."),
        "view name": _("A view's name has 1 to 80 printable characters."),
        "count": _("There are 100 views already. Delete one first."),
        "simulated days": _("The simulation ends before it begins. Choose a first day that lies before the last."),
        "worth": _("What one of a currency costs is an amount of money, such as 0.01."),
        "redeemed share": _("The share that is redeemed lies between 0 and 100 percent."),
    }
    what = wrong.get(str(error.details.get("wrong")))
    return sentences.get(error.code) or (what % error.details if what else error.message)


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


def currency_label(currency: str) -> str:
    """What a currency of the programme is called."""
    labels = {"score": _("score"), "points": _("points"), "stamps": _("stamps"), "stars": _("stars")}
    return labels.get(currency, currency)


def with_label(sentence: str, currency: str) -> str:
    """A sentence with the first name of a currency as people call it. The score is one number, so its name is left out."""
    name = "" if currency == "score" else f" {currency_label(currency)}"
    return re.sub(rf" {re.escape(currency)}\b", lambda _found: name, sentence, count=1)


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
