"""Arrays of ids on their way to the server, in binary and many at a time.

Thousands of ids go with every batch. Dumped one by one they take longer than the statement that they are for, and as text the
server takes longer to read them than to find their rows.
"""

from collections.abc import Sequence
from struct import Struct
from typing import Any
from uuid import UUID

import psycopg
from psycopg.abc import Buffer
from psycopg.types.array import ListBinaryDumper
from psycopg.types.uuid import UUIDBinaryDumper

_UUID = psycopg.adapters.types["uuid"]
_HEAD, _SIZE = Struct(">iiI"), Struct(">ii")
_LENGTH, _NONE = (16).to_bytes(4, "big"), b"\xff\xff\xff\xff"


class IdArray(bytes):
    """An array of ids as the server reads it."""


def id_array(values: Sequence[bytes | None]) -> IdArray:
    """An array of ids of 16 bytes each."""
    if not values:
        return IdArray(_HEAD.pack(0, 0, _UUID.oid))
    fields = [_NONE if value is None else _LENGTH + value for value in values]
    return IdArray(_HEAD.pack(1, 1, _UUID.oid) + _SIZE.pack(len(values), 1) + b"".join(fields))


class _IdArrayDumper(psycopg.adapt.Dumper):
    format = psycopg.pq.Format.BINARY
    oid = _UUID.array_oid

    def dump(self, obj: IdArray) -> IdArray:
        return obj


class _ListDumper(ListBinaryDumper):
    def dump(self, obj: list[Any]) -> Buffer | None:
        if isinstance(self.sub_dumper, UUIDBinaryDumper) and isinstance(obj[0], UUID | None):
            return id_array([None if value is None else value.bytes for value in obj])
        return super().dump(obj)


def register() -> None:
    """Makes every connection from here on dump ids so."""
    psycopg.adapters.register_dumper(IdArray, _IdArrayDumper)
    psycopg.adapters.register_dumper(list, _ListDumper)
