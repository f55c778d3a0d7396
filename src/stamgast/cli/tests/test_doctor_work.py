"""What the doctor says of the work at hand."""

from datetime import UTC, datetime

import pytest

from stamgast.cli.doctor import _work
from stamgast.kit.database import transaction
from stamgast.webhooks.operations import create_endpoint, switch
from stamgast.webhooks.types import EventKind, Reach, WhyOff


@pytest.mark.django_db
def test_what_was_set_aside_is_shown():
    assert "set aside" not in {finding.name for finding in _work()}
    with transaction() as cursor:
        cursor.execute(
            "INSERT INTO activities_pending (occurred_at, activity_id, received_at, failed_at) "
            "VALUES (now(), gen_random_uuid(), now(), now())"
        )
    (finding,) = (finding for finding in _work() if finding.name == "set aside")
    assert finding.found == "deciding broke on 1 activities; the others went on"


@pytest.mark.django_db
def test_a_webhook_that_fails_or_was_given_up_is_shown():
    now = datetime.now(UTC)
    with transaction() as cursor:
        endpoint, _secret = create_endpoint(
            cursor,
            name="crm",
            url="https://example.org/",
            kinds=[*EventKind],
            reach=Reach(),
            random=bytes(32),
            at=now,
            actor="me",
        )
        assert [finding for finding in _work() if finding.name == "webhooks"] == []
        cursor.execute("UPDATE webhooks_endpoint SET failing_since = '2026-06-01 12:00Z'")
        (failing,) = (finding for finding in _work() if finding.name == "webhooks")
        switch(cursor, endpoint.id, is_on=False, at=now, actor="worker", why=WhyOff.FAILING)
        (given_up,) = (finding for finding in _work() if finding.name == "webhooks")
        switch(cursor, endpoint.id, is_on=True, at=now, actor="me")
        switch(cursor, endpoint.id, is_on=False, at=now, actor="me")
        assert [finding for finding in _work() if finding.name == "webhooks"] == []
    assert (failing.state, failing.found) == ("notice", "'crm' fails since 2026-06-01 12:00 UTC")
    assert (given_up.state, given_up.found) == ("notice", "'crm' was switched off: it only failed for five days")
