"""Stays over a timeline against a plain walk over every moment."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from stamgast.segments.rules import balances_before, open_stay_of, slug_of, stays_over
from stamgast.segments.types import Step

START = datetime(2026, 1, 1, tzinfo=UTC)


def is_loyal(row):
    return row.get("balance.score", 0) > 100


def at(minute):
    return START + timedelta(minutes=minute)


steps = st.lists(
    st.builds(
        lambda minute, delta, number: Step(at(minute), "score", delta, UUID(int=number)),
        st.integers(0, 12),
        st.sampled_from([-120, -40, -1, 1, 40, 99, 100, 101, 120]),
        st.integers(1, 10**6),
    ),
    max_size=12,
    unique_by=lambda step: step.movement_id,
)


def test_a_customer_enters_above_one_hundred_and_not_at_it():
    path = [Step(at(1), "score", 100, UUID(int=1)), Step(at(2), "score", 1, UUID(int=2)), Step(at(3), "score", -1, UUID(int=3))]
    stays = stays_over(is_loyal, {}, None, path)
    assert [(s.entered_at, s.left_at, s.entry_cause, s.exit_cause) for s in stays] == [(at(2), at(3), UUID(int=2), UUID(int=3))]


@given(steps)
def test_stays_are_the_moments_at_which_the_balance_is_over_one_hundred(path):
    stays = stays_over(is_loyal, {}, None, path)
    for minute in range(14):
        balance = sum(step.delta for step in path if step.effective_at <= at(minute))
        inside = [s for s in stays if s.entered_at <= at(minute) and (s.left_at is None or at(minute) < s.left_at)]
        assert len(inside) == (balance > 100)


@given(steps, st.permutations(range(12)))
def test_the_order_in_which_steps_are_given_does_not_matter(path, order):
    shuffled = [path[i] for i in order if i < len(path)]
    assert stays_over(is_loyal, {}, None, shuffled) == stays_over(is_loyal, {}, None, path)


@given(steps, st.integers(0, 12))
def test_following_in_two_parts_is_following_at_once(path, minute):
    first = [step for step in path if step.effective_at <= at(minute)]
    rest = [step for step in path if step.effective_at > at(minute)]
    so_far = stays_over(is_loyal, {}, None, first)
    middle = {"score": sum(step.delta for step in first)}
    after = {"score": sum(step.delta for step in path)}
    assert balances_before(after, rest).get("score", 0) == middle["score"]
    going_on = stays_over(is_loyal, balances_before(after, rest), open_stay_of(so_far), rest)
    closed = [stay for stay in so_far if stay.left_at is not None]
    assert closed + going_on == stays_over(is_loyal, {}, None, path)


def test_a_slug_is_the_name_in_an_address():
    assert slug_of("Loyal customers") == slug_of("loyal-customers") == "loyal-customers"
    assert slug_of("Één keer per week!") == "één-keer-per-week"
