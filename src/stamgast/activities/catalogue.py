"""The catalogue of kinds, compiled: which properties a kind of activity must have, and what is wrong with those that came.

Pure. Where the schemas come from (those that come with the program, and those that people gave in the database) is
``operations.install_kinds``, ``operations.set_schema`` and ``queries.list_kinds``.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NoReturn

import jsonschema_rs
import yaml


@cache
def _document() -> Mapping[str, Any]:
    text = files("stamgast.activities").joinpath("kinds/kinds.yaml").read_text("utf-8")
    document: Mapping[str, Any] = yaml.safe_load(text)
    return document


def builtin_kinds() -> Mapping[str, Mapping[str, Any]]:
    """The kinds that come with the program, each with the schema of its properties."""
    kinds: Mapping[str, Mapping[str, Any]] = _document()["kinds"]
    return kinds


def aliases() -> Mapping[str, str]:
    """Older names of kinds, and the kind that each is stored as."""
    names: Mapping[str, str] = _document()["aliases"]
    return names


class Catalogue:
    """The schemas in force, compiled once. It is never changed: when a schema changes, a new catalogue replaces it."""

    def __init__(self, schemas: Mapping[str, Mapping[str, Any] | None]) -> None:
        self._validators = {
            kind: jsonschema_rs.Draft202012Validator(
                dict(schema),
                retriever=_refuse_to_fetch,
                pattern_options=jsonschema_rs.RegexOptions(),  # linear in the length of the text, whatever the pattern
                mask="the value",
            )
            for kind, schema in schemas.items()
            if schema
        }

    def find_fault(self, kind: str, properties: object) -> str | None:
        """None when the properties keep the kind's schema, else the first fault: where, in words, and what."""
        validator = self._validators.get(kind)
        if validator is None or validator.is_valid(properties):
            return None
        error = next(iter(validator.iter_errors(properties)))
        words = _document()["patterns"].get(getattr(error.kind, "pattern", None))
        return f"{_place(error.instance_path)}: " + (f"the value {words}" if words else error.message)


def builtin_catalogue() -> Catalogue:
    """A catalogue of the kinds that come with the program alone."""
    return Catalogue(builtin_kinds())


def _place(path: list[str | int]) -> str:
    """``["products", 1, "price"]`` gives "properties, products, item 2, price"."""
    return ", ".join(["properties", *(f"item {step + 1}" if isinstance(step, int) else step for step in path)])


def _refuse_to_fetch(address: str) -> NoReturn:
    raise ValueError(f"a schema may not refer to {address}")
