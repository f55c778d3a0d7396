"""Days of the shop, as addresses name them and as moments."""

from datetime import date, datetime, timedelta

from stamgast.console.pages import shop_zone


def read_day(text: str) -> date | None:
    """The day that an address names; None where it is no day that anything could have happened on."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1970 < day.year < 9999 else None


def midnight_of(day: date, *, later: int = 0) -> datetime:
    """The moment at which a day of the shop begins, or one so many days later."""
    day += timedelta(days=later)
    return datetime(day.year, day.month, day.day, tzinfo=shop_zone())
