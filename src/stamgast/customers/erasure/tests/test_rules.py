"""The key of the tombstones and what it makes of identifiers."""

from hypothesis import given
from hypothesis import strategies as st

from stamgast.customers.erasure.rules import pseudonym_of_order, tombstone_of, unwrap_key, wrap_key

KEYS, SECRETS = st.binary(min_size=32, max_size=32), st.text(min_size=1, max_size=60)


@given(KEYS, SECRETS, SECRETS, st.binary(min_size=16, max_size=16))
def test_a_key_comes_out_with_its_secret_and_with_no_other(key: bytes, secret: str, other: str, nonce: bytes) -> None:
    stored = wrap_key(key, secret, nonce)
    assert unwrap_key(stored, [other, secret]) == (key, 0 if other == secret else 1)
    assert key not in (stored.wrapped, stored.check)
    if other != secret:
        assert unwrap_key(stored, [other]) is None
    assert unwrap_key(stored, []) is None


@given(KEYS, KEYS, st.text(), st.text())
def test_an_identifier_is_known_by_its_key_only(key: bytes, other: bytes, one: str, two: str) -> None:
    assert (tombstone_of(one, key) == tombstone_of(two, key)) == (one == two)
    assert (tombstone_of(one, key) == tombstone_of(one, other)) == (key == other)


@given(KEYS, st.text(min_size=1))
def test_an_order_number_becomes_the_same_however_often(key: bytes, order_id: str) -> None:
    once = pseudonym_of_order(order_id, key)
    assert pseudonym_of_order(once, key) == once
    assert order_id.startswith("erased-") or order_id not in once or len(order_id) < 6
