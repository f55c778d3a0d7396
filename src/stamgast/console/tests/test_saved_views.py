"""Saved views in the console: kept, opened, changed, shared by who may, and read by nobody else; one to begin with."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from stamgast.access.operations import create_staff
from stamgast.access.types import Role
from stamgast.activities.types import Source
from stamgast.console.tests import PASSWORD
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction


def person(role: Role) -> Client:
    client = Client()
    with transaction() as cursor:
        create_staff(cursor, email=f"{role}@example.net", name=role, password=PASSWORD, at=utc_now(), actor="test", role=role)
    assert client.post("/sign-in", {"email": f"{role}@example.net", "password": PASSWORD}).status_code == 302
    return client


def keep(client: Client, name: str, address: str = "/customers/views", **asked: str) -> str:
    answer = client.post(address, {"name": name, **asked})
    assert answer.status_code == 302
    return str(answer["Location"])


def trail() -> list[tuple[str, ...]]:
    with open_cursor() as cursor:
        return cursor.execute(
            "SELECT actor, action, detail ->> 'name', detail ->> 'asked' FROM access_trail WHERE action LIKE '%view%' "
            "ORDER BY at"
        ).fetchall()


def kept() -> list[tuple[object, ...]]:
    with open_cursor() as cursor:
        return cursor.execute("SELECT * FROM access_savedview ORDER BY id").fetchall()


@pytest.fixture
def marketer(signed_in: Client, shop: Source) -> Client:
    return person(Role.MARKETER)


def test_a_view_keeps_filters_and_columns_and_not_who_was_searched_for(marketer: Client) -> None:
    view = keep(
        marketer, " Big  spenders ", search="noor@example.org", at_least="100", columns="spend,score", segment="no-more"
    )
    answer = marketer.get(view)
    assert parse_qs(urlsplit(answer["Location"]).query) == {
        "at_least": ["100"], "columns": ["spend,score"], "view": [view.rpartition("/")[2]],
    }  # fmt: skip
    text = marketer.get(answer["Location"]).content.decode()
    assert "Big spenders</a>" in text
    assert "This is no longer what" not in text
    assert trail() == []  # it is nobody else's business
    text = marketer.get("/customers/views").content.decode()
    assert "score of at least 100" in text
    assert "Spend, before returns, Score" in text


def test_a_name_that_is_taken_is_said_and_what_was_typed_is_kept(marketer: Client) -> None:
    keep(marketer, "Mine", has_email="1")
    place = keep(marketer, "Mine", has_phone="1")
    assert place == "/customers?has_phone=1&keep=Mine"
    text = marketer.get(place).content.decode()
    assert "There is a view of that name already." in text
    assert 'autocomplete="off" value="Mine"' in text
    assert len(kept()) == 1


def test_a_view_is_overwritten_renamed_and_deleted(marketer: Client) -> None:
    view = keep(marketer, "Mine", has_email="1")
    changed = f"/customers?has_email=1&at_most=5&view={view.rpartition('/')[2]}"
    assert "This is no longer what “Mine” keeps." in marketer.get(changed).content.decode()
    marketer.post(view, {"has_email": "1", "at_most": "5"})
    assert "This is no longer what" not in marketer.get(changed).content.decode()
    marketer.post(view, {"name": "Ours"})
    assert "Ours</a>" in marketer.get(changed).content.decode()
    assert "Delete the view “Ours”?" in marketer.get(f"{view}/delete").content.decode()
    assert len(kept()) == 1
    marketer.post(f"{view}/delete")
    assert kept() == []
    assert marketer.get(view).status_code == 404
    assert marketer.get(changed).status_code == 200  # the address still says what it asks


@pytest.mark.parametrize("role", [Role.OWNER, Role.AGENT, Role.AUDITOR])
def test_nobody_reads_or_changes_somebody_elses_own_view(marketer: Client, role: Role) -> None:
    view = keep(marketer, "My secret", at_least="770077")
    before = kept()
    other = person(role)
    for address in (view, f"{view}/delete"):
        assert other.get(address).status_code == 404
    for address, form in (
        (view, {"name": "x"}), (view, {"has_email": "1"}), (f"{view}/share", {}), (f"{view}/share", {"act": "take back"}),
        (f"{view}/start", {}), (f"{view}/delete", {}),
    ):  # fmt: skip
        assert other.post(address, form).status_code in (403, 404), address
    for address in ("/customers", "/customers/views", f"/customers?view={view.rpartition('/')[2]}"):
        text = other.get(address).content.decode()
        assert "My secret" not in text
        assert "770077" not in text
        assert "770,077" not in text
    assert kept() == before
    assert trail() == []


def test_who_may_share_does_and_the_trail_says_so(marketer: Client) -> None:
    view = keep(marketer, "For all", "/customers/views/shared", has_email="1")
    agent = person(Role.AGENT)
    assert agent.get(view)["Location"].startswith("/customers?has_email=1&view=")
    text = agent.get("/customers/views").content.decode()
    assert "For all" in text
    assert "/share" not in text
    before = kept()
    for address, form in ((view, {"name": "x"}), (view, {"has_phone": "1"}), (f"{view}/delete", {})):
        assert agent.post(address, form).status_code == 302  # said where the agent comes from
    for address in (f"{view}/share", "/customers/views/shared"):
        assert agent.post(address, {"name": "x"}).status_code == 403
    assert kept() == before
    marketer.post(view, {"has_phone": "1"})
    marketer.post(f"{view}/share", {"act": "take back"})
    assert agent.get(view).status_code == 404
    marketer.post(f"{view}/share")
    marketer.post(f"{view}/delete")
    who = "staff:marketer@example.net"
    assert trail() == [
        (who, "keep shared view", "For all", "has_email=1"),
        (who, "change shared view", "For all", "has_phone=1"),
        (who, "take view back", "For all", "has_phone=1"),
        (who, "share view", "For all", "has_phone=1"),
        (who, "delete shared view", "For all", "has_phone=1"),
    ]


def test_the_list_begins_with_the_start_view_until_everybody_is_asked_for(marketer: Client) -> None:
    view = keep(marketer, "Mine", has_email="1")
    assert marketer.get("/customers").status_code == 200
    marketer.post(f"{view}/start")
    assert marketer.get("/customers")["Location"] == view
    text = marketer.get("/customers?view=").content.decode()
    assert "You know 2 customers" in text
    # The last filter is taken out, an empty search: both are everybody, and not the start view again.
    assert 'href="/customers?view="' in marketer.get("/customers?has_email=1").content.decode()
    assert marketer.get("/customers?search=").status_code == 200
    marketer.post(f"{view}/start", {"act": "off"})
    assert marketer.get("/customers").status_code == 200


def test_a_view_of_a_segment_that_is_gone_says_so_and_opens(marketer: Client) -> None:
    view = keep(marketer, "Regulars", segment="loyal-customers", has_email="1")
    with transaction() as cursor:
        cursor.execute("DELETE FROM segments_segment WHERE slug = 'loyal-customers'")
    text = marketer.get(marketer.get(view)["Location"]).content.decode()
    assert "The segment “loyal-customers” is not there any more." in text
    assert "This is no longer what “Regulars” keeps." in text
    assert (
        "Asks for the segment “loyal-customers”, which is not there any more."
        in marketer.get("/customers/views").content.decode()
    )
