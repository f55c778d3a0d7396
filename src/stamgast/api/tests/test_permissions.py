"""Each address of the API with each method and each scope, held against the table. An address without a line fails."""

import re
from collections.abc import Iterator

import pytest

from stamgast.access.operations import create_key
from stamgast.access.types import Scope
from stamgast.api.permissions import RULES, scope_of
from stamgast.api.v1 import api
from stamgast.kit.database import transaction

from .conftest import NOW

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
OPEN = {"openapi-json"}  # the description of the API; it names no customer
ID = "00000000-0000-0000-0000-000000000001"


def addresses() -> Iterator[tuple[str, str]]:
    for pattern in api.urls[0]:
        if pattern.name != "api-root":
            yield pattern.name, "/v1/" + re.sub(r"<uuid:\w+>", ID, re.sub(r"<(?!uuid)[\w:]+>", "none", str(pattern.pattern)))


def test_every_address_has_a_line_and_every_line_an_address() -> None:
    assert {name for name, _address in addresses()} == set(RULES) | OPEN


def test_every_operation_has_a_line_for_its_method() -> None:
    missing = []
    for _prefix, router in api._routers:
        for path, view in router.path_operations.items():
            name = api.get_operation_url_name(view.operations[0], router=router)
            missing += [
                f"{method} {path}"
                for operation in view.operations
                for method in operation.methods
                if scope_of(operation.__dict__.get("url_name") or name, method) is None
            ]
    assert missing == []


def test_every_operation_that_writes_may_be_sent_again() -> None:
    forgotten = [
        f"{method} {path}"
        for _prefix, router in api._routers
        for path, view in router.path_operations.items()
        for operation in view.operations
        for method in operation.methods
        if method != "GET" and not getattr(operation.view_func, "is_idempotent", False)
    ]
    assert forgotten == []


@pytest.mark.parametrize("scope", [*Scope, "", "revoked"])
def test_each_scope_opens_what_the_table_says_and_nothing_else(shop, client, scope) -> None:
    headers = {}
    if scope:
        with transaction() as cursor:
            key, text = create_key(cursor, "test", ["*" if scope == "revoked" else scope], at=NOW, actor="test")
            if scope == "revoked":
                cursor.execute("UPDATE access_apikey SET revoked_at = %s WHERE id = %s", (NOW, key.id))
        headers = {"authorization": f"Bearer {text}"}
    wrong = []
    for name, address in addresses():
        for method in METHODS:
            answer = client.generic(method, address, data="{}", content_type="application/json", headers=headers)
            needed = scope_of(name, method)
            if name in OPEN or needed is None:
                expected = (200, 405) if name in OPEN else (405,)
            elif scope in ("", "revoked"):
                expected = (401,)
            else:
                expected = (200, 201, 202, 204, 400, 404, 409, 422) if scope in (needed, Scope.EVERYTHING) else (403,)
            if answer.status_code not in expected:
                wrong.append(f"{method} {address} ({name}): {answer.status_code}, not {expected}")
    assert wrong == []


def test_what_has_no_line_is_refused_whatever_the_key(shop, get, monkeypatch) -> None:
    monkeypatch.setattr("stamgast.api.permissions.RULES", {})
    answer = get("/v1/segments")
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
