"""Writes of customers, one business act a file. Each runs inside the caller's transaction.

How evidence and judgements become customers is decided in ``clusters``; why looking at the touched customers alone gives the
same answer as looking at everything is in ``docs/algorithms/identity.md``.
"""

from stamgast.customers.operations.judge import judge, withdraw
from stamgast.customers.operations.reread import gather_evidence, lock_owners, recluster, replace_evidence
from stamgast.customers.operations.resolve import lock_customers, lock_unmerged, resolve, set_seen

__all__ = [
    "gather_evidence",
    "judge",
    "lock_customers",
    "lock_owners",
    "lock_unmerged",
    "recluster",
    "replace_evidence",
    "resolve",
    "set_seen",
    "withdraw",
]
