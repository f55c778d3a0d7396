"""The whole loop in plain Python, written from the documents: who the customers are, what they have, since when they are loyal.

It knows messages and nothing of the engine. Amounts are cents.
"""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from types import MappingProxyType
from zoneinfo import ZoneInfo

from stamgast.kit.ids import derive_id

PRIORITY = {"user_id": 0, "email": 2, "phone": 3, "anonymous_id": 4}
ALIAS = "alias"
LIMITS = MappingProxyType({"user_id": 1})
ORDER, COUPON, REFUND, CANCEL, UPDATE = (
    "Order Completed",
    "Coupon Redeemed",
    "Order Refunded",
    "Order Cancelled",
    "Order Updated",
)


@dataclass(frozen=True)
class Told:
    """One message as the shop means it."""

    id: str
    at: datetime
    identifiers: tuple[str, ...]
    kind: str
    order: str | None = None
    cents: int | None = None
    sort_key: bytes = b""


@dataclass
class Person:
    identifiers: set[str] = field(default_factory=set)
    told: list[Told] = field(default_factory=list)


def anchor(identifiers):
    return min(identifiers, key=lambda text: PRIORITY.get(text.partition(":")[0], 1))


@dataclass(frozen=True)
class Said:
    """That somebody said of two identifiers whether they are one person's; the later counts for the same two."""

    one: str
    other: str
    is_same: bool


def people(messages, said=(), limits=LIMITS):
    """Who is one person: an alias says so; else identifiers that were told together, the earliest first, within the limits.

    What was said to be different never comes together; what was said to be the same does, at last.
    """
    last = {frozenset((one.one, one.other)): one for one in said}
    different = [pair for pair, one in last.items() if not one.is_same]
    groups = [{identifier} for identifier in sorted({i for message in messages for i in message.identifiers})]

    def join(one, other, *, counts):
        left = next((group for group in groups if one in group), None)
        right = next((group for group in groups if other in group), None)
        if left is None or right is None or left is right or any(pair <= left | right for pair in different):
            return
        for kind, limit in limits.items() if counts else ():
            ours, theirs = ([text for text in group if text.startswith(f"{kind}:")] for group in (left, right))
            if ours and theirs and len(ours) + len(theirs) > limit:
                return
        left |= right
        groups.remove(right)

    shown, explicit = {}, set()  # each pair by its earliest moment, whoever showed it then; and the pairs that an alias names
    for message in sorted(messages, key=lambda message: (message.at, message.sort_key)):
        first = anchor(message.identifiers)
        for other in message.identifiers:
            if other != first:
                shown.setdefault((first, other), (message.at, message.sort_key))
                explicit |= {(first, other)} if message.kind == ALIAS else set()

    def place(pair):
        return (pair not in explicit, *shown[pair], *(derive_id("identifier", *text.split(":", 1)) for text in pair))

    for pair in sorted(shown, key=place):
        join(*pair, counts=pair not in explicit)
    for one in said:
        if one.is_same and last[frozenset((one.one, one.other))] is one:
            join(one.one, one.other, counts=False)
    persons = [Person(group) for group in groups]
    for message in messages:
        owner = next(person for person in persons if anchor(message.identifiers) in person.identifiers)
        owner.told.append(message)
    for person in persons:
        person.told.sort(key=lambda message: (message.at, message.sort_key))
    return persons


def left_of(order, told):
    """What is left of an order, which is what was told under its id, first told by ``order``, and whether all of it came back;
    None for a repetition."""
    same = [message for message in told if message.order == order.order]
    tellings = [message for message in same if message.kind == ORDER]
    if tellings[0] is not order:
        return None
    later = [message for message in same if message.at >= order.at]
    amounts = [message.cents for message in tellings] + [message.cents for message in later if message.kind == UPDATE]
    stated = [cents for cents in amounts if cents is not None]
    if any(message.kind == CANCEL or (message.kind == REFUND and message.cents is None) for message in later):
        return 0, True
    refunds = [message.cents for message in later if message.kind == REFUND]
    left = (stated[-1] if stated else 0) - sum(refunds)
    return max(left, 0), bool(refunds) and left <= 0


def lots(person, *, zone, months, daily_cap):
    """(given at, expires at, amount) of everything that the programme gives: an order above zero 1, every second order that did
    not come back whole 1 more, a coupon 5, capped."""
    given, used, orders = [], {}, 0
    for message in person.told:
        amount = 0
        if message.kind == ORDER and (left := left_of(message, person.told)) is not None:
            cents, is_returned = left
            orders += not is_returned
            amount = (cents > 0) + (not is_returned and orders % 2 == 0)
        elif message.kind == COUPON:
            day = message.at.astimezone(ZoneInfo(zone)).date()
            amount = min(5, daily_cap - used.get(day, 0))
            used[day] = used.get(day, 0) + amount
        if amount:
            given.append((message.at, months_later(message.at, months, zone), amount))
    return given


def months_later(moment, months, zone):
    local = moment.astimezone(ZoneInfo(zone))
    year, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    for day in (local.day, 30, 29, 28):
        try:
            return local.replace(year=year, month=month + 1, day=day).astimezone(moment.tzinfo)
        except ValueError:
            continue
    raise AssertionError


def score(person, at, **programme):
    return sum(amount for given_at, expires_at, amount in lots(person, **programme) if expires_at > at)


def stays(person, at, *, over, **programme):
    """When the score was over a number, up to ``at``."""
    given = lots(person, **programme)
    moments = sorted({given_at for given_at, _, _ in given} | {end for _, end, _ in given if end <= at})
    balance = {
        moment: sum(amount for given_at, expires_at, amount in given if given_at <= moment < expires_at) for moment in moments
    }
    spans, entered = [], moments[0] if moments and balance[moments[0]] > over else None
    for before, moment in pairwise(moments):
        if balance[before] <= over < balance[moment]:
            entered = moment
        elif balance[moment] <= over < balance[before]:
            spans.append((entered, moment))
            entered = None
    return [*spans, *([(entered, None)] if entered is not None else [])]
