"""Why somebody did something, as it is kept. Pure."""

from stamgast.customers import rules
from stamgast.customers.errors import ReasonMissing

LONGEST_REASON = 500


def required_reason(reason: str) -> str:
    """The reason as it is kept; raises ReasonMissing."""
    kept = rules.storable(reason).strip()[:LONGEST_REASON]
    if not kept:
        raise ReasonMissing("Say why, so that others understand it later. Nothing was changed.")
    return kept
