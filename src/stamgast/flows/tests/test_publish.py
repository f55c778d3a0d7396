"""A version that reaches into the past reaches everybody, also those who were being decided while it was published."""

import threading
import time
from datetime import UTC, datetime

import msgspec
import pytest
from django.db import connection

from stamgast.activities.messages import Reader
from stamgast.activities.operations import ensure_source, store
from stamgast.activities.queries import load_catalogue, take_pending
from stamgast.activities.types import NewActivity
from stamgast.customers.queries import get_customer
from stamgast.flows.audit import run as audit
from stamgast.flows.decide_pending import decide_taken
from stamgast.flows.install import BEGINNING, install
from stamgast.flows.publish import publish_programme
from stamgast.kit.database import open_cursor, transaction
from stamgast.ledger.queries import list_available
from stamgast.programmes.documents import default_document
from stamgast.programmes.errors import OtherProgramme
from stamgast.programmes.queries import list_versions

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ZONE = "Europe/Amsterdam"


@pytest.mark.django_db(transaction=True)
def test_who_is_being_decided_while_a_version_is_published_is_decided_again() -> None:
    install(timezone=ZONE, at=NOW, actor="test")
    message = {
        "type": "track",
        "event": "Coupon Redeemed",
        "messageId": "m",
        "userId": "u",
        "timestamp": "2026-02-01T12:00:00Z",
    }
    document = default_document(ZONE).replace("score: 5", "score: 7")
    assert document != default_document(ZONE)

    def publish() -> None:
        publish_programme(
            document, effective_from=BEGINNING, at=NOW, actor="test", reason="test", progress=lambda done, total: None
        )
        connection.close()

    with transaction() as cursor:
        source = ensure_source(cursor, "Shop", at=NOW, actor="test")
        reader = Reader(load_catalogue(cursor), currency="EUR", region="NL")
        read = reader.read_message(msgspec.json.encode(message), source=source, received_at=NOW, fallback_id="")
        assert isinstance(read, NewActivity)
        store(cursor, [read], [])
    publisher = threading.Thread(target=publish)
    with transaction() as cursor:
        decide_taken(cursor, take_pending(cursor, 10), at=NOW, actor="worker")
        publisher.start()
        time.sleep(0.5)  # long enough to publish and to look for whom it concerns, if it did not wait for us
    publisher.join(timeout=20)
    assert not publisher.is_alive()
    with open_cursor() as cursor:
        customer = get_customer(cursor, "user_id:u")
        assert list_available(cursor, [customer.id]) == {customer.id: {"score": 7}}
    with transaction():
        assert audit(lambda check, rows: None) == []


@pytest.mark.django_db
def test_a_programme_by_which_nothing_would_be_decided_is_refused() -> None:
    install(timezone=ZONE, at=NOW, actor="test")
    document = default_document(ZONE).replace("programme: default", "programme: club")
    with pytest.raises(OtherProgramme, match="Write 'programme: default' to make it the next version"):
        publish_programme(document, effective_from=NOW, at=NOW, actor="test", reason="test", progress=lambda done, total: None)
    with open_cursor() as cursor:
        assert list_versions(cursor, "club") == []
