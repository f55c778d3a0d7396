"""Cursor paging: every list is a page with an opaque cursor to the next."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from stamgast.kit.errors import StamgastError

LARGEST_PAGE = 500
DEFAULT_PAGE = 50
Row = TypeVar("Row")


class InvalidCursor(StamgastError):
    """The cursor was not made by this list."""

    code = "invalid_cursor"


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows and the cursor of the rows after them, or None at the end."""

    rows: Sequence[Row]
    next_cursor: str | None


def encode_cursor(*key: str | int) -> str:
    """The sort key of a page's last row, as text that is safe in a URL."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def decode_cursor(cursor: str, *types: type) -> tuple[str | int, ...]:
    """The sort key back from its text; raises InvalidCursor when the number or types of its parts differ."""
    try:
        key = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, msgspec.DecodeError, UnicodeError, ValueError):
        raise InvalidCursor("This cursor is not one of ours. Start again without it.") from None
    if not isinstance(key, list) or len(key) != len(types) or not all(map(isinstance, key, types)):
        raise InvalidCursor("This cursor belongs to another list. Start again without it.")
    return tuple(key)


def page_of(rows: Sequence[Row], limit: int, key: Callable[[Row], tuple[str | int, ...]]) -> Page[Row]:
    """A page from at most ``limit + 1`` rows that were read: the extra one only says that there are more."""
    if len(rows) <= limit:
        return Page(rows, None)
    kept = rows[:limit]
    return Page(kept, encode_cursor(*key(kept[-1])))
