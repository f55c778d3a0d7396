"""What the forms share by which a person does something with a balance: read as typed, done once, refused beside it."""

from collections.abc import Callable

from django.http import HttpRequest
from django.utils.translation import gettext as _

from stamgast.console.refusal_words import refusal_sentence
from stamgast.kit.errors import StamgastError

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


def is_number(text: str) -> bool:
    """Whether this is a whole number, 0 or more, as it was typed."""
    return text.isascii() and text.isdigit() and len(text) <= LONGEST_DIGITS


def wrong_in(request: HttpRequest) -> str:
    """What is wrong with the amount and the reason as they were typed; empty where nothing is."""
    amount = request.POST.get("amount", "").strip()
    if not is_number(amount) or not int(amount):
        return _("An amount is a whole number, 1 or more.")
    return "" if request.POST.get("reason", "").strip() else _("Say why, in a few words.")
