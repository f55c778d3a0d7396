"""The one place that reads the clock. Only edges call it; everything below gets the moment as an argument."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)
