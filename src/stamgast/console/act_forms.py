"""What the forms share by which a person does something with a balance: read as typed, done once, refused beside it."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from stamgast.console.refusal_words import refusal_sentence
from stamgast.kit.errors import StamgastError
from stamgast.ledger.acts import Outcome
from stamgast.ledger.adjusting import Proposal

LONGEST_DIGITS = 15


def problem_of(wrong: str, act: Callable[[], object]) -> str:
    """Why a form that was sent was not done: ``wrong`` as it was typed, or what refused the act; empty where it was done."""
    if wrong:
        return wrong
    try:
        act()
    except StamgastError as error:
        return refusal_sentence(error)
    return ""


def say_done(request: HttpRequest, answer: Outcome | Proposal) -> None:
    """Says on the next page that an act was done, or that it waits for a second person."""
    if isinstance(answer, Outcome):
        messages.success(request, _("Done. It stands on the statement, with its reason."))
    else:
        messages.success(request, _("This is above the limit: it waits until somebody else approves it."))


def is_number(text: str) -> bool:
    """Whether this is a whole number, 0 or more, as it was typed."""
    return text.isascii() and text.isdigit() and len(text) <= LONGEST_DIGITS


def wrong_in(request: HttpRequest) -> str:
    """What is wrong with the amount and the reason as they were typed; empty where nothing is."""
    amount = request.POST.get("amount", "").strip()
    if not is_number(amount) or not int(amount):
        return _("An amount is a whole number, 1 or more.")
    return "" if request.POST.get("reason", "").strip() else _("Say why, in a few words.")
