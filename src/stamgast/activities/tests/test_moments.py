from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stamgast.activities.moments import EPOCH, correct_skew, parse_moment

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T12:00:00Z",
        "2026-03-01T12:00:00.000Z",
        "2026-03-01T12:00:00.000000000Z",
        "2026-03-01t12:00:00z",
        "2026-03-01T13:00:00+01:00",
        "2026-03-01T13:00:00+0100",
        "2026-03-01 12:00",
        " 2026-03-01T12:00:00Z ",
        "1772366400",
        "1772366400000",
        1772366400,
        1772366400000,
        1772366400000000,
        Decimal("1772366400.0"),
    ],
)
def test_one_moment_in_many_spellings(text: object) -> None:
    assert parse_moment(text) == NOON


def test_milliseconds_as_text_are_no_day_of_the_eighteenth_century() -> None:
    assert parse_moment("1711010210304") == parse_moment(1711010210304)
    assert parse_moment("20260301") == datetime(2026, 3, 1, tzinfo=UTC)


def test_fractions_of_a_second_are_kept() -> None:
    assert parse_moment("2026-03-01T12:00:00.123456Z") == NOON + timedelta(microseconds=123_456)
    assert parse_moment(Decimal("1772366400.25")) == NOON + timedelta(milliseconds=250)


@pytest.mark.parametrize("absent", [None, ""])
def test_absent(absent: object) -> None:
    assert parse_moment(absent) is None


@pytest.mark.parametrize(
    "junk", ["yesterday", True, [], {}, 10**18, Decimal("NaN"), Decimal("Infinity"), "2026-13-01", "9" * 30]
)
def test_junk_is_an_error_and_not_now(junk: object) -> None:
    with pytest.raises((ValueError, ArithmeticError)):
        parse_moment(junk)


def test_a_clock_that_is_an_hour_slow_is_corrected() -> None:
    happened = NOON - timedelta(hours=1, minutes=5)
    assert correct_skew(happened, sent_at=NOON - timedelta(hours=1), received_at=NOON) == NOON - timedelta(minutes=5)


def test_without_a_moment_of_sending_the_clock_is_believed_up_to_now() -> None:
    assert correct_skew(NOON - timedelta(days=9), sent_at=None, received_at=NOON) == NOON - timedelta(days=9)
    assert correct_skew(NOON + timedelta(days=9), sent_at=None, received_at=NOON) == NOON
    assert correct_skew(None, sent_at=None, received_at=NOON) == NOON


moments = st.datetimes(timezones=st.timezones())


@given(moment=st.none() | moments, sent_at=st.none() | moments)
def test_never_in_the_future_and_never_before_1970(moment: datetime | None, sent_at: datetime | None) -> None:
    assert EPOCH <= correct_skew(moment, sent_at=sent_at, received_at=NOON) <= NOON


@given(
    happened=st.timedeltas(timedelta(0), timedelta(days=900)), wrong_by=st.timedeltas(timedelta(days=-900), timedelta(days=900))
)
def test_whatever_the_clock_was_wrong_by_does_not_matter(happened: timedelta, wrong_by: timedelta) -> None:
    moment = NOON - happened
    assert correct_skew(moment + wrong_by, sent_at=NOON + wrong_by, received_at=NOON) == moment
