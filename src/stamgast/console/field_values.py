"""The values of single fields, as somebody typed them: read, or refused with the name of the field. No request, no database."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from django.utils.translation import gettext as _

from stamgast.console import reader
from stamgast.programmes.errors import InvalidProgramme

LARGEST = 1_000_000_000
LARGEST_FACTOR = 100
LONGEST_NAME = 80


class InvalidField(InvalidProgramme):
    """What stands in one field cannot be; ``field`` is its name in the form."""

    def __init__(self, field: str, where: str, problem: str) -> None:
        super().__init__(_("%(field)s: %(problem)s") % {"field": where, "problem": problem})
        self.field = field


def whole(field: str, where: str, sent: str | None, otherwise: int, least: int = 1, most: int = LARGEST) -> int:
    """A whole number; ``otherwise`` where nothing was sent. ``where`` is what the reader calls the place."""
    text = (sent or "").strip()
    if not text:
        return otherwise
    if not (text.isascii() and text.isdecimal() and len(text) <= 12 and least <= int(text) <= most):
        problem = _("“%(text)s” does not fit. It is a whole number from %(least)s to %(most)s.")
        raise InvalidField(
            field, where, problem % {"text": text[:20], "least": reader.number(least), "most": reader.number(most)}
        )
    return int(text)


def optional(field: str, where: str, sent: str | None, otherwise: int | None) -> int | None:
    """A whole number or none: an emptied field means that there is none."""
    if sent is None:
        return otherwise
    return whole(field, where, sent, 0) if sent.strip() else None


def amount_of_money(field: str, where: str, sent: str | None, otherwise: Decimal) -> Decimal:
    """Money in major units, written with a point or a comma."""
    if sent is None or not sent.strip():
        return otherwise
    amount = decimal_of(sent)
    if amount is None or not Decimal("0.01") <= amount <= LARGEST or amount * 1000 % 1:
        problem = _("“%(text)s” is not an amount of at least 0.01, with at most three decimals.")
        raise InvalidField(field, where, problem % {"text": sent[:20]})
    return otherwise if amount == otherwise else amount


def decimal_of(sent: str) -> Decimal | None:
    """A number with a point or a comma; None where it is none."""
    try:
        number = Decimal(sent.strip().replace(",", "."))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def factor_of(field: str, where: str, sent: str) -> Decimal:
    """How many times as much is given."""
    factor = decimal_of(sent)
    if factor is None or not 1 < factor <= LARGEST_FACTOR or factor * 100 % 1:
        problem = _("“%(text)s” does not fit. It is a number above 1 and at most 100, with at most two decimals.")
        raise InvalidField(field, where, problem % {"text": sent[:20]})
    return factor


def name_of(field: str, sent: str | None, was: str | None, taken: set[str]) -> str:
    """The name of a rule, a level or a card. One that nobody changed stands as it is, also where it could not be typed.
    ``taken`` are all names of the document, and gets a new one."""
    if was is not None and sent in (None, was):
        return was
    name = " ".join((sent or "").split())
    if not 1 <= len(name) <= LONGEST_NAME or "/" in name or not name.isprintable():
        raise InvalidField(field, name or _("A name"), _("its name has 1 to 80 characters, and no slash."))
    if name in taken:
        raise InvalidField(field, name, _("another rule, card or level is called so."))
    taken.add(name)
    return name


def words_of(field: str, where: str, sent: str | None, was: str, longest: int) -> str:
    """Words for people; as they were where nobody changed them."""
    if sent is None or sent == was:
        return was
    words = " ".join(sent.split())
    if len(words) > longest or not words.isprintable():
        raise InvalidField(field, where, _("that is too long, or has characters that cannot be seen."))
    return words


def one_of(sent: str | None, known: Sequence[str], otherwise: str) -> str:
    """What was sent where it is known, else ``otherwise``."""
    return sent if sent is not None and sent in known else otherwise
