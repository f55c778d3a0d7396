"""What the fields of a rule's condition sent, read into its values. No database."""

import re
from datetime import datetime
from decimal import Decimal

from django.http import QueryDict
from django.utils.translation import gettext as _

from stamgast.conditions.fields import WEEKDAYS
from stamgast.console.field_values import LARGEST, InvalidField, decimal_of, one_of, whole
from stamgast.programmes.forms import ConditionValues, TurnValues

STREAKS = ("day", "week", "month")
PERIODS = ("day", "week", "month", "year", "lifetime")
DIFFERENT = ("properties.store_id", "kind", "source", "properties.channel")
MOST_DIFFERENT = 50
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}( \d{2}:\d{2}(:\d{2})?)?")
LONGEST_LIST = 100
LONGEST_TEXT = 500
MOST_TIMES = 1_000_000


def read_condition(post: QueryDict, place: int, where: str, before: ConditionValues) -> ConditionValues:
    """The condition with the fields in it; as it was where its fields were not sent. An emptied field asks nothing any more."""
    if f"when {place}" not in post:
        return before
    days = tuple(day for day in WEEKDAYS if day in post.getlist(f"weekday {place}"))
    read = ConditionValues(
        kinds=tuple(dict.fromkeys(kind for kind in post.getlist(f"kind {place}") if kind)),
        weekdays=before.weekdays if set(days) == set(before.weekdays) else days,
        hour_from=_hour(post, f"hour from {place}", where, 0, 23),
        hour_until=_hour(post, f"hour until {place}", where, 1, 24),
        product_set=post.get(f"set {place}") or None,
        categories=_texts(post, f"category {place}", where, before.categories),
        sources=_texts(post, f"source {place}", where, before.sources),
        stores=_texts(post, f"store {place}", where, before.stores),
        channels=_texts(post, f"channel {place}", where, before.channels),
        amount=_amount(post, f"least {place}", where),
        is_over=post.get(f"over {place}") == "over" and bool(post.get(f"least {place}", "").strip()),
        is_birthday=f"birthday {place}" in post,
    )
    if read.is_empty:
        raise InvalidField(f"kind {place}", where, _("say when it applies: choose one thing at least."))
    if read.hour_from is not None and read.hour_until is not None and read.hour_from >= read.hour_until:
        problem = _("these hours end before they begin. What goes past midnight can be said in the document.")
        raise InvalidField(f"hour until {place}", where, problem)
    return read


def _hour(post: QueryDict, field: str, where: str, least: int, most: int) -> int | None:
    sent = post.get(field, "").strip()
    return whole(field, where, sent, 0, least, most) if sent else None


def _texts(post: QueryDict, field: str, where: str, before: tuple[str, ...]) -> tuple[str, ...]:
    """What was typed with commas between; as it was, also where it is longer than a field takes, where nobody typed there."""
    sent = post.get(field, "")
    if sent == ", ".join(before):
        return before
    texts = tuple(dict.fromkeys(text.strip() for text in sent.split(",") if text.strip()))
    if len(texts) > LONGEST_LIST or any(len(text) > LONGEST_TEXT or not text.isprintable() for text in texts):
        raise InvalidField(field, where, _("that is too long, or has characters that cannot be seen."))
    return texts


def _amount(post: QueryDict, field: str, where: str) -> Decimal | None:
    sent = post.get(field, "").strip()
    if not sent:
        return None
    amount = decimal_of(sent)
    if amount is None or not 0 <= amount <= LARGEST:
        raise InvalidField(field, where, _("“%(text)s” is not an amount of money.") % {"text": sent[:20]})
    return amount


def read_turn(post: QueryDict, place: int, where: str, before: TurnValues) -> TurnValues:
    """On which of the activities that fit it gives."""
    sent = post.get(f"turn {place}")
    field = f"count {place}"
    stood = before.per if before.kind == sent else ""

    def counted(least: int, most: int) -> int:
        return whole(field, where, post.get(field), max(before.count, least), least, most)

    match sent:
        case "each":
            return TurnValues("each", 1)
        case "first":
            return TurnValues("nth", 1)
        case "nth" | "every":
            return TurnValues(sent, counted(1, MOST_TIMES))
        case "streak":
            return TurnValues(sent, counted(1, MOST_TIMES), one_of(post.get(f"streak {place}"), STREAKS, stood or STREAKS[1]))
        case "challenge":
            different = one_of(post.get(f"different {place}"), DIFFERENT, before.different or DIFFERENT[0])
            period = one_of(post.get(f"challenge {place}"), PERIODS, stood or PERIODS[2])
            return TurnValues(sent, counted(2, MOST_DIFFERENT), period, different)
    return before


def read_moment(post: QueryDict, field: str, where: str, was: str | None) -> str | None:
    """A day, or a day and a time, as documents write them; as it was where nobody changed it."""
    day, hour = post.get(field, ""), post.get(f"{field} time", "")
    if field not in post or (day, hour) == day_and_time(was):
        return was
    moment = f"{day} {hour}".strip()
    if moment:
        try:
            is_moment = _MOMENT.fullmatch(moment) is not None and bool(datetime.fromisoformat(moment))
        except ValueError:
            is_moment = False
        if not is_moment:
            raise InvalidField(field, where, _("“%(text)s” is not a day, or a day and a time.") % {"text": moment[:20]})
    return moment or None


def day_and_time(moment: str | None) -> tuple[str, str]:
    """A moment as documents write it, in the two fields that show it."""
    day, _blank, hour = (moment or "").replace("T", " ").partition(" ")
    return day, hour
