"""The filters of the list of customers: read from the address, and said as a sentence of which each part can be taken out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from stamgast.console import reader
from stamgast.console.customer_columns import TRAIT, USUAL, Column, read_columns
from stamgast.console.days import midnight_of, read_day
from stamgast.console.trait_words import filter_words
from stamgast.console.words import segment_name
from stamgast.flows.list_customers import Wanted
from stamgast.segments.types import Segment
from stamgast.traits.definition import Definition
from stamgast.traits.filters import TraitFilter, read_filter
from stamgast.traits.types import Shape

KINDS = ("email", "phone")
LARGEST = 10**12
LONGEST_SEARCH = 100
NO_VIEW = {"view": ""}


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is wanted, in which columns, and what was understood of the address: the values by name, empty ones left out.

    ``gone`` is a segment that was asked for and is not there, ``gone_traits`` are names of computed traits.
    """

    wanted: Wanted
    values: Mapping[str, str]
    filters: Sequence[tuple[str, str]]
    columns: tuple[str, ...]
    gone: str
    gone_traits: Sequence[str]

    def query(self, *, without: str = "", **more: str) -> str:
        """The address of this list, without one of its filters, or with something more.

        An address that asks for nothing would open the reader's start view; without any view it is everybody.
        """
        values = {name: value for name, value in self.values.items() if name != without} | more
        return f"?{urlencode(values or NO_VIEW)}"

    @property
    def kept(self) -> dict[str, str]:
        """What a view keeps: all but who was searched for, who may be a person."""
        return {name: value for name, value in self.values.items() if name not in ("search", "view")}

    @property
    def told(self) -> str:
        """What the trail says was asked for."""
        return urlencode({name: value for name, value in self.values.items() if name != "view"})

    @property
    def of_traits(self) -> list[tuple[str, str]]:
        """The filters of computed traits, which the form carries along."""
        return [(name, value) for name, value in self.values.items() if name.startswith(TRAIT)]

    @property
    def address(self) -> str:
        """Of this list."""
        return self.query()

    @property
    def removable(self) -> list[tuple[str, str]]:
        """What each filter says, and the address of the list without it."""
        return [(words, self.query(without=name)) for name, words in self.filters]


def read_asked(
    typed: Mapping[str, str],
    segments: Sequence[Segment],
    columns: Mapping[str, Column],
    traits: Sequence[tuple[Definition, bool]] = (),
    *,
    view: str = "",
) -> Asked:
    """What the address asks for. What cannot be understood is left out, and so is not in the sentence either.

    ``columns`` are those that there are, ``traits`` the computed ones with whether their values are worked out, and ``view`` is
    the saved view that this began with.
    """
    of_traits = _of_traits(typed, traits)
    segment = next((one for one in segments if one.slug == typed.get("segment")), None)
    amounts = {name: _amount(typed.get(name, "")) for name in ("at_least", "at_most")}
    days = {name: read_day(typed.get(name, "")) for name in ("seen_from", "seen_to", "first_from", "first_to")}
    has = {f"has_{kind}": "1" for kind in KINDS if typed.get(f"has_{kind}")}
    wanted = Wanted(
        search=typed.get("search", "").strip()[:LONGEST_SEARCH],
        segment=segment,
        at_least=amounts["at_least"],
        at_most=amounts["at_most"],
        seen_since=_midnight(days["seen_from"]),
        seen_until=_midnight(days["seen_to"], later=1),
        first_since=_midnight(days["first_from"]),
        first_until=_midnight(days["first_to"], later=1),
        kinds=tuple(kind for kind in KINDS if f"has_{kind}" in has),
        traits=tuple(of_traits.values()),
    )
    filters = {"segment": segment.slug} if segment else {}
    filters |= {name: str(amount) for name, amount in amounts.items() if amount is not None}
    filters |= {name: day.isoformat() for name, day in days.items() if day is not None}
    filters |= has
    filters |= {name: one.typed for name, (one, _is_ready) in of_traits.items()}
    words = {
        "segment": segment_name(segment.slug, segment.name) if segment else "",
        "at_least": _("score of at least %(amount)s") % {"amount": reader.number(amounts["at_least"])},
        "at_most": _("score of at most %(amount)s") % {"amount": reader.number(amounts["at_most"])},
        "seen_from": _("last seen on %(day)s or later") % {"day": reader.day(days["seen_from"])},
        "seen_to": _("last seen on %(day)s or before") % {"day": reader.day(days["seen_to"])},
        "first_from": _("first seen on %(day)s or later") % {"day": reader.day(days["first_from"])},
        "first_to": _("first seen on %(day)s or before") % {"day": reader.day(days["first_to"])},
        "has_email": _("with an e-mail address"),
        "has_phone": _("with a telephone number"),
    }
    words |= {name: filter_words(*pair) for name, pair in of_traits.items()}
    searched = {"search": wanted.search} if wanted.search else {}
    chosen = read_columns(typed.get("columns", ""), columns)
    shown = {"columns": ",".join(chosen)} if chosen != USUAL else {}
    values = searched | filters | shown | ({"view": view} if view else {})
    gone = "" if segment else typed.get("segment", "").strip()[:LONGEST_SEARCH]
    known = {f"{TRAIT}{definition.name}" for definition, _is_ready in traits}
    gone_traits = [name.removeprefix(TRAIT)[:40] for name in typed if name.startswith(TRAIT) and name not in known]
    return Asked(wanted, values, [(name, words[name]) for name in filters], chosen, gone, gone_traits)


def _of_traits(typed: Mapping[str, str], traits: Sequence[tuple[Definition, bool]]) -> dict[str, tuple[TraitFilter, bool]]:
    """The filters of computed traits by their name in the address; one that was filled in just now stands in for a former."""
    found = {}
    low, high = typed.get("trait_low", ""), typed.get("trait_high", "")
    for definition, is_ready in traits:
        name = f"{TRAIT}{definition.name}"
        text = typed.get(name, "")
        if typed.get("trait") == definition.name:
            text = low if definition.shape is Shape.TEXT else f"{low}..{high}"
        one = read_filter(definition, text)
        if one is not None:
            found[name] = one, is_ready
    return found


def _midnight(day: date | None, *, later: int = 0) -> datetime | None:
    return None if day is None else midnight_of(day, later=later)


def _amount(text: str) -> int | None:
    try:
        amount = int(text)
    except ValueError:
        return None
    return amount if 0 <= amount <= LARGEST else None
