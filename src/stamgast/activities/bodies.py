"""Request bodies as they come over the line: decompressed within a bound. Pure."""

import zlib

MOST_MEMBERS = 64
_WINDOW = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}


class BodyTooLarge(Exception):
    """The body is larger than a request may be."""


class InvalidEncoding(Exception):
    """The body is not what its Content-Encoding says."""


def inflate(body: bytes, encoding: bytes, most: int) -> bytes:
    """The body without its ``Content-Encoding``, at most ``most`` bytes of it ever in memory."""
    name = encoding.strip().lower()
    if name in (b"", b"identity"):
        return body
    if name not in _WINDOW:
        raise InvalidEncoding("The Content-Encoding is gzip, deflate or none.")
    parts: list[bytes] = []
    size = 0
    rest = body
    members = 0
    while rest:
        members += 1
        if members > MOST_MEMBERS:  # thousands of empty ones would each cost a copy of what follows
            raise InvalidEncoding(f"The body is in more than {MOST_MEMBERS} pieces.")
        member = zlib.decompressobj(_WINDOW[name])
        try:
            part = member.decompress(rest, most + 1 - size)
        except zlib.error:
            raise InvalidEncoding(f"The body is not {name.decode()}.") from None
        size += len(part)
        if size > most:
            raise BodyTooLarge
        if not member.eof:
            raise InvalidEncoding(f"The {name.decode()} body ends too early.")
        parts.append(part)
        rest = member.unused_data  # a gzip file may be several, one after the other
    return b"".join(parts)
