"""Writes of the books, one file an act, each inside the caller's transaction."""

from stamgast.books.operations.key import open_signing_key, reseal_signing_key
from stamgast.books.operations.value import set_valuation

__all__ = ["open_signing_key", "reseal_signing_key", "set_valuation"]
