"""When things expire: golden moments at ends of months, leap days, gaps and overlaps, and every moment against the oracle."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stamgast.programmes.expiry import NEVER, At, expires_at, parse_duration
from stamgast.programmes.tests import oracle
from stamgast.programmes.tests.generated import DURATIONS, MOMENTS, ZONES

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
AMSTERDAM = "Europe/Amsterdam"


def end_of(zone: str, occurred_at: datetime, after: str, at: At) -> datetime:
    moments = np.array([(occurred_at - EPOCH) // timedelta(microseconds=1)])
    return EPOCH + timedelta(microseconds=int(expires_at(parse_duration(after, at), zone, moments)[0]))


@pytest.mark.parametrize(
    ("zone", "local", "after", "at", "expected"),
    [
        # ends of months and leap days
        (AMSTERDAM, "2024-01-31T12:00", "1 month", "exact", "2024-02-29T12:00"),
        (AMSTERDAM, "2023-01-31T12:00", "1 month", "exact", "2023-02-28T12:00"),
        (AMSTERDAM, "2024-02-29T12:00", "24 months", "exact", "2026-02-28T12:00"),
        (AMSTERDAM, "2024-02-29T12:00", "4 years", "exact", "2028-02-29T12:00"),
        (AMSTERDAM, "2024-02-29T12:00", "365 days", "exact", "2025-02-28T12:00"),
        (AMSTERDAM, "2023-02-28T12:00", "12 months", "exact", "2024-02-28T12:00"),
        (AMSTERDAM, "2024-05-31T23:59", "1 month", "exact", "2024-06-30T23:59"),
        (AMSTERDAM, "2024-12-31T00:00", "2 months", "exact", "2025-02-28T00:00"),
        # the local time stays though the offset changes
        (AMSTERDAM, "2024-01-15T09:00", "6 months", "exact", "2024-07-15T09:00"),
        (AMSTERDAM, "2024-03-30T09:00", "1 day", "exact", "2024-03-31T09:00"),
        # a gap: 02:30 does not exist on 31 March 2024, 30 minutes into it is 03:30
        (AMSTERDAM, "2024-02-29T02:30", "31 days", "exact", "2024-03-31T03:30"),
        # an overlap: of the two 02:30 of 27 October 2024 the first
        (AMSTERDAM, "2024-09-27T02:30", "1 month", "exact", "2024-10-27T02:30+02:00"),
        # ends of days and months
        (AMSTERDAM, "2024-01-31T12:00", "1 month", "end of day", "2024-03-01T00:00"),
        (AMSTERDAM, "2024-01-15T12:00", "12 months", "end of month", "2025-02-01T00:00"),
        (AMSTERDAM, "2024-01-01T00:00", "1 month", "end of month", "2024-03-01T00:00"),
        (AMSTERDAM, "2024-11-30T23:30", "1 month", "end of month", "2025-01-01T00:00"),
        ("America/Sao_Paulo", "2018-11-03T12:00", "1 day", "end of day", "2018-11-05T00:00"),
        # midnight of 4 November 2018 does not exist in São Paulo: the day ends where the next begins, at 01:00
        ("America/Sao_Paulo", "2018-11-02T12:00", "1 day", "end of day", "2018-11-04T01:00"),
        # Samoa skipped 30 December 2011
        ("Pacific/Apia", "2011-11-30T12:00", "1 month", "exact", "2011-12-31T12:00"),
    ],
)
def test_golden_moments(zone: str, local: str, after: str, at: At, expected: str) -> None:
    occurred_at = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    wanted = datetime.fromisoformat(expected)
    wanted = wanted if wanted.tzinfo else wanted.replace(tzinfo=ZoneInfo(zone))
    assert end_of(zone, occurred_at, after, at) == wanted.astimezone(UTC)


def test_seconds_are_elapsed_time_across_a_gap() -> None:
    before_the_gap = datetime(2024, 3, 31, 0, 59, 30, tzinfo=UTC)
    assert end_of(AMSTERDAM, before_the_gap, "90 seconds", "exact") == before_the_gap + timedelta(seconds=90)
    assert end_of(AMSTERDAM, before_the_gap, "24 hours", "exact") == before_the_gap + timedelta(hours=24)


@given(ZONES, MOMENTS, DURATIONS, st.sampled_from(["exact", "end of day", "end of month"]))
def test_the_oracle_agrees(zone: str, occurred_at: datetime, after: str, at: At) -> None:
    assert end_of(zone, occurred_at, after, at) == oracle.expiry(occurred_at, {"after": after, "at": at}, ZoneInfo(zone))


def test_beyond_the_calendar_nothing_expires() -> None:
    last = np.array([np.datetime64("9999-06-01", "us").astype(np.int64)])
    assert expires_at(parse_duration("24 months"), AMSTERDAM, last).tolist() == [NEVER]


@pytest.mark.parametrize(
    "text", ["", "0 days", "-1 days", "1.5 months", "3 moons", "24months", "1200000 months", "999999999 hours"]
)
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="A duration is"):
        parse_duration(text)
