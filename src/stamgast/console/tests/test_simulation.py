"""The pages of a simulation: what is asked, what is told, who may see whom, and what is refused in whose language."""

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from stamgast.access.operations import create_staff
from stamgast.access.types import Role
from stamgast.activities.types import Source
from stamgast.console.tests import PASSWORD
from stamgast.console.tests.streams import text_of
from stamgast.flows.simulation.keeping import simulation_folder
from stamgast.flows.simulation.running import State, find_run
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction
from stamgast.programmes.queries import get_programme, list_versions

ADDRESS = "/programme/simulation"


@pytest.fixture(autouse=True)
def data(settings: Any, tmp_path: Path) -> None:
    from dataclasses import replace

    settings.CONFIGURATION = replace(settings.CONFIGURATION, data=tmp_path)


def draft() -> str:
    with open_cursor() as cursor:
        return list_versions(cursor, get_programme(cursor).name)[0].document.replace("score: 5", "score: 100")


def start(client: Client, **fields: str) -> str:
    answer = client.post(ADDRESS, {"document": draft().replace("\n", "\r\n"), "behaviour": "stated", "share": "80", **fields})
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def test_a_number_is_changed_and_the_answer_is_there(signed_in: Client, shop: Source) -> None:
    form = signed_in.get(ADDRESS).content.decode()
    assert "score: 5" in form
    assert 'name="worth score"' in form
    address = start(signed_in, **{"worth score": "0,05"})
    run = find_run(simulation_folder(), UUID(address.rpartition("/")[2]))
    assert run.state is State.DONE
    text = signed_in.get(address).content.decode()
    assert "The draft gives 95 more: score, 102 instead of 7" in text
    assert "Loyal customers: 0 by the programme in force, 1 by the draft." in text
    assert "Worked out in" in text
    assert "for all 2 customers, with 5 activities." in text
    assert "Noor &lt;b&gt;de&lt;/b&gt; Wit</a>" in text
    assert re.search(r"€\s?5.10", text)  # of the draft's points, at 5 cents each
    assert 'value="0,05"' in text
    assert "score: 100" in text
    assert "Only counted, and not to be spent: score. None of it is redeemed, and it has no breakage." in text
    assert "does not apply" in text
    assert "the liability in units" not in text
    people = signed_in.get(f"{address}/people?currency=score&side=more").content.decode()
    assert "1 customers get more: score" in people
    csv = text_of(signed_in.get(f"{address}/people.csv?currency=score&side=more"))
    assert csv.splitlines()[1].endswith(",score,7,102,95") or csv.splitlines()[1].endswith(",score,6,101,95")
    with open_cursor() as cursor:
        [trail] = cursor.execute("SELECT action, subject FROM access_trail WHERE action = 'export customers'").fetchall()
    assert trail == ("export customers", "simulation")


def test_a_draft_that_lets_the_score_be_spent_tells_of_its_own_side_alone(signed_in: Client, shop: Source) -> None:
    text = signed_in.get(start(signed_in, document=draft().replace("spendable: false", "spendable: true"))).content.decode()
    assert "Only counted, and not to be spent: score (In force)." in text
    assert "does not apply in force" in text
    assert "the liability in units" in text


def test_what_waits_to_be_decided_is_told(signed_in: Client, shop: Source) -> None:
    with transaction() as cursor:
        cursor.execute(
            "INSERT INTO activities_pending (activity_id, occurred_at, received_at) "
            "SELECT id, occurred_at, received_at FROM activities_activity LIMIT 2"
        )
    assert "2 activities were waiting to be decided and did not count." in signed_in.get(start(signed_in)).content.decode()


def test_an_analyst_sees_figures_and_nobody(shop: Source) -> None:
    with transaction() as cursor:
        create_staff(cursor, email="first@example.org", name="First", password=PASSWORD, at=utc_now(), actor="test")
        create_staff(
            cursor, email="ana@example.org", name="Ana", password=PASSWORD, at=utc_now(), actor="test", role=Role.ANALYST
        )
    client = Client()
    client.post("/sign-in", {"email": "ana@example.org", "password": PASSWORD})
    address = start(client)
    text = client.get(address).content.decode()
    assert "The draft gives 95 more" in text
    assert "Noor" not in text
    assert client.get(f"{address}/people").status_code == 403
    assert client.get(f"{address}/people.csv").status_code == 403


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"worth score": "a lot"}, "Wat één van een valuta kost, is een bedrag, zoals 0,01."),
        ({"worth pts": "1"}, "De valuta “pts” is er niet in het concept of in wat nu geldt. Wel zijn er: score."),
        ({"share": "120"}, "Het deel dat wordt ingewisseld ligt tussen 0 en 100 procent."),
        ({"since": "2026-02-01", "until": "2026-01-01"}, "De simulatie eindigt voor ze begint."),
        ({"document": "programme: x"}, "score"),
    ],
)
def test_what_makes_no_sense_is_said_and_what_was_typed_is_kept(
    signed_in: Client, shop: Source, fields: dict[str, str], sentence: str
) -> None:
    signed_in.cookies["django_language"] = "nl"
    answer = signed_in.post(ADDRESS, {"document": draft(), "share": "80", **fields}, headers={"Accept-Language": "nl"})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert sentence in text or "document" in fields
    assert 'role="alert"' in text
    assert not list(simulation_folder().glob("runs/*"))


def test_it_goes_on_while_it_is_watched_and_stops_when_told(
    signed_in: Client, shop: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stamgast.console.views import simulation

    monkeypatch.setattr(simulation, "AT_ONCE_SECONDS", 0.0)
    address = start(signed_in)
    text = signed_in.get(address).content.decode()
    assert 'hx-trigger="load, submit"' in text
    assert "about" in text or "Neither programme gives anything" in text
    part = signed_in.post(f"{address}/on", headers={"HX-Request": "true"})
    assert part["HX-Refresh"] == "true"
    assert "hx-trigger" not in signed_in.get(address).content.decode()
    other = start(signed_in)
    assert signed_in.post(f"{other}/stop").status_code == 302
    assert "It was stopped: figures are estimates of all." in signed_in.get(other).content.decode()
    assert find_run(simulation_folder(), UUID(other.rpartition("/")[2])).state is State.STOPPED


def test_a_sample_is_chosen_on_the_page(signed_in: Client, shop: Source) -> None:
    address = start(signed_in, sample="10")
    assert find_run(simulation_folder(), UUID(address.rpartition("/")[2])).asked.sample == 0.1
    assert '<option value="10" selected>' in signed_in.get(address).content.decode()
    for wrong in ("many", "0", "101"):
        answer = signed_in.post(ADDRESS, {"document": draft(), "behaviour": "stated", "share": "80", "sample": wrong})
        assert answer.status_code == 422
