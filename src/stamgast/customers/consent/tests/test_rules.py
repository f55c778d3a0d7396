"""What holds given the changes: tables of cases, and any order of any history against a plain reading of the words."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stamgast.customers.consent.rules import allows, derive, find_standing, normalise_name, read_activity
from stamgast.customers.consent.types import EVERY, ConsentChange, ConsentState

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
GIVEN, WITHDRAWN, REQUESTED = ConsentState.GIVEN, ConsentState.WITHDRAWN, ConsentState.REQUESTED


def change(minute: int, state: ConsentState, purpose: str = "news", channel: str = "email", number: int = 0) -> ConsentChange:
    at = NOON + timedelta(minutes=minute)
    return ConsentChange(UUID(int=number or minute + 1), UUID(int=0), purpose, channel, state, at, at, "shop", "customer")


@pytest.mark.parametrize(
    ("history", "holds"),
    [
        ([], None),
        ([change(0, GIVEN)], GIVEN),
        ([change(5, WITHDRAWN), change(0, GIVEN)], WITHDRAWN),
        ([change(0, WITHDRAWN), change(5, GIVEN)], GIVEN),
        ([change(0, GIVEN, number=9), change(0, WITHDRAWN, number=1)], WITHDRAWN),
        ([change(0, REQUESTED)], REQUESTED),
        ([change(0, GIVEN), change(5, REQUESTED)], GIVEN),
        ([change(0, WITHDRAWN), change(5, REQUESTED)], REQUESTED),
        ([change(5, WITHDRAWN), change(0, REQUESTED)], WITHDRAWN),
        ([change(0, GIVEN), change(5, WITHDRAWN, EVERY)], WITHDRAWN),
        ([change(0, GIVEN), change(5, WITHDRAWN, EVERY, EVERY), change(6, GIVEN)], GIVEN),
        ([change(0, GIVEN), change(5, WITHDRAWN, "news", "sms")], GIVEN),
    ],
)  # fmt: skip
def test_what_holds(history: list[ConsentChange], holds: ConsentState | None) -> None:
    standing = find_standing(history, "news", "email")
    assert (standing.state if standing else None) == holds


CHANGES = st.builds(
    change,
    st.integers(0, 6),
    st.sampled_from(ConsentState),
    st.sampled_from(["news", "offers", EVERY]),
    st.sampled_from(["email", "sms", EVERY]),
    st.integers(1, 2**100),
)


def allowed_in_words(history: list[ConsentChange], purpose: str, channel: str, at: datetime) -> bool:
    """There is a yes about exactly what is asked, and no no at that moment or after it."""
    about = [
        one for one in history if one.purpose in (purpose, EVERY) and one.channel in (channel, EVERY) and one.occurred_at <= at
    ]
    yes = [one.occurred_at for one in about if one.state is GIVEN]
    no = [one.occurred_at for one in about if one.state is WITHDRAWN]
    return bool(yes) and (not no or max(yes) > max(no))


@given(st.lists(CHANGES, max_size=8, unique_by=lambda one: one.id), st.randoms(), st.integers(0, 7))
def test_any_order_gives_the_same_and_it_is_what_the_words_say(history, random, minute) -> None:
    shuffled = [*history, *history[:2]]
    random.shuffle(shuffled)
    at = NOON + timedelta(minutes=minute)
    assert derive(shuffled) == derive(history)
    assert derive(shuffled, at=at) == derive([one for one in history if one.occurred_at <= at])
    for pair in (("news", "email"), ("offers", "sms"), ("other", "push")):
        assert allows(shuffled, *pair, at=at) == allowed_in_words(history, *pair, at)


@pytest.mark.parametrize(
    ("kind", "properties", "says"),
    [
        ("Consent Given", {"purpose": "News", "channel": "E-mail"}, ("news", "email", GIVEN)),
        ("Consent Given", {"purpose": "News"}, None),
        ("Consent Given", {"purpose": "*", "channel": "email"}, None),
        ("Consent Withdrawn", {"purpose": "news", "channel": "sms"}, ("news", "sms", WITHDRAWN)),
        ("Consent Withdrawn", {}, (EVERY, EVERY, WITHDRAWN)),
        ("Consent Withdrawn", {"purpose": "<b>"}, (EVERY, EVERY, WITHDRAWN)),
        ("Unsubscribed", {}, (EVERY, "email", WITHDRAWN)),
        ("Unsubscribed", {"purpose": "news"}, ("news", "email", WITHDRAWN)),
        ("Email Marked as Spam", {"campaign_id": "1"}, (EVERY, "email", WITHDRAWN)),
    ],
)
def test_what_an_activity_says(kind: str, properties: dict[str, object], says: tuple[str, str, ConsentState] | None) -> None:
    said = read_activity(kind, properties)
    assert (said and (said.purpose, said.channel, said.state)) == says


@given(st.text(max_size=60))
def test_a_name_is_normal_once_normalised(text: str) -> None:
    name = normalise_name(text)
    assert name is None or normalise_name(name) == name
