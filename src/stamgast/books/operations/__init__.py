"""Writes of the books, one file an act, each inside the caller's transaction."""

from stamgast.books.operations.value import set_valuation

__all__ = ["set_valuation"]
