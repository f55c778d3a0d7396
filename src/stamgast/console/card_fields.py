"""What the cards' part of the form sent, read into their values. No database."""

import re
from dataclasses import replace

from django.http import QueryDict
from django.utils.translation import gettext as _

from stamgast.console.field_values import InvalidField, name_of, one_of, whole
from stamgast.programmes.documents import Document
from stamgast.programmes.forms import CardValues, NewCard, NewCurrency

MOST_STAMPS = 1_000_000
_CURRENCY = re.compile(r"[a-z][a-z0-9_-]{0,39}")


def read_cards(post: QueryDict, before: tuple[CardValues, ...], document: Document, taken: set[str]) -> tuple[CardValues, ...]:
    """The cards with the fields in them. A field that was not sent keeps its value."""
    return tuple(_card(post, place, was, document, taken) for place, was in enumerate(before))


def _card(post: QueryDict, place: int, was: CardValues, document: Document, taken: set[str]) -> CardValues:
    called, each = f"card name {place}", f"card each {place}"
    name = name_of(called, post.get(called), was.name, taken)
    gives = []
    for slot, (currency, amount) in enumerate(was.gives):
        field = f"card amount {place} {slot}"
        gives.append(
            (
                one_of(post.get(f"card give {place} {slot}"), list(document.currencies), currency),
                whole(field, name, post.get(field), amount),
            )
        )
    card = replace(
        was,
        name=name,
        currency=one_of(post.get(f"card of {place}"), list(document.currencies), was.currency),
        each=whole(each, name, post.get(each), was.each, most=MOST_STAMPS),
        gives=tuple(gives),
    )
    _check_gives(f"card give {place} 0", card)
    return card


def new_card(post: QueryDict, document: Document, taken: set[str]) -> NewCard:
    """The card that is to be added."""
    where = _("A new card")
    name = name_of("new card name", post.get("new card name"), None, taken)
    first, known = next(iter(document.currencies)), list(document.currencies)
    amount = whole("new card amount", where, post.get("new card amount"), 1)
    card = CardValues(
        name,
        one_of(post.get("new card of"), known, first),
        whole("new card each", where, post.get("new card each"), 10, most=MOST_STAMPS),
        ((one_of(post.get("new card give"), known, first), amount),),
    )
    _check_gives("new card give", card)
    return NewCard(card)


def _check_gives(field: str, card: CardValues) -> None:
    given = [currency for currency, _amount in card.gives]
    if card.currency in given:
        raise InvalidField(field, card.name, _("a card cannot give what fills it."))
    if len(set(given)) < len(given):
        raise InvalidField(field, card.name, _("it gives one thing twice."))


def new_currency(post: QueryDict, document: Document, _taken: set[str]) -> NewCurrency:
    """The currency that is to be added."""
    name, where = post.get("new currency name", "").strip(), _("Something new to give")
    if not _CURRENCY.fullmatch(name):
        problem = _("its name begins with a small letter and has at most 40 small letters, digits and dashes.")
        raise InvalidField("new currency name", where, problem)
    if name in document.currencies:
        raise InvalidField("new currency name", where, _("that is given already."))
    return NewCurrency(name)
