"""Versions and drafts of a programme as a script sees them."""

from datetime import timedelta

from stamgast.flows.publish import put_in_force, withdraw_version
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor
from stamgast.programmes.documents import default_document
from stamgast.programmes.drafts import list_drafts

TEXT = default_document("Europe/Amsterdam")
OTHER = TEXT.replace("score: 5", "score: 7")


def test_the_versions_page_with_their_states_and_each_has_its_document(shop, get):
    now = utc_now()
    put_in_force(OTHER, effective_from=now, at=now, actor="staff:a", reason="a treat")
    put_in_force(TEXT, effective_from=now + timedelta(days=9), at=now, actor="staff:a", reason="no longer")
    put_in_force(OTHER + "# x\n", effective_from=now + timedelta(days=19), at=now, actor="staff:a", reason="again")
    withdraw_version(4, at=now, actor="staff:a", reason="never mind")
    assert get("/v1/programmes").json() == {"data": [{"name": "default", "version": 2}]}
    first = get("/v1/programmes/default/versions?limit=2").json()
    assert [(one["version"], one["state"]) for one in first["data"]] == [(4, "withdrawn"), (3, "scheduled")]
    rest = get(f"/v1/programmes/default/versions?limit=2&cursor={first['next_cursor']}").json()
    assert [(one["version"], one["state"]) for one in rest["data"]] == [(2, "in_force"), (1, "replaced")]
    assert rest["next_cursor"] is None
    second = get("/v1/programmes/default/versions/2").json()
    assert second == {**rest["data"][0], "document": OTHER}
    assert (second["published_by"], second["reason"]) == ("staff:a", "a treat")
    assert (get("/v1/programmes/default/versions/9").status_code, get("/v1/programmes/x/versions").status_code) == (404, 404)
    assert get("/v1/programmes/schema").json()["title"] == "A Stamgast programme"


def test_a_document_is_sent_to_review_once_by_one_key(shop, client, key):
    body = {"title": "From the repository", "document": OTHER, "reason": "merged"}
    headers = {"authorization": f"Bearer {key}", "idempotency-key": "a"}
    answers = [
        client.post("/v1/programmes/default/drafts", body, content_type="application/json", headers=headers) for _ in range(2)
    ]
    assert [one.status_code for one in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    with open_cursor() as cursor:
        [draft] = list_drafts(cursor, "default").rows
    assert (str(draft.id), draft.state, draft.base, draft.reason) == (answers[0].json()["id"], "review", 1, "merged")
    assert draft.document == OTHER


def test_a_document_that_is_no_programme_is_refused_and_nothing_is_kept(shop, client, key):
    body = {"title": "x", "document": "programme: {", "reason": "x"}
    answer = client.post(
        "/v1/programmes/default/drafts", body, content_type="application/json", headers={"authorization": f"Bearer {key}"}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_programme")
    with open_cursor() as cursor:
        assert list_drafts(cursor, "default").rows == []
