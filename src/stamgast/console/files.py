"""Files of any size: CSV that is sent while it is written."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Any

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from django.utils import translation

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def stream_csv(name: str, heads: Sequence[str], pages: Iterator[Sequence[Sequence[Any]]]) -> StreamingHttpResponse:
    """A file of this name, a page of rows at a time, in the language of who asks.

    Pages are read while they are sent, so what reads them opens cursors of its own.
    """
    response = StreamingHttpResponse(_sent(heads, pages, translation.get_language() or "en"))
    response["Content-Type"] = "text/csv; charset=utf-8"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def written(rows: Iterable[Sequence[Any]]) -> str:
    """Lines of CSV. A text that a spreadsheet would take for a formula gets an apostrophe before it."""
    told = io.StringIO()
    csv.writer(told).writerows(
        [f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell for cell in row] for row in rows
    )
    return told.getvalue()


async def _sent(heads: Sequence[str], pages: Iterator[Sequence[Sequence[Any]]], language: str) -> AsyncIterator[str]:
    """Asynchronous, because the server would gather an ordinary iterator before it sends it."""
    yield written([heads])
    while (text := await sync_to_async(_next)(pages, language)) is not None:
        if text:
            yield text


def _next(pages: Iterator[Sequence[Sequence[Any]]], language: str) -> str | None:
    """The next page as text; the request is over by then, and its language with it."""
    with translation.override(language):
        page = next(pages, None)
        return None if page is None else written(page)
