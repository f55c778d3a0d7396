"""The running system by the clock: who comes in and who leaves, within a second, seen through the API."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.installation import Installation

MEMBERS = "/v1/segments/loyal-customers/members"


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)
    installation = Installation(folder)
    try:
        installation.wait_until_ready()
        yield installation
    finally:
        installation.stop()


def wait_for(look, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if look():
            return True
        time.sleep(0.02)
    return look()


def redemption(number, user, at):
    return {
        "type": "track",
        "messageId": f"{user}-{number}",
        "userId": user,
        "event": "Coupon Redeemed",
        "timestamp": at.isoformat(),
        "properties": {"coupon_id": "c"},
    }


@pytest.mark.xdist_group("live")
def test_a_customer_comes_in_with_the_activity_and_leaves_when_points_expire(installation):
    write_key = json.loads(installation.run("source", "create", "Shop", "--json"))["write_key"]
    key = json.loads(installation.run("key", "create", "--scope", "*", "--json"))["key"]

    def members():
        status, page = installation.request("GET", MEMBERS, key=key)
        assert status == 200
        return [row["customer_id"] for row in page["data"]]

    now = datetime.now(UTC)
    assert members() == []
    first = [redemption(i, "warm", now) for i in range(3)]
    assert installation.request("POST", "/v1/batch", {"batch": first}, key=write_key)[0] == 200
    assert wait_for(lambda: installation.request("GET", "/v1/customers/user_id:warm", key=key)[0] == 200, 20)

    # 24 months ago less eight seconds: what these give expires in eight seconds.
    now = datetime.now(UTC)
    expires = now + timedelta(seconds=8)
    given = expires.replace(year=expires.year - 2) if (expires.month, expires.day) != (2, 29) else expires - timedelta(days=730)
    batch = [redemption(i, "anna", given) for i in range(21)]
    assert installation.request("POST", "/v1/batch", {"batch": batch}, key=write_key)[0] == 200
    assert wait_for(lambda: len(members()) == 1, 1.0)
    status, anna = installation.request("GET", "/v1/customers/user_id:anna", key=key)
    assert (status, anna["balances"], members()) == (200, {"score": 105}, [anna["id"]])

    time.sleep(max((expires - datetime.now(UTC)).total_seconds() - 0.5, 0))
    assert members() == [anna["id"]]
    assert wait_for(lambda: members() == [], 1.5)
    left_after = (datetime.now(UTC) - expires).total_seconds()
    assert left_after < 1.0
    assert installation.request("GET", "/v1/customers/user_id:anna", key=key)[1]["balances"] == {"score": 0}
