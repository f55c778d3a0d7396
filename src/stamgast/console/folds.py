"""The parts of the programme's form that fold to a line. What stood open stays open when the form is drawn again. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.http import QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString


@dataclass(frozen=True, slots=True)
class Fold:
    """A part of the form: ``label`` and ``said`` are its line. It is known by its kind and by the name that stands in the field
    ``named``, because places change with what comes and goes."""

    kind: str
    id: str
    label: str
    said: str
    is_open: bool
    named: str = ""

    @property
    def attributes(self) -> SafeString:
        """What its element says of it: ``<details{{ fold.attributes }}>``."""
        named = format_html(' data-named="{}"', self.named) if self.named else ""
        return format_html(' data-fold="{}"{}{}', self.kind, named, SafeString(" open" if self.is_open else ""))


@dataclass(frozen=True, slots=True)
class Opened:
    """What stood ``open`` in the form that was sent, and the field in which something is ``wrong``."""

    open: frozenset[str]
    wrong: str

    @classmethod
    def of(cls, sent: QueryDict, wrong: str, *, added: Iterable[str] = ()) -> "Opened":
        """What came with the form, and what was ``added`` by it."""
        return cls(frozenset(_spaced(one) for one in (*sent.getlist("open"), *added)), wrong)

    def has(self, kind: str, name: str, fields: Sequence[str]) -> bool:
        """Whether a part is open: it was, or what is wrong stands in one of its ``fields``, alone or with a place behind it."""
        is_wrong = any(self.wrong == field or self.wrong.startswith(f"{field} ") for field in fields)
        return is_wrong or _spaced(f"{kind} {name}") in self.open


def _spaced(text: str) -> str:
    return " ".join(text.split())
