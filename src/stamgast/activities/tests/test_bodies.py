import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stamgast.activities.bodies import BodyTooLarge, InvalidEncoding, inflate


@given(st.binary(max_size=2_000))
def test_what_was_compressed_comes_out(body: bytes) -> None:
    assert inflate(gzip.compress(body), b"gzip", 2_000) == body
    assert inflate(zlib.compress(body), b" Deflate ", 2_000) == body
    assert inflate(body, b"identity", 2_000) == body


def test_a_gzip_of_several_members() -> None:
    assert inflate(gzip.compress(b"one ") + gzip.compress(b"two"), b"gzip", 7) == b"one two"


def test_a_body_in_thousands_of_pieces_is_an_error() -> None:
    with pytest.raises(InvalidEncoding, match="64 pieces"):
        inflate(gzip.compress(b"") * 25_000, b"gzip", 500 * 1024)


def test_a_small_body_cannot_become_a_large_one() -> None:
    bomb = gzip.compress(b"0" * 100_000_000)
    with pytest.raises(BodyTooLarge):
        inflate(bomb, b"gzip", 500 * 1024)
    with pytest.raises(BodyTooLarge):
        inflate(gzip.compress(b"12345") * 2, b"gzip", 9)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(b"plain", b"gzip"), (gzip.compress(b"cut short", mtime=0)[:-3], b"gzip"), (b"x", b"br"), (b"x", b"gzip, gzip")],
)
def test_what_is_not_as_it_says_is_an_error(body: bytes, encoding: bytes) -> None:
    with pytest.raises(InvalidEncoding):
        inflate(body, encoding, 100)
