"""The console's words for webhooks: events, how a delivery stands, what went wrong. No request, no database."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from stamgast.console import reader
from stamgast.console.refusal_words import refusal_sentence
from stamgast.kit.errors import StamgastError
from stamgast.webhooks.types import Delivery, DeliveryState, EndpointSummary, Outcome, WhyOff

BADGES = {DeliveryState.WAITING: "", DeliveryState.DELIVERED: "sg-badge-good", DeliveryState.FAILED: "sg-badge-bad"}
FIELDS = {"name": "name", "kinds": "kinds", "shape": "url", "parts": "url", "inside": "url", "https": "url"}
"""The field of the form that each reason of a refusal belongs to."""


def event_label(kind: str) -> str:
    """What happened, in a few words."""
    labels = {
        "segment.entered": _("A customer came into a segment"),
        "segment.left": _("A customer left a segment"),
        "customer.merged": _("Two customers became one"),
        "customer.separated": _("Identifiers went to another customer"),
        "webhook.test": _("A test"),
    }
    return labels.get(kind, kind)


def state_label(state: DeliveryState) -> str:
    """How a delivery stands."""
    labels = {
        DeliveryState.WAITING: pgettext("delivery", "waiting"),
        DeliveryState.DELIVERED: pgettext("delivery", "arrived"),
        DeliveryState.FAILED: pgettext("delivery", "given up"),
    }
    return labels[state]


def outcome_sentence(outcome: Outcome) -> str:
    """What became of an attempt."""
    sentences = {
        "timed_out": _("There was no answer within 15 seconds"),
        "target_refused": _("The address lies within this network; STAMGAST_WEBHOOK_TARGETS does not name it"),
        "no_address": _("The name leads to no address"),
        "tls_failed": _("The certificate is not that of the name, or nobody vouches for it"),
        "secret_lost": _("The secret cannot be opened, because the installation has another one now: make a new secret"),
        "not_sent": _("It could not be sent from here; the log of the worker says why"),
        "unreachable": _("Nobody answered who speaks HTTP"),
    }
    if outcome.status is None:
        return sentences.get(outcome.problem, outcome.problem)
    if 300 <= outcome.status < 400:
        return _("Answered %(status)s, and redirects are not followed") % {"status": outcome.status}
    return _("Answered %(status)s") % {"status": outcome.status}


def delivery_fact(delivery: Delivery) -> str:
    """The last attempt of a delivery, and when the next one is."""
    if not delivery.attempts:
        return _("Not tried yet")
    last = delivery.attempts[0].outcome
    parts = [outcome_sentence(last), f"{reader.number(last.milliseconds)}{reader.NO_BREAK}ms"]
    count = len(delivery.attempts)
    if count > 1:
        parts.append(ngettext("%(count)s attempt", "%(count)s attempts", count) % {"count": reader.number(count)})
    if delivery.state == DeliveryState.WAITING:
        parts.append(_("again %(when)s") % {"when": reader.ago(delivery.due_at)})
    return " · ".join(parts)


def standing(summary: EndpointSummary) -> str:
    """How an endpoint does, as the sentence below its name."""
    endpoint = summary.endpoint
    if endpoint.disabled_at is not None:
        since = reader.weekday(endpoint.disabled_at)
        why = {
            WhyOff.GONE: _("Switched off since %(since)s, because it answered 410: gone. What waits is kept."),
            WhyOff.FAILING: _(
                "Switched off since %(since)s, because it did nothing but fail for five days. What waits is kept."
            ),
        }
        return why.get(WhyOff(endpoint.disabled_reason), _("Switched off since %(since)s.")) % {"since": since}
    if endpoint.failing_since is not None:
        return _("It has been failing since %(since)s. Everything that waits is tried again.") % {
            "since": reader.weekday(endpoint.failing_since)
        }
    if summary.last_delivered_at is not None:
        return _("All is well. The last event arrived %(when)s.") % {"when": reader.ago(summary.last_delivered_at)}
    return _("Nothing was sent yet.")


def is_given_up(summary: EndpointSummary) -> bool:
    """Whether it was switched off by itself, so that somebody should look."""
    return summary.endpoint.disabled_reason in (WhyOff.GONE, WhyOff.FAILING)


def form_problem(error: StamgastError) -> tuple[str, str]:
    """The field that a refusal belongs to, and the sentence for it."""
    sentences = {
        "name": _("A name has 1 to 100 printable characters."),
        "kinds": _("Choose at least one event."),
        "shape": _("This is not an address that can be sent to. It looks like https://example.org/hooks."),
        "parts": _("Leave the user, the password and what follows # out of the address."),
        "inside": _("This is an address within this network. Nothing is sent there unless STAMGAST_WEBHOOK_TARGETS names it."),
        "https": _("The address must begin with https://, so that nobody on the way can read along."),
    }
    reason = str(error.details.get("reason", "name"))
    return FIELDS.get(reason, "name"), sentences[reason] if error.code == "invalid_endpoint" else refusal_sentence(error)
