"""Numbers, money, dates and lapses of time as the reader writes them: their language, the shop's zone. Pure of any request."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from babel import Locale, dates, numbers
from django.utils import timezone
from django.utils.translation import get_language

from stamgast.kit.money import minor_digits, to_major

LOCALES = {"en": Locale("en", "GB"), "nl": Locale("nl", "NL")}
MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"
NO_BREAK = "\N{NO-BREAK SPACE}"


def locale() -> Locale:
    """The reader's locale. English is written with day before month, as the countries around the shop do."""
    return LOCALES[(get_language() or "en")[:2]]


def number(value: Any, digits: int = 0) -> str:
    """1,234 or 1.234; a dash where there is nothing."""
    if value is None:
        return NOTHING
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return numbers.format_decimal(value, pattern, locale=locale())


def decimal(value: Decimal | int | None) -> str:
    """1.5 or 1,5, as it is typed into a field: every decimal that it has, and no thousands."""
    if value is None:
        return ""
    return f"{value:f}".replace(".", numbers.get_decimal_symbol(locale()))


def signed(value: Any, digits: int = 0) -> str:
    """+5 or −1: always with its sign."""
    if value is None:
        return NOTHING
    text = number(abs(value), digits)
    return f"+{text}" if value > 0 else f"{MINUS}{text}" if value < 0 else text


def percent(share: float | None, digits: int = 1) -> str:
    """0.824 as 82.4 %, with the space that keeps number and unit on one line."""
    return NOTHING if share is None else f"{number(Decimal(str(share)) * 100, digits)}{NO_BREAK}%"


def money(minor: int | None, currency: str, *, is_rounded: bool = False) -> str:
    """1230 EUR as € 12.30, or rounded as € 12."""
    if minor is None:
        return NOTHING
    pattern = (
        "¤\N{NO-BREAK SPACE}#,##0"
        if is_rounded
        else "¤\N{NO-BREAK SPACE}#,##0" + ("." + "0" * minor_digits(currency) if minor_digits(currency) else "")
    )
    text = numbers.format_currency(to_major(abs(minor), currency), currency, pattern, locale=locale(), currency_digits=False)
    return f"{MINUS}{text}" if minor < 0 else text


def day(moment: datetime | date | None) -> str:
    """19 Nov 2026, in the shop's zone."""
    if moment is None:
        return NOTHING
    return dates.format_date(_local(moment), "d MMM y", locale=locale())


def short_day(moment: datetime | date) -> str:
    """19 Nov, for the foot of a chart."""
    return dates.format_date(_local(moment), "d MMM", locale=locale()).replace(".", "")


def weekday(moment: datetime) -> str:
    """Thu 19 Nov 17:42; the year only where it is not this one, and no time at midnight itself: then only the day was told."""
    local = _local(moment)
    pattern = "EEE d MMM" if local.year == timezone.localtime().year else "EEE d MMM y"
    if local.time() != time():
        pattern += " HH:mm"
    return dates.format_datetime(local, pattern, tzinfo=local.tzinfo, locale=locale()).replace(".", "")


def month(moment: datetime | date) -> str:
    """November 2026, november 2026."""
    return dates.format_date(_local(moment), "LLLL y", locale=locale())


def hour(moment: datetime) -> str:
    """17:42:05."""
    return dates.format_time(_local(moment).timetz(), "HH:mm:ss", locale=locale())


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """3 days ago, 2 seconds ago."""
    if moment is None:
        return NOTHING
    lapse = (now or datetime.now(UTC)) - moment
    if abs(lapse) < timedelta(seconds=1):
        lapse = timedelta(seconds=1)
    return dates.format_timedelta(-lapse, granularity="second", threshold=0.97, add_direction=True, locale=locale())


def days(count: float | None) -> str:
    """A number of days with its unit: 3 days, 1 day."""
    if count is None:
        return NOTHING
    return dates.format_timedelta(timedelta(days=max(round(count), 0)), granularity="day", threshold=10_000, locale=locale())


def chart_words() -> dict[str, Any]:
    """Vega's own notation of the reader's numbers and dates."""
    here = locale()
    months = {width: dates.get_month_names(width, "stand-alone", here) for width in ("wide", "abbreviated")}
    weekdays = {width: dates.get_day_names(width, "stand-alone", here) for width in ("wide", "abbreviated")}
    return {
        "numbers": {
            "decimal": numbers.get_decimal_symbol(here),
            "thousands": numbers.get_group_symbol(here),
            "grouping": [3],
            "currency": ["", ""],
            "minus": MINUS,
        },
        "dates": {
            "dateTime": "%a %e %B %Y %X",
            "date": "%-d %b %Y",
            "time": "%H:%M",
            "periods": ["AM", "PM"],
            "days": [weekdays["wide"][(position - 1) % 7] for position in range(7)],
            "shortDays": [weekdays["abbreviated"][(position - 1) % 7].rstrip(".") for position in range(7)],
            "months": [months["wide"][position] for position in range(1, 13)],
            "shortMonths": [months["abbreviated"][position].rstrip(".") for position in range(1, 13)],
        },
    }


def _local(moment: datetime | date) -> Any:
    return timezone.localtime(moment) if isinstance(moment, datetime) else moment
