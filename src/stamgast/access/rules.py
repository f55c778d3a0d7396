"""Pure decisions: what a key looks like, and how long to wait after failed sign-ins."""

import base64
import hashlib
import math
import string
import zlib
from datetime import datetime, timedelta

from stamgast.access.errors import InvalidLimit
from stamgast.access.types import Rate

DEFAULT_LIMIT_PER_MINUTE = 6_000
LARGEST_LIMIT_PER_MINUTE = 10_000_000
LINK_VALID_FOR = timedelta(hours=48)
LONGEST_IDLE = timedelta(hours=12)
LONGEST_SESSION = timedelta(days=7)
RECOVERY_BYTES = 10
RECOVERY_CODES = 10
TOTP_SECONDS = 30
TOTP_STEPS_ASIDE = 1  # clocks differ
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


def link_digest_of(token: str) -> bytes:
    """What is stored of a one-time link. Its 256 random bits need no salt."""
    return hashlib.sha256(b"link\x1f" + token.encode()).digest()


def format_recovery_code(random: bytes) -> str:
    """80 random bits as four groups of four, in letters and digits that nobody mistakes for each other.

    >>> format_recovery_code(bytes(10))
    'aaaa-aaaa-aaaa-aaaa'
    """
    if len(random) != RECOVERY_BYTES:
        raise ValueError(f"a recovery code has {RECOVERY_BYTES} random bytes")
    text = base64.b32encode(random).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))


def recovery_digest_of(staff: int, code: str) -> bytes:
    """What is stored of a recovery code, however its blanks and hyphens are typed."""
    plain = "".join(letter for letter in code.casefold() if letter.isalnum())
    return hashlib.sha256(f"recovery\x1f{staff}\x1f{plain}".encode()).digest()


def totp_step_at(at: datetime) -> int:
    """The half minute that a moment is in: the counter of RFC 6238."""
    return int(at.timestamp()) // TOTP_SECONDS


def is_session_over(started_at: datetime, last_seen_at: datetime, at: datetime) -> bool:
    """Whether nobody looked for too long, or the session has lasted long enough."""
    return at - last_seen_at > LONGEST_IDLE or at - started_at > LONGEST_SESSION


def _checksum(body: str) -> str:
    return _in_base_62(zlib.crc32(body.encode()), _CHECK_LENGTH)


def _in_base_62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
