"""Files that are sent while they are written, read by a test."""

from typing import Any

from asgiref.sync import async_to_sync


def text_of(answer: Any) -> str:
    """The whole of a streamed answer."""

    async def whole() -> str:
        return "".join([piece.decode() async for piece in answer.streaming_content])

    return async_to_sync(whole)()
