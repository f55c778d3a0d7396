"""The parts of explanations in words: arithmetic, moments, turns and cards, English and Dutch. Pure."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from stamgast.conditions.money import digits_of
from stamgast.conditions.tree import AnyLine
from stamgast.conditions.words import say_number
from stamgast.programmes.slots import Slot, ratio_of
from stamgast.programmes.terms import Turn
from stamgast.programmes.words import WORDS


def say(number: int | Fraction, language: str) -> str:
    """A number, with as many decimals as it has and at most two."""
    exact = Decimal(number.numerator) / Decimal(number.denominator)
    return say_number(exact if exact != exact.to_integral_value() else exact.quantize(Decimal(1)), language)


def say_arithmetic(slot: Slot, lines: AnyLine | None, base: int, given: int, currency: str | None, language: str) -> str:
    """What a rule comes to before its cap."""
    words = WORDS[language]
    if not slot.per_milli:
        return words["per_activity"].format(amount=say(slot.amount, language))
    key = "quantity" if slot.measure == "quantity" else "amount"
    of = words[f"of_{key}"] if lines is None else words[f"of_{key}_lines"].format(lines.part.sentence(language))
    return words["per_amount"].format(
        amount=say(slot.amount, language),
        per=_say_per(slot, currency, language),
        of=of,
        rounded=words[slot.rounding],
        basis=_say_measured(slot, base, currency, language),
        given=say(given, language),
    )


def _digits(slot: Slot, currency: str | None) -> int:
    return 0 if slot.measure == "quantity" else digits_of(currency)


def _say_measured(slot: Slot, minor: int, currency: str | None, language: str) -> str:
    """An amount of money, or of pieces."""
    return say_number(Decimal(minor).scaleb(-_digits(slot, currency)), language)


def _say_per(slot: Slot, currency: str | None, language: str) -> str:
    per = Decimal(slot.per_milli).scaleb(-3)
    digits = Decimal(1).scaleb(-_digits(slot, currency))
    return say_number(per.quantize(digits) if per == per.quantize(digits) else per.normalize(), language)


def say_next(slot: Slot, given: int, currency: str | None, language: str) -> str:
    """The smallest amount or quantity that gives one unit more."""
    units = given // slot.amount + 1
    numerator, denominator = ratio_of(slot, currency)
    exact = Fraction(denominator, numerator)
    if slot.rounding == "down":
        minor = -(-units * exact // 1)
    elif slot.rounding == "nearest":
        minor = -(-(units - Fraction(1, 2)) * exact // 1)
    else:
        minor = (units - 1) * exact // 1 + 1
    return _say_measured(slot, int(minor), currency, language)


def say_out_of_time(slot: Slot, at: int, language: str) -> tuple[str, ...]:
    """Why a rule that is bound to a time does not hold at this one, in microseconds."""
    if slot.begins_at <= at < slot.ends_at:
        return ()
    key, moment = ("not_yet", slot.begins_at) if at < slot.begins_at else ("no_longer", slot.ends_at)
    shown = say_moment(datetime.fromtimestamp(0, UTC) + timedelta(microseconds=moment), slot.zone, language)
    return (WORDS[language][key].format(moment=shown),)


def say_moment(moment: datetime, zone: str, language: str) -> str:
    """A moment on the wall clock of the programme; midnight as the day that it begins."""
    local = moment.astimezone(ZoneInfo(zone))
    is_midnight = (local.hour, local.minute, local.second) == (0, 0, 0)
    return format_datetime(local, "d MMMM y" if is_midnight else "d MMMM y HH:mm", locale=language)


def say_turn(turn: Turn, count: int, language: str) -> str:
    """That it is not this activity's turn; ``count`` is how far it brought the customer."""
    words = WORDS[language]
    label = dict(turn.field.labels)[language] if turn.field is not None else ""
    return words[turn.kind].format(
        count=say(count, language), wanted=say(turn.count, language), periods=words.get(f"{turn.period}s", ""), label=label
    )
