"""What the console calls purposes, channels and states of consent. No request, no database."""

from collections.abc import Collection
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from stamgast.customers.consent.rules import derive
from stamgast.customers.consent.types import EVERY, ConsentChange, ConsentState


def purpose_label(purpose: str) -> str:
    """What a purpose is called, for a person; one that is not ours keeps its own name."""
    labels = {
        EVERY: _("Everything"),
        "newsletter": _("Newsletter"),
        "marketing": _("Offers"),
        "profiling": _("Personal advice"),
        "research": _("Research"),
    }
    return labels.get(purpose, purpose.replace("-", " ").replace("_", " ").capitalize())


def channel_label(channel: str) -> str:
    """What a channel is called, for a person."""
    labels = {
        EVERY: _("every channel"),
        "email": _("e-mail"),
        "sms": _("text message"),
        "whatsapp": "WhatsApp",
        "push": _("app"),
        "telephone": _("telephone"),
        "post": _("post"),
    }
    return labels.get(channel, channel)


def pair_label(purpose: str, channel: str) -> str:
    """``Newsletter by e-mail``."""
    return _("%(purpose)s by %(channel)s") % {"purpose": purpose_label(purpose), "channel": channel_label(channel)}


def state_badge(state: ConsentState) -> dict[str, str]:
    """The word and the tone of a state."""
    return {
        ConsentState.GIVEN: {"word": pgettext("consent", "allowed"), "tone": "good"},
        ConsentState.WITHDRAWN: {"word": pgettext("consent", "not allowed"), "tone": "bad"},
        ConsentState.REQUESTED: {"word": pgettext("consent", "asked, not answered"), "tone": ""},
    }[state]


def consent_rows(changes: Collection[ConsentChange]) -> list[dict[str, Any]]:
    """What holds, as rows of a card. Everything is everything else where a purpose is named beside it."""
    consents = derive(changes)
    is_named = any(one.purpose != EVERY for one in consents)
    return [
        {
            "label": _("%(purpose)s by %(channel)s") % {"purpose": _("Everything else"), "channel": channel_label(one.channel)}
            if one.purpose == EVERY and is_named
            else pair_label(one.purpose, one.channel),
            "badge": state_badge(one.state),
            "proof": one.proof,
        }
        for one in sorted(consents, key=lambda one: one.purpose == EVERY)
    ]
