"""CSV is sent while it is written: a page is read when the one before has gone out, in the language of who asked."""

from collections.abc import Iterator
from typing import Any

from asgiref.sync import async_to_sync
from django.utils import translation
from django.utils.translation import gettext

from stamgast.console.files import stream_csv


def test_a_page_is_read_when_the_one_before_has_gone_out_and_none_is_a_formula() -> None:
    read: list[int] = []

    def pages() -> Iterator[list[list[Any]]]:
        for number in range(3):
            read.append(number)
            yield [[number, gettext("Customers"), "=1+1"]]

    async def follow(answer: Any) -> list[tuple[str, int]]:
        return [(piece.decode(), len(read)) async for piece in answer.streaming_content]

    with translation.override("nl"):
        answer = stream_csv("all.csv", ["number", "word", "sum"], pages())
    assert read == []
    assert async_to_sync(follow)(answer) == [
        ("number,word,sum\r\n", 0),
        ("0,Klanten,'=1+1\r\n", 1),
        ("1,Klanten,'=1+1\r\n", 2),
        ("2,Klanten,'=1+1\r\n", 3),
    ]
    assert answer["Content-Disposition"] == 'attachment; filename="all.csv"'
