"""Who is likely one person, by API."""

from datetime import UTC, datetime

import pytest

from stamgast.duplicates.operations import claim_search, keep_part, want_search
from stamgast.duplicates.types import Likely
from stamgast.kit.database import transaction
from stamgast.kit.ids import derive_id

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
KEYS = [str(derive_id("customer", str(number))) for number in range(4)]


@pytest.fixture
def found(db):
    """Three pairs of customers, two of them equally likely."""
    pairs = [
        Likely(KEYS[0], KEYS[1], 0.8, ("born:same",)),
        Likely(KEYS[1], KEYS[2], 0.987654, ("card:same",)),
        Likely(KEYS[2], KEYS[3], 0.8, ()),
    ]
    with transaction() as cursor:
        want_search(cursor, at=NOW, actor="test")
        keep_part(cursor, claim_search(cursor, at=NOW), pairs, part=0, at=NOW)


def test_the_likeliest_come_first_and_pages_join(found, get, statements):
    body = get("/v1/duplicates?limit=2").json()
    asked = [query for query in statements if "duplicates_proposal" in str(query)]
    assert len(asked) == 1
    first = body["data"][0]
    assert first | {"id": ""} == {
        "id": "",
        "customer_ids": sorted((KEYS[1], KEYS[2])),
        "probability": 0.987654,
        "reasons": ["card:same"],
        "found_at": "2026-06-01T12:00:00Z",
    }
    rest = get(f"/v1/duplicates?limit=2&cursor={body['next_cursor']}").json()
    assert [row["probability"] for row in body["data"] + rest["data"]] == [0.987654, 0.8, 0.8]
    assert len({row["id"] for row in body["data"] + rest["data"]}) == 3
    assert rest["next_cursor"] is None


def test_a_cursor_of_another_list_is_refused(found, get):
    assert get("/v1/duplicates?cursor=WzFd").json()["code"] == "invalid_cursor"
