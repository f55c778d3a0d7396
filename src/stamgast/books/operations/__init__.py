"""Writes of the books, one file an act, each inside the caller's transaction."""

from stamgast.books.operations.audits import beat_audit, claim_audit, end_audit, pause_audit, stop_audit, want_audit
from stamgast.books.operations.key import open_signing_key, reseal_signing_key
from stamgast.books.operations.partners import add_partner, close_partner, open_partner
from stamgast.books.operations.value import set_valuation

__all__ = [
    "add_partner",
    "beat_audit",
    "claim_audit",
    "close_partner",
    "end_audit",
    "open_partner",
    "open_signing_key",
    "pause_audit",
    "reseal_signing_key",
    "set_valuation",
    "stop_audit",
    "want_audit",
]
