"""Pure decisions: what a key looks like, and how long to wait after failed sign-ins."""

import hashlib
import math
import string
import zlib
from datetime import timedelta

from stamgast.access.errors import InvalidLimit
from stamgast.access.types import Rate

DEFAULT_LIMIT_PER_MINUTE = 6_000
LARGEST_LIMIT_PER_MINUTE = 10_000_000
KEY_PREFIX = "sgk_"
KEY_BYTES = 32
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_BODY_LENGTH = 43  # 62 ** 43 > 2 ** 256
_CHECK_LENGTH = 6  # 62 ** 6 > 2 ** 32
FREE_ATTEMPTS_OF_ACCOUNT = 5
FREE_ATTEMPTS_OF_ADDRESS = 20  # a shop's people share one address
LONGEST_WAIT = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(days=1)


def format_key(random: bytes) -> str:
    """A key from 32 random bytes: the prefix, the bytes in base 62, and a checksum by which a scanner tells it from noise."""
    if len(random) != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} random bytes")
    body = KEY_PREFIX + _in_base_62(int.from_bytes(random, "big"), _BODY_LENGTH)
    return body + _checksum(body)


def is_key(text: str) -> bool:
    """Whether this has the shape and the checksum of a key. Says nothing about whether it is in force."""
    length = len(KEY_PREFIX) + _BODY_LENGTH + _CHECK_LENGTH
    if len(text) != length or not text.startswith(KEY_PREFIX) or not text.isascii():
        return False
    return _checksum(text[:-_CHECK_LENGTH]) == text[-_CHECK_LENGTH:]


def digest_of(key: str) -> bytes:
    """What is stored of a key. 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(key.encode()).digest()


def subject_of(kind: str, value: str) -> str:
    """An account or an address under which attempts are counted, not readable as such."""
    return hashlib.sha256(f"{kind}\x1f{value.strip().casefold()}".encode()).hexdigest()


def wait_after(attempts: int, free: int) -> timedelta:
    """How long after the ``attempts``-th failure in a row: nothing for the free ones, then 1, 2, 4 … seconds."""
    if attempts <= free:
        return timedelta(0)
    return min(timedelta(seconds=2 ** min(attempts - free - 1, 30)), LONGEST_WAIT)


def check_limit(limit_per_minute: int) -> None:
    """Raises InvalidLimit."""
    if not 1 <= limit_per_minute <= LARGEST_LIMIT_PER_MINUTE:
        raise InvalidLimit(f"A key's limit is a number of requests a minute, from 1 to {LARGEST_LIMIT_PER_MINUTE:,}.")


def describe_rate(limit_per_minute: int, tokens: float, *, is_refused: bool) -> Rate:
    """What to tell a key about its bucket, which holds a minute's requests and fills evenly.

    >>> describe_rate(60, 58.5, is_refused=False)
    Rate(limit_per_minute=60, remaining=58, reset_seconds=2, retry_after_seconds=None)
    >>> describe_rate(6, 0.5, is_refused=True).retry_after_seconds
    5
    """
    seconds_per_token = 60 / limit_per_minute
    return Rate(
        limit_per_minute,
        max(math.floor(tokens), 0),
        math.ceil((limit_per_minute - tokens) * seconds_per_token),
        max(math.ceil((1 - tokens) * seconds_per_token), 1) if is_refused else None,
    )


def _checksum(body: str) -> str:
    return _in_base_62(zlib.crc32(body.encode()), _CHECK_LENGTH)


def _in_base_62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
