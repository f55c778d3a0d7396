"""Duplicates on a real shop: found by searches that may be stopped, decided by people, and taken back."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from stamgast.activities.messages import Reader
from stamgast.activities.operations import ensure_source, store
from stamgast.activities.queries import load_catalogue
from stamgast.customers.errors import AlreadyOneCustomer, CustomerChanged, SaidToBeDifferent
from stamgast.customers.histories import list_judgements
from stamgast.customers.queries import get_customer
from stamgast.duplicates.errors import ProposalSettled, SearchRunning
from stamgast.duplicates.operations import claim_search, want_search
from stamgast.duplicates.queries import count_waiting, find_last_search, get_proposal, list_proposals
from stamgast.duplicates.types import State
from stamgast.flows import find_duplicates as searching
from stamgast.flows.decide_duplicate import accept_duplicate, postpone_duplicate, refuse_duplicate, reopen_duplicate
from stamgast.flows.decide_pending import decide_pending
from stamgast.flows.find_duplicates import find_duplicates, search_if_due
from stamgast.flows.install import install
from stamgast.flows.merge_customers import merge_customers
from stamgast.flows.unmerge_customers import withdraw_judgement
from stamgast.kit.database import open_cursor, transaction

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
BY = {"actor": "staff:hanna@example.org", "at": NOW + timedelta(hours=1)}
pytestmark = pytest.mark.django_db(transaction=True)  # the columns are copied by a connection of its own
ADDRESS = {"street": "Dorpsstraat 12a", "city": "Hoorn", "postalCode": "1621 AB"}
ANNA = {"firstName": "Anna", "lastName": "van den Berg", "birthday": "1975-04-09", "address": ADDRESS, "phone": "0612345678"}


def tell(*people):
    with transaction() as cursor:
        source = ensure_source(cursor, "Web shop", at=NOW, actor="test")
        reader = Reader(load_catalogue(cursor), currency="EUR", region="NL")
        bodies = [
            {"type": "identify", "messageId": f"{user}-{at}", "userId": user, "traits": traits, "timestamp": at}
            for user, traits, at in people
        ]
        store(
            cursor,
            [
                reader.read_message(json.dumps(body).encode(), source=source, received_at=NOW, fallback_id=body["messageId"])
                for body in bodies
            ],
            [],
        )
    while decide_pending(at=NOW, actor="worker", limit=1000):
        pass


@pytest.fixture
def shop():
    """Anna twice, once as a telephone book writes her; her husband, who shares all but himself; and somebody else."""
    install(timezone="Europe/Amsterdam", at=NOW, actor="test")
    day = "2026-05-01T10:00:00Z"
    tell(
        ("1", {**ANNA, "email": "anna@example.org"}, day),
        ("2", {**ANNA, "lastName": "Berg", "birthday": "09-04-1975", "email": "anna.vdberg@example.org"}, day),
        ("3", {**ANNA, "firstName": "Kees", "birthday": "1971-01-30", "email": "anna@example.org"}, day),
        ("4", {"name": "Sjoerd Dijkstra", "email": "sjoerd@example.org"}, day),
    )


def search(at=NOW, **named):
    return find_duplicates(clock=lambda: at, actor="cli", region="NL", threads=1, **named)


def proposals(*states):
    with open_cursor() as cursor:
        return list_proposals(cursor, states or (State.OPEN,)).rows


def ids(*users):
    with open_cursor() as cursor:
        return [get_customer(cursor, f"user_id:{user}").id for user in users]


def test_one_person_written_in_two_ways_is_found_and_a_house_is_not(shop):
    outcome = search()
    assert (outcome.customers, outcome.found, outcome.closed, outcome.is_finished) == (4, 1, 0, True)
    (found,) = proposals()
    assert {found.one_id, found.other_id} == set(ids("1", "2"))
    assert found.one_id < found.other_id
    assert found.probability > 0.99
    assert {"given:same", "surname:same", "born:same", "postcode:same", "phone:same"} <= set(found.reasons)
    assert search(NOW + timedelta(days=7)).found == 1
    assert proposals() == [found], "another search changes nothing"


def test_accepted_is_merged_and_taken_back_it_waits_again(shop):
    search()
    (found,) = proposals()
    before = ids("1", "2", "3")
    effect = accept_duplicate(found.id, reason="Likely duplicate, 99 %", **BY)
    assert len(set(ids("1", "2"))) == 1
    with open_cursor() as cursor:
        kept = get_proposal(cursor, found.id)
    assert (kept.state, kept.settled_by, kept.judgement_id) == (State.ACCEPTED, BY["actor"], effect.judgement.id)
    assert search(NOW + timedelta(days=7)).found == 0
    reopen_duplicate(found.id, reason="two people after all", **BY)
    assert ids("1", "2", "3") == before
    assert proposals() == [found]
    with pytest.raises(ProposalSettled):
        reopen_duplicate(found.id, reason="again", **BY)


def test_refused_is_remembered_with_the_customers_and_never_proposed_again(shop):
    search()
    (found,) = proposals()
    refuse_duplicate(found.id, reason="mother and daughter", **BY)
    with open_cursor() as cursor:
        (said,) = list_judgements(cursor, ids("1")[0])
    assert (said.judgement.is_same, said.judgement.reason, said.is_in_force) == (False, "mother and daughter", True)
    assert search(NOW + timedelta(days=7)).found == 0
    assert proposals(State.OPEN, State.LATER) == []
    with pytest.raises(ProposalSettled):
        accept_duplicate(found.id, reason="no", **BY)
    assert len(set(ids("1", "2"))) == 2, "a refusal to settle changes nothing"
    withdraw_judgement(said.judgement.id, reason="they are one", **BY)
    assert search(NOW + timedelta(days=8)).found == 1
    assert proposals()[0].id == found.id, "what was withdrawn on the customer's page is proposed again"


def test_what_is_laid_aside_stays_aside_until_it_is_taken_up(shop):
    search()
    (found,) = proposals()
    postpone_duplicate(found.id, **BY)
    search(NOW + timedelta(days=7))
    assert [row.id for row in proposals(State.LATER)] == [found.id]
    with open_cursor() as cursor:
        assert count_waiting(cursor) == {State.OPEN: 0, State.LATER: 1}
    reopen_duplicate(found.id, reason="", **BY)
    assert [row.id for row in proposals()] == [found.id]


def test_a_proposal_is_closed_when_a_customer_changed_or_was_merged(shop):
    search()
    (found,) = proposals()
    other = {
        "firstName": "Fenna",
        "lastName": "Smit",
        "birthday": "1990-12-12",
        "address": {"city": "Sneek"},
        "phone": "0687654321",
    }
    tell(("2", other, "2026-05-20T10:00:00Z"))
    assert search(NOW + timedelta(days=7)).closed == 1
    assert proposals() == []
    tell(("2", ANNA, "2026-05-21T10:00:00Z"))
    search(NOW + timedelta(days=8))
    assert [row.id for row in proposals()] == [found.id]
    merge_customers("user_id:1", "user_id:2", reason="asked her", **BY)
    assert search(NOW + timedelta(days=9)).closed == 1


def test_a_stopped_search_goes_on_and_finds_the_same(shop, monkeypatch):
    monkeypatch.setattr(searching, "CUSTOMERS_PER_PART", 1)
    parts = []
    outcome = search(progress=lambda done, total: parts.append(done), should_stop=lambda: len(parts) > 2)
    assert (outcome.is_finished, parts) == (False, [0, 1, 2])
    with open_cursor() as cursor:
        stopped = find_last_search(cursor)
    assert (stopped.parts, stopped.parts_done, stopped.beat_at, stopped.ended_at) == (4, 2, None, None)
    outcome = search(progress=lambda done, total: parts.append(done))
    assert (outcome.is_finished, outcome.found, parts[3:]) == (True, 1, [0, 3, 4])
    assert len(proposals()) == 1


def test_one_searches_at_a_time_and_who_died_is_followed(shop):
    with transaction() as cursor:
        want_search(cursor, at=NOW, actor="cli")
        claim_search(cursor, at=NOW)
    with pytest.raises(SearchRunning):
        search(NOW + timedelta(minutes=5))
    assert search(NOW + timedelta(minutes=11)).is_finished


def test_the_worker_searches_when_asked_and_when_it_is_time(shop):
    def turn(at, every=timedelta(days=7)):
        return search_if_due(clock=lambda: at, actor="worker", region="NL", every=every, should_stop=lambda: False)

    assert turn(NOW, every=None) is None
    assert turn(NOW).found == 1
    assert turn(NOW + timedelta(days=6)) is None
    with transaction() as cursor:
        assert want_search(cursor, at=NOW + timedelta(days=6), actor="staff:hanna@example.org")
        assert not want_search(cursor, at=NOW + timedelta(days=6), actor="staff:hanna@example.org")
    assert turn(NOW + timedelta(days=6), every=None).is_finished
    assert turn(NOW + timedelta(days=13)).is_finished


@pytest.mark.parametrize("other", [accept_duplicate, refuse_duplicate])
def test_of_two_who_decide_at_once_one_does(shop, other):
    search()
    (found,) = proposals()
    together = threading.Barrier(2)

    def decide(flow):
        try:
            together.wait(timeout=30)
            flow(found.id, reason="looked at both", **BY)
        except (ProposalSettled, AlreadyOneCustomer, SaidToBeDifferent, CustomerChanged) as error:
            return type(error)
        finally:
            connection.close()
        return flow

    with ThreadPoolExecutor(2) as two:
        done = list(two.map(decide, (accept_duplicate, other)))
    won = [one for one in done if one in (accept_duplicate, refuse_duplicate)]
    assert len(won) == 1
    with open_cursor() as cursor:
        kept = get_proposal(cursor, found.id)
        judgements = [one for one in list_judgements(cursor, ids("1")[0]) if one.is_in_force]
    assert kept.state == (State.ACCEPTED if won[0] is accept_duplicate else State.REFUSED)
    assert [one.judgement.id for one in judgements] == [kept.judgement_id]
    assert len(set(ids("1", "2"))) == (1 if kept.state is State.ACCEPTED else 2)
