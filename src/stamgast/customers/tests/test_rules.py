"""Identifiers written one way, and the clusters that evidence makes of them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stamgast.customers import rules
from stamgast.customers.clusters import cluster
from stamgast.customers.types import Evidence, Identifier, Sighting

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("email", " Anna.B+shop@Example.ORG ", "anna.b+shop@example.org"),
        ("email", "é@münchen.de", "é@münchen.de"),
        ("email", "STRASSE@example.org", "strasse@example.org"),
        ("email", "straße@example.org", "straße@example.org"),
        ("email", "no-reply@example.org", None),
        ("email", "noreply+7@example.org", None),
        ("email", "anna", None),
        ("email", "anna@localhost", None),
        ("email", 12, None),
        ("phone", "06 12 34 56 78", "+31612345678"),
        ("phone", "0031612345678", "+31612345678"),
        ("phone", "+1 (212) 555-0123", "+12125550123"),
        ("phone", 612345678, "+31612345678"),
        ("phone", "0000000000", None),
        ("phone", "0611111111", None),
        ("phone", "020 1234567 ext. 5", None),
        ("phone", "12", None),
        ("user_id", 900, "900"),
        ("user_id", " 900\n", "900"),
        ("user_id", "A b", "A b"),
        ("user_id", "0", None),
        ("user_id", "00000000-0000-0000-0000-000000000000", None),
        ("user_id", "-1", None),
        ("user_id", "", None),
        ("user_id", True, None),
        ("user_id", None, None),
        ("user_id", 1.0, None),
        ("user_id", 10**40, None),
        ("user_id", "a\x00b", None),
        ("user_id", "\ud800", None),
        ("user_id", "x" * 500, "x" * 500),
        ("user_id", "x" * 501, None),
        ("anonymous_id", "NULL", None),
        ("anonymous_id", "[object Object]", None),
        ("card_number", "0012", "0012"),
        ("a:b", "12", None),
        ("", "12", None),
    ],
)
def test_an_identifier_is_written_one_way_or_is_none(kind: str, value: object, expected: str | None) -> None:
    assert rules.normalise_identifier(kind, value, region="NL") == expected


def test_a_telephone_number_without_a_country_needs_a_region() -> None:
    assert rules.normalise_identifier("phone", "0612345678", region=None) is None
    assert rules.normalise_identifier("phone", "+31612345678", region=None) == "+31612345678"


@given(st.sampled_from(("email", "phone", "user_id", "anonymous_id", "card_number")), st.text() | st.emails() | st.integers())
def test_what_is_normalised_stays_as_it_is(kind: str, value: object) -> None:
    once = rules.normalise_identifier(kind, value, region="NL")
    if once is not None:
        assert rules.normalise_identifier(kind, once, region=None) == once
        assert rules.split_identifier(rules.identifier_text(kind, once)) == (kind, once)
        assert rules.storable(once) == once


def test_the_anchor_is_the_strongest_kind_and_the_first_of_equals() -> None:
    assert rules.anchor(["anonymous_id:x", "phone:+31", "email:a", "loyalty:1", "card_number:2", "user_id:9"]) == "user_id:9"
    assert rules.anchor(["anonymous_id:x", "email:a", "loyalty:1", "card_number:2"]) == "loyalty:1"
    assert rules.anchor(["anonymous_id:x", "phone:+31"]) == "phone:+31"
    with pytest.raises(ValueError, match="empty"):
        rules.anchor([])


def identify(*texts: str) -> dict[str, UUID]:
    return {text: rules.id_of(text) for text in texts}


def clusters_of(*edges: tuple[str, str, int, bool], limits: dict[str, int]) -> set[frozenset[str]]:
    ids = identify(*{end for edge in edges for end in edge[:2]})
    names = {key: text for text, key in ids.items()}
    evidence = [
        Evidence(ids[one], ids[other], START + timedelta(minutes=minute), UUID(int=minute), is_explicit)
        for one, other, minute, is_explicit in edges
    ]
    kinds = {key: text.split(":")[0] for text, key in ids.items()}
    return {frozenset(names[key] for key in found) for found in cluster(evidence, kinds, limits)}


def test_the_earlier_evidence_wins_where_a_limit_forces_a_choice() -> None:
    edges = [("user_id:1", "email:a", 1, False), ("user_id:2", "email:a", 2, False)]
    assert clusters_of(*edges, limits={"user_id": 1}) == {frozenset({"user_id:1", "email:a"}), frozenset({"user_id:2"})}
    assert clusters_of(*edges, limits={"user_id": 2}) == {frozenset({"user_id:1", "user_id:2", "email:a"})}
    later = [("user_id:1", "email:a", 3, False), edges[1]]
    assert clusters_of(*later, limits={"user_id": 1}) == {frozenset({"user_id:2", "email:a"}), frozenset({"user_id:1"})}


def test_explicit_evidence_goes_first_and_is_never_refused() -> None:
    edges = [("user_id:1", "email:a", 1, False), ("user_id:2", "email:a", 2, False), ("user_id:2", "user_id:1", 9, True)]
    assert clusters_of(*edges, limits={"user_id": 1}) == {frozenset({"user_id:1", "user_id:2", "email:a"})}


def test_a_limit_of_any_kind_holds() -> None:
    edges = [("user_id:1", f"email:{name}", place, False) for place, name in enumerate("abc")]
    assert clusters_of(*edges, limits={"email": 2}) == {frozenset({"user_id:1", "email:a", "email:b"}), frozenset({"email:c"})}


def test_only_the_previous_id_of_an_alias_is_explicit() -> None:
    texts = ("user_id:2", "user_id:old", "anonymous_id:old", "anonymous_id:till", "email:old")
    alias = Sighting(UUID(int=1), START, START, texts, "shop", is_explicit=True)
    ids = identify(*texts)
    explicit = {one.second_id: one.is_explicit for one in rules.evidence_of(alias, ids)}
    assert explicit == {
        ids["user_id:old"]: True,
        ids["anonymous_id:old"]: True,
        ids["anonymous_id:till"]: False,
        ids["email:old"]: False,
    }


def member(text: str, minute: int, customer: int | None) -> Identifier:
    kind, value = text.split(":")
    return Identifier(
        rules.id_of(text), kind, value, START + timedelta(minutes=minute), UUID(int=customer) if customer else None
    )


def test_a_cluster_carries_on_the_customer_of_its_strongest_member() -> None:
    cluster = [member("anonymous_id:x", 1, 1), member("user_id:9", 5, 2), member("email:a", 2, None)]
    ((customer, members),) = rules.assign([cluster])
    assert customer == UUID(int=2)
    assert [one.value for one in members] == ["9", "x", "a"]


def test_two_clusters_of_one_customer_share_it_out_by_strength() -> None:
    one = [member("email:a", 1, 1), member("anonymous_id:x", 9, 3)]
    two = [member("user_id:9", 5, 1)]
    assigned = {members[0].value: customer for customer, members in rules.assign([one, two])}
    assert assigned == {"9": UUID(int=1), "a": UUID(int=3)}
    assigned = {members[0].value: customer for customer, members in rules.assign([one[:1], two])}
    assert assigned == {"9": UUID(int=1), "a": None}
