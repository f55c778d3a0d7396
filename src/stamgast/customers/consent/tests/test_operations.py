"""Double opt-in, links, the catalogue; and that what was written cannot be edited."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import connection

from stamgast.customers.consent import operations, queries, tokens
from stamgast.customers.consent.errors import (
    ConsentLinkExpired,
    ConsentLinkInvalid,
    ConsentLinkUsed,
    InvalidConsent,
    UnknownConsent,
)
from stamgast.customers.consent.types import ConsentChange, ConsentState, Told
from stamgast.customers.operations import resolve
from stamgast.customers.types import Sighting
from stamgast.kit.database import open_cursor, transaction
from stamgast.kit.ids import derive_id

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET, OTHER = "s" * 40, "t" * 40
TEXTS = {"en": "Yes, mail me.", "nl": "Ja, mail me."}
pytestmark = pytest.mark.django_db


@pytest.fixture
def anna() -> tuple[UUID, UUID]:
    """A customer and the identifier that her consent hangs on."""
    sighting = Sighting(uuid4(), NOON, NOON, ("user_id:anna", "email:anna@example.org"), "shop")
    with transaction() as cursor:
        operations.publish_text(cursor, purpose="news", channel="email", texts=TEXTS, at=NOON, actor="test")
        customer = resolve(cursor, [sighting], at=NOON, actor="test").customers[sighting.activity_id]
    return customer, derive_id("identifier", "email", "anna@example.org")


def tell(anchor: UUID, state: str, minute: int = 0, **more: object) -> ConsentChange:
    at = NOON + timedelta(minutes=minute)
    named = {"purpose": "news", "channel": "email", "occurred_at": at, "at": at, "source": "test", "actor": "staff:a", **more}
    with transaction() as cursor:
        return operations.set_consent(cursor, anchor=anchor, state=ConsentState(state), **named)  # type: ignore[arg-type]


def may_contact(customer: UUID, minute: int) -> bool:
    with open_cursor() as cursor:
        return queries.may_contact(cursor, customer, "news", "email", at=NOON + timedelta(minutes=minute))


def test_a_request_allows_nothing_until_it_is_confirmed_and_that_happens_once(anna: tuple[UUID, UUID]) -> None:
    customer, anchor = anna
    request = tell(anchor, "requested", language="nl")
    assert (request.text, request.text_version, request.language) == ("Ja, mail me.", 1, "nl")
    assert not may_contact(customer, 60)
    token = tokens.sign_request(request.id, OTHER)
    with transaction() as cursor:
        given = operations.confirm(cursor, token, secrets=[SECRET, OTHER], at=NOON + timedelta(hours=2))
    assert (given.state, given.text, given.actor) == (ConsentState.GIVEN, "Ja, mail me.", "customer")
    assert (may_contact(customer, 119), may_contact(customer, 120)) == (False, True)
    tell(anchor, "withdrawn", 180)
    with pytest.raises(ConsentLinkUsed), transaction() as cursor:
        operations.confirm(cursor, token, secrets=[OTHER], at=NOON + timedelta(hours=4))
    assert not may_contact(customer, 300)


def test_a_link_expires_and_only_one_of_ours_counts(anna: tuple[UUID, UUID]) -> None:
    customer, anchor = anna
    token = tokens.sign_request(tell(anchor, "requested").id, SECRET)
    late = NOON + timedelta(days=7, seconds=1)
    with pytest.raises(ConsentLinkExpired), transaction() as cursor:
        operations.confirm(cursor, token, secrets=[SECRET], at=late)
    given = tell(anchor, "given", 1)
    other_letter = "B" if token.startswith("A") else "A"
    wrong = (token[:-2], other_letter + token[1:], "", "not one", tokens.sign_request(given.id, SECRET),
             tokens.sign_withdrawal(anchor, "news", "email", SECRET))  # fmt: skip
    for text in wrong:
        with pytest.raises(ConsentLinkInvalid), transaction() as cursor:
            operations.confirm(cursor, text, secrets=[SECRET], at=NOON)
    with pytest.raises(ConsentLinkInvalid), transaction() as cursor:
        operations.confirm(cursor, token, secrets=[OTHER], at=NOON)
    with open_cursor() as cursor:
        assert len(queries.list_changes(cursor, customer)) == 2


def test_the_link_in_a_message_withdraws_for_ever(anna: tuple[UUID, UUID]) -> None:
    customer, anchor = anna
    tell(anchor, "given")
    token = tokens.sign_withdrawal(anchor, "news", "email", SECRET)
    for minute in (10, 11):
        with transaction() as cursor:
            operations.withdraw_by_link(cursor, token, secrets=[SECRET], at=NOON + timedelta(minutes=minute))
    assert (may_contact(customer, 9), may_contact(customer, 10)) == (True, False)
    with pytest.raises(ConsentLinkInvalid), transaction() as cursor:
        operations.withdraw_by_link(cursor, tokens.sign_request(anchor, SECRET), secrets=[SECRET], at=NOON)


def test_late_arrivals_override_nothing_that_happened_after_them(anna: tuple[UUID, UUID]) -> None:
    customer, anchor = anna
    tell(anchor, "withdrawn", 30)
    tell(anchor, "given", 60, occurred_at=NOON + timedelta(minutes=10))
    assert [may_contact(customer, minute) for minute in (9, 10, 29, 30, 90)] == [False, True, True, False, False]


def test_activities_tell_once(anna: tuple[UUID, UUID]) -> None:
    customer, anchor = anna
    told = [
        Told(uuid4(), anchor, "Consent Given", NOON, "shop", {"purpose": "news", "channel": "email", "text": "a\x00b"}),
        Told(uuid4(), anchor, "Unsubscribed", NOON + timedelta(minutes=5), "mail", {}),
        Told(uuid4(), anchor, "Consent Given", NOON, "shop", {"purpose": "news"}),
    ]
    with transaction() as cursor:
        assert operations.take_in(cursor, told, at=NOON) == 2
        assert operations.take_in(cursor, told[::-1], at=NOON) == 0
        changes = queries.list_changes(cursor, customer)
        assert queries.list_contactable(cursor, [customer, uuid4()], "news", "email", at=NOON) == {customer}
    assert [(one.purpose, one.source, one.text, one.activity_id) for one in changes] == [
        ("*", "mail", "", told[1].activity_id),
        ("news", "shop", "ab", told[0].activity_id),
    ]
    assert (may_contact(customer, 0), may_contact(customer, 5)) == (True, False)


def test_the_catalogue_keeps_every_version(anna: tuple[UUID, UUID]) -> None:
    _, anchor = anna
    with transaction() as cursor:
        same = operations.publish_text(cursor, purpose=" News ", channel="E-mail", texts=TEXTS, at=NOON, actor="test")
        new = operations.publish_text(cursor, purpose="news", channel="email", texts={"en": "Do."}, at=NOON, actor="test")
        assert (same.version, new.version) == (1, 2)
        assert [text.version for text in queries.list_texts(cursor) if text.purpose == "news"] == [2, 1]
        with pytest.raises(InvalidConsent):
            operations.publish_text(cursor, purpose="", channel="email", texts=TEXTS, at=NOON, actor="test")
        with pytest.raises(InvalidConsent):
            operations.publish_text(cursor, purpose="news", channel="email", texts={"fr": "Oui"}, at=NOON, actor="test")
    assert tell(anchor, "given").text == "Do."
    assert tell(anchor, "given", text_version=1).text == "Yes, mail me."
    refused = [
        ({"text_version": 3}, UnknownConsent),
        ({"purpose": "other"}, UnknownConsent),
        ({"language": "fr"}, InvalidConsent),
        ({"occurred_at": NOON + timedelta(hours=1)}, InvalidConsent),
    ]
    for more, error in refused:
        with pytest.raises(error):
            tell(anchor, "given", **more)
    assert tell(anchor, "withdrawn", purpose="Never Heard Of", channel="*").purpose == "never-heard-of"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE customers_consentchange SET state = 'given'",
        "UPDATE customers_consentchange SET occurred_at = now()",
        "DELETE FROM customers_consentchange",
        "UPDATE customers_consenttext SET texts = '{}'",
        "DELETE FROM customers_consenttext",
    ],
)
def test_the_application_cannot_edit_a_proof(anna: tuple[UUID, UUID], statement: str) -> None:
    tell(anna[1], "withdrawn")
    with transaction() as cursor:
        cursor.execute("SET LOCAL ROLE stamgast_app")
        cursor.execute("SAVEPOINT before")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            cursor.execute(statement)
        cursor.execute("ROLLBACK TO SAVEPOINT before")
        cursor.execute("INSERT INTO customers_consenttext VALUES ('a', 'b', 1, '{}', now(), '')")
    assert connection.in_atomic_block
