"""Writes of the ledger, one file an act, each inside the caller's transaction at READ COMMITTED.

The order of locks is the same in all of them: balances by bucket, owner and currency; lots only under their balance's lock.
"""

from stamgast.ledger.operations.carry import lift, list_chosen, place
from stamgast.ledger.operations.expire import expire_due
from stamgast.ledger.operations.perform import find_answer, perform
from stamgast.ledger.operations.post import post
from stamgast.ledger.operations.seal import fold, seal
from stamgast.ledger.operations.settle import settle_due

__all__ = ["expire_due", "find_answer", "fold", "lift", "list_chosen", "perform", "place", "post", "seal", "settle_due"]
