"""The programme's editor as a form that is sent."""

import html
import re

from django.test import Client

ADDRESS = "/programme/edit"


def send_form(client: Client, act: str, *, draft: str, language: str = "en", **fields: object) -> tuple[str, str]:
    """What the page answers, and the document that stands in it."""
    sent = {"draft": draft, "after": "1", "act": act, **fields}
    answer = client.post(ADDRESS, sent, headers={"Accept-Language": language}).content.decode()
    typed = re.search(r'<textarea[^>]* id="document"[^>]*>(.*?)</textarea>', answer, re.DOTALL)
    assert typed is not None
    return answer, html.unescape(typed[1])


def is_said_at(answer: str, field: str, said: str) -> bool:
    """Whether the page says this of what was sent, and marks this field of the form and no other."""
    marked = re.findall(r'<(?:input|select)[^>]* name="([^"]*)"[^>]* aria-invalid="true" aria-describedby="problem"', answer)
    return said in html.unescape(answer) and marked == [field]


def open_in(answer: str, kind: str) -> list[str]:
    """The fields with the names of the folded parts of this kind that are open."""
    return re.findall(rf'data-fold="{kind}" data-named="([^"]*)" open>', answer)
