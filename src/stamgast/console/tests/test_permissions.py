"""Each role against each address and method, held against the table. An address without a line fails."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from stamgast.access.operations import create_staff
from stamgast.access.types import Role
from stamgast.activities.types import Source
from stamgast.console.permissions import RULES, VISITOR, may
from stamgast.console.tests import PASSWORD
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ARGUMENTS = {"reference": "user_id:900", "slug": "loyal-customers", "number": 1, "name": "Order Completed"}
"""An example of each argument of an address; an id is one that nobody has."""
HOME = "console:home"


def addresses(prefix: str = "", patterns: list[Any] | None = None, namespace: str = "") -> Iterator[tuple[str, str]]:
    """Name and an example of every address of the console, whatever is added to it."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            within = ":".join(filter(None, (namespace, pattern.namespace)))
            yield from addresses(f"{prefix}{pattern.pattern}", pattern.url_patterns, within)
        elif isinstance(pattern, URLPattern) and namespace != "api":
            route = f"{prefix}{pattern.pattern}"
            for name, converter in pattern.pattern.converters.items():
                kind = type(converter).__name__.removesuffix("Converter").lower()
                example = ARGUMENTS.get(name, uuid.UUID(int=1) if kind == "uuid" else 1 if kind == "int" else "none")
                route = route.replace(f"<{kind}:{name}>", str(example)).replace(f"<{name}>", str(example))
            yield ":".join(filter(None, (namespace, pattern.name))), f"/{route}"


def written() -> list[tuple[object, ...]]:
    """What a refused request could have changed: the trail has a line of every act."""
    with open_cursor() as cursor:
        return cursor.execute("SELECT count(*), max(at) FROM access_trail").fetchall()


def client_of(role: str) -> Client:
    client = Client(raise_request_exception=True)
    if role == VISITOR:
        return client
    with transaction() as cursor:
        create_staff(cursor, email="first@example.org", name="First", password=PASSWORD, at=utc_now(), actor="test")
        email = f"{role}@example.org"
        create_staff(cursor, email=email, name="Somebody", password=PASSWORD, at=utc_now(), actor="test", role=role)
    assert client.post("/sign-in", {"email": email, "password": PASSWORD}).status_code == 302
    return client


def test_every_address_has_a_line_and_every_line_an_address() -> None:
    assert {name for name, _address in addresses()} == set(RULES)


@pytest.mark.parametrize("role", [*Role, VISITOR])
def test_each_role_is_shown_what_the_table_says_and_nothing_else(shop: Source, role: str) -> None:
    client = client_of(role)
    wrong = []
    for name, address in sorted(addresses(), key=lambda one: one[0] == "console:sign_out"):
        for method in METHODS:
            before = written()
            answer = client.generic(method, address)
            roles = RULES.get(name, {}).get(method)
            is_allowed = roles is not None and role in roles
            place = answer.headers.get("Location", "")
            at_the_door = place.startswith("/sign-in") and not name.startswith("console:sign_")
            if is_allowed:
                is_right = answer.status_code in (200, 302, 400, 404, 409, 422) and not at_the_door
                is_right |= name.startswith("console:sign_in") and answer.status_code == 403  # without a password
            elif roles is None:
                is_right = answer.status_code == 405 or (role == VISITOR and at_the_door)
            elif role == VISITOR:
                is_right = at_the_door
            else:
                is_right = answer.status_code == 403 or (name == HOME and answer.status_code == 302)
            if not is_right or (not is_allowed and written() != before):
                wrong.append(f"{method} {address} ({name}): {answer.status_code} {place}")
    assert wrong == []


def test_an_auditor_changes_nothing_but_the_own_account_and_only_an_owner_changes_everything() -> None:
    def changes(role: str) -> set[str]:
        return {name for name, rule in RULES.items() for method in rule if method != "GET" and may(role, name, method)}

    door = {"sign_in", "sign_in_code", "sign_out", "welcome", "language"}
    door |= {"consent_confirm", "consent_withdraw"}  # by the link in a message, whoever is signed in
    own = {"password", "second_factor", "second_factor_off", "recovery_codes", "end_sessions"}
    own |= {"views", "view", "start_view", "delete_view"}  # of their own; what is everybody's is refused by the room
    assert changes(Role.OWNER) == {name for name, rule in RULES.items() if set(rule) != {"GET"}}
    assert changes(VISITOR) == {f"console:{name}" for name in door}
    assert changes(Role.AUDITOR) == {f"console:{name}" for name in door | own}


@pytest.mark.parametrize(
    ("role", "places"),
    [
        (
            Role.OWNER,
            [
                "/",
                "/customers",
                "/segments",
                "/traits",
                "/programme",
                "/ledger",
                "/insights",
                "/sources",
                "/webhooks",
                "/till",
                "/staff",
                "/keys",
                "/trail",
            ],
        ),
        (
            Role.MARKETER,
            ["/", "/customers", "/segments", "/traits", "/programme", "/ledger", "/insights", "/sources", "/webhooks"],
        ),
        (Role.ANALYST, ["/", "/segments", "/traits", "/programme", "/ledger", "/insights", "/sources", "/webhooks"]),
        (Role.AGENT, ["/", "/customers", "/segments", "/traits", "/programme", "/insights", "/till"]),
        (Role.CASHIER, ["/till"]),
        (
            Role.AUDITOR,
            [
                "/",
                "/customers",
                "/segments",
                "/traits",
                "/programme",
                "/ledger",
                "/insights",
                "/sources",
                "/webhooks",
                "/till",
                "/staff",
                "/keys",
                "/trail",
            ],
        ),
    ],
)
def test_the_navigation_leads_where_the_reader_may_go(shop: Source, role: str, places: list[str]) -> None:
    text = client_of(role).get("/account").content.decode()
    navigation = text.partition('<nav aria-label="Main">')[2].partition("</nav>")[0]
    assert re.findall(r'<a href="([^"]+)"', navigation) == places


def test_who_may_not_is_told_so_in_their_language(shop: Source) -> None:
    client = client_of(Role.ANALYST)
    answer = client.get("/customers", headers={"Accept-Language": "nl"})
    assert answer.status_code == 403
    text = answer.content.decode()
    assert "<h1>Dit mag je niet zien</h1>" in text
    assert "Het hoort niet bij je rol, Analist." in text
    part = client.get("/customers", headers={"HX-Request": "true"})
    assert (part.status_code, part.content) == (403, b"You may not see this.")


@pytest.mark.parametrize(
    "address", ["/", "/segments/loyal-customers", "/segments/loyal-customers/members", "/sources", "/sources/kinds"]
)
def test_an_analyst_is_shown_no_name_and_no_identifier(shop: Source, address: str) -> None:
    owner, analyst = client_of(Role.OWNER), Client()
    with transaction() as cursor:
        create_staff(
            cursor, email="ana@example.org", name="Ana", password=PASSWORD, at=utc_now(), actor="test", role=Role.ANALYST
        )
        cursor.execute(
            """
            INSERT INTO segments_stay (segment_id, customer_id, entered_at)
            SELECT segment.slug, customer.id, now() FROM segments_segment AS segment, customers_customer AS customer
            """
        )
    assert analyst.post("/sign-in", {"email": "ana@example.org", "password": PASSWORD}).status_code == 302
    text = analyst.get(address).content.decode()
    for personal in ("Noor", "user_id", "Customer 900", "Visitor 901"):
        assert personal not in text
    if "members" in address:
        assert "Noor" in owner.get(address).content.decode()
