"""Writes of the room: each inside the caller's transaction."""

from stamgast.webhooks.operations.delivering import claim_due, settle, sweep
from stamgast.webhooks.operations.endpoints import (
    create_endpoint,
    delete_endpoint,
    edit_endpoint,
    reseal_endpoints,
    rotate_secret,
    switch,
)
from stamgast.webhooks.operations.outbox import list_wanted_kinds, resend, resend_failed, send_test, write_events

__all__ = [
    "claim_due",
    "create_endpoint",
    "delete_endpoint",
    "edit_endpoint",
    "list_wanted_kinds",
    "reseal_endpoints",
    "resend",
    "resend_failed",
    "rotate_secret",
    "send_test",
    "settle",
    "sweep",
    "switch",
    "write_events",
]
