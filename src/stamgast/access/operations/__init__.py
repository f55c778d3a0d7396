"""Writes of the room, one file an act: each inside the caller's transaction."""

from stamgast.access.operations.answers import claim_answer, keep_answer
from stamgast.access.operations.attempts import count_attempt, count_code
from stamgast.access.operations.keys import authenticate_key, create_key, revoke_key, set_limit
from stamgast.access.operations.limits import take_token
from stamgast.access.operations.links import accept_link, create_link, get_invited
from stamgast.access.operations.people import (
    create_staff,
    get_actor,
    keep_password,
    set_active,
    set_language,
    set_password,
    set_role,
)
from stamgast.access.operations.saved_views import change_view, delete_view, keep_view, set_start_view
from stamgast.access.operations.second_factor import (
    check_code,
    new_secret,
    renew_codes,
    reseal_secrets,
    set_second_factor_roles,
    turn_off,
    turn_on,
)
from stamgast.access.operations.sessions import end_sessions
from stamgast.access.operations.sign_in import authenticate_staff, check_own_password
from stamgast.access.operations.trail import record

__all__ = [
    "accept_link",
    "authenticate_key",
    "authenticate_staff",
    "change_view",
    "check_code",
    "check_own_password",
    "claim_answer",
    "count_attempt",
    "count_code",
    "create_key",
    "create_link",
    "create_staff",
    "delete_view",
    "end_sessions",
    "get_actor",
    "get_invited",
    "keep_answer",
    "keep_password",
    "keep_view",
    "new_secret",
    "record",
    "renew_codes",
    "reseal_secrets",
    "revoke_key",
    "set_active",
    "set_language",
    "set_limit",
    "set_password",
    "set_role",
    "set_second_factor_roles",
    "set_start_view",
    "take_token",
    "turn_off",
    "turn_on",
]
