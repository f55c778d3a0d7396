"""What the doctor says of the work at hand."""

import pytest

from stamgast.cli.doctor import _work
from stamgast.kit.database import transaction


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
