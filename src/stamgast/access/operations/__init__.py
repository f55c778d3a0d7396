"""Writes of the room, one file an act: each inside the caller's transaction."""

from stamgast.access.operations.answers import claim_answer, keep_answer
from stamgast.access.operations.attempts import count_attempt
from stamgast.access.operations.keys import authenticate_key, create_key, revoke_key, set_limit
from stamgast.access.operations.limits import take_token
from stamgast.access.operations.people import create_staff, set_password
from stamgast.access.operations.sign_in import authenticate_staff
from stamgast.access.operations.trail import record

__all__ = [
    "authenticate_key",
    "authenticate_staff",
    "claim_answer",
    "count_attempt",
    "create_key",
    "create_staff",
    "keep_answer",
    "record",
    "revoke_key",
    "set_limit",
    "set_password",
    "take_token",
]
