from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stamgast.access.rules import digest_of, format_key, is_key, subject_of, wait_after


def test_key_of_known_bytes() -> None:
    assert format_key(bytes(32)) == "sgk_000000000000000000000000000000000000000000049GfYP"
    assert format_key(b"\xff" * 32) == "sgk_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp11KznMf"


@given(st.binary(min_size=32, max_size=32))
def test_every_key_is_one_and_no_changed_key_is(random: bytes) -> None:
    key = format_key(random)
    assert len(key) == 53
    assert is_key(key)
    for place in (4, 20, 46, 47, 52):
        other = "a" if key[place] != "a" else "b"
        assert not is_key(key[:place] + other + key[place + 1 :])


@pytest.mark.parametrize("text", ["", "sgk_", "sgw_" + "0" * 49, "sgk_" + "é" * 49, "Sgk_" + "0" * 49, "sgk_" + "0" * 50])
def test_what_is_no_key(text: str) -> None:
    assert not is_key(text)


def test_digest_is_sha_256() -> None:
    assert digest_of("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_subject_ignores_case_and_blanks_and_separates_kinds() -> None:
    assert subject_of("account", " A@Example.org ") == subject_of("account", "a@example.org")
    assert subject_of("account", "10.0.0.1") != subject_of("address", "10.0.0.1")


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 0), (5, 0), (6, 1), (7, 2), (8, 4), (9, 8), (15, 512), (16, 900), (1000, 900), (10**9, 900)]
)
def test_wait_doubles_after_the_free_attempts(attempts: int, seconds: int) -> None:
    assert wait_after(attempts, free=5) == timedelta(seconds=seconds)
