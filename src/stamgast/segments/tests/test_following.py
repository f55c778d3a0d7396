"""Stays that are followed piece by piece, as changes become known in any order, are those of the whole history at once."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import transaction as django_transaction
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stamgast.kit.database import open_cursor
from stamgast.segments.operations import define_segment, follow
from stamgast.segments.queries import BEGINNING, list_stays
from stamgast.segments.rules import open_stay_of, spans_of, stays_over
from stamgast.segments.types import Step

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
CUSTOMERS = [UUID(int=1), UUID(int=2)]
told = st.tuples(st.sampled_from(CUSTOMERS), st.integers(0, 4), st.sampled_from([-9, -7, -3, 3, 7, 9]))


@pytest.mark.django_db
@settings(max_examples=150)
@example(batches=[[(CUSTOMERS[0], 0, 7)], [(CUSTOMERS[0], 3, -7)], [(CUSTOMERS[0], 3, 9)]])  # left and came back at one moment
@given(batches=st.lists(st.lists(told, min_size=1, max_size=4), min_size=1, max_size=7))
def test_from_the_first_moment_that_changed_on_is_as_from_the_beginning(batches: list[list[tuple[UUID, int, int]]]) -> None:
    known: defaultdict[UUID, list[Step]] = defaultdict(list)
    with django_transaction.atomic(), open_cursor() as cursor:
        segment = define_segment(cursor, name="Some", condition={"balance": "score", "over": 6}, at=NOON, actor="test")
        said: defaultdict[UUID, bool] = defaultdict(bool)
        for batch in batches:
            since: dict[UUID, datetime] = {}
            for customer, hours, delta in batch:
                moment = NOON + timedelta(hours=hours)
                number = sum(map(len, known.values()))
                known[customer].append(Step(moment, "score", delta, UUID(int=number)))
                since[customer] = min(moment, since.get(customer, moment))
            steps = {one: [step for step in known[one] if step.effective_at >= moment] for one, moment in since.items()}
            balances = {one: {"score": sum(step.delta for step in known[one])} for one in since}
            for change in follow(cursor, steps, since, balances, at=NOON):
                said[change.customer_id] = change.is_entry
        kept = list_stays(cursor, segment, dict.fromkeys(CUSTOMERS, BEGINNING))
        for customer in CUSTOMERS:
            whole = stays_over(lambda balances: int(str(balances["balance.score"])) > 6, {}, None, known[customer])
            assert spans_of(kept.get(customer, [])) == spans_of(whole)
            assert said[customer] == (open_stay_of(whole) is not None), "the last that was said is what is so"
        django_transaction.set_rollback(True)
