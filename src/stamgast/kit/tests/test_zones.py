"""Offsets over columns against the standard library, one moment at a time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stamgast.kit.zones import SECOND, from_local, to_local

ZONES = [
    "UTC",
    "Europe/Amsterdam",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "Pacific/Apia",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "America/Havana",
]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST, LAST = datetime.fromisoformat("1890-01-01"), datetime.fromisoformat("2300-01-01")
MOMENTS = st.datetimes(FIRST, LAST, timezones=st.just(UTC))


def microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


@given(st.sampled_from(ZONES), st.lists(MOMENTS, min_size=1, max_size=5))
def test_to_local_is_what_zoneinfo_says(zone: str, moments: list[datetime]) -> None:
    found = to_local(zone, np.array([microseconds(moment) for moment in moments]))
    expected = [microseconds(moment.astimezone(ZoneInfo(zone)).replace(tzinfo=UTC)) for moment in moments]
    assert found.tolist() == expected


@given(st.sampled_from(ZONES), st.lists(MOMENTS, min_size=1, max_size=5))
def test_from_local_is_what_zoneinfo_says(zone: str, walls: list[datetime]) -> None:
    found = from_local(zone, np.array([microseconds(wall) for wall in walls]))
    expected = [microseconds(wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)) for wall in walls]
    assert found.tolist() == expected


@pytest.mark.parametrize("zone", ZONES)
def test_both_ways_around_every_switch(zone: str) -> None:
    """Every half hour of two years around which most zones switch, and one second to either side."""
    start = microseconds(datetime(2011, 1, 1, tzinfo=UTC))
    moments = np.arange(start, start + 2 * 366 * 86_400 * SECOND, 1800 * SECOND)
    moments = np.concatenate((moments, moments - SECOND))
    clock = ZoneInfo(zone)
    datetimes = [EPOCH + timedelta(microseconds=int(moment)) for moment in moments]
    assert to_local(zone, moments).tolist() == [microseconds(at.astimezone(clock).replace(tzinfo=UTC)) for at in datetimes]
    assert from_local(zone, moments).tolist() == [microseconds(at.replace(tzinfo=clock).astimezone(UTC)) for at in datetimes]
