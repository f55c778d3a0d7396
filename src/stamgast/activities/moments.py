"""When an activity happened, from what the client says and when it was received. Pure."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST_SECONDS = 10**11
_LARGEST_MILLISECONDS = 10**14
_LARGEST_MICROSECONDS = 10**17


def parse_moment(value: object) -> datetime | None:
    """A moment from ISO 8601 text, or from seconds, milliseconds or microseconds since 1970, told apart by their size.

    Text without an offset is UTC. None when it is absent or empty; raises ValueError when it cannot be read.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        text = value.strip()
        # Digits first: some milliseconds, such as 1711010210304, could also be read as a day in the year 1711.
        if len(text) > len("20260301") and text.isdecimal():
            return _from_number(Decimal(int(text)))
        try:
            moment = datetime.fromisoformat(text.upper())  # RFC 3339 allows a small t and z
        except ValueError:
            return _from_number(Decimal(int(text)))
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("not a moment")
    return _from_number(Decimal(value))


def correct_skew(moment: datetime | None, *, sent_at: datetime | None, received_at: datetime) -> datetime:
    """The moment by our clock: ``received_at - (sent_at - moment)``, never in the future and never before 1970.

    The client's clock may be wrong, but it was wrong by the same amount when it wrote down both moments.
    """
    if moment is None:
        return received_at
    try:
        corrected = received_at - (sent_at - moment) if sent_at is not None else moment.astimezone(UTC)
    except OverflowError:
        return received_at if moment > received_at else EPOCH
    return min(max(corrected, EPOCH), received_at)


def _from_number(number: Decimal) -> datetime:
    size = abs(number)
    if not number.is_finite() or size >= _LARGEST_MICROSECONDS:
        raise ValueError("not a moment")
    if size < _LARGEST_SECONDS:
        number *= 1_000_000
    elif size < _LARGEST_MILLISECONDS:
        number *= 1_000
    try:
        return EPOCH + timedelta(microseconds=int(number))
    except OverflowError:
        raise ValueError("not a moment") from None
