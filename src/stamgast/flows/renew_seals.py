"""After the secret of the installation was replaced: what the former one sealed is sealed with the present one."""

from collections.abc import Sequence
from datetime import datetime

from stamgast.access.operations import reseal_secrets
from stamgast.customers.erasure.errors import ErasureKeyLost
from stamgast.customers.erasure.operations import open_key
from stamgast.customers.erasure.queries import find_wrapped_key
from stamgast.kit.database import transaction
from stamgast.webhooks.operations import reseal_endpoints


def renew_seals(secrets: Sequence[str], *, at: datetime, actor: str) -> None:
    """Second factors, secrets of webhooks, and the key of the tombstones where there is one. Doing it again changes nothing.

    A key that none of the secrets opens is left as it is: whoever needs it says so, and a start is not refused for it.
    """
    with transaction() as cursor:
        reseal_secrets(cursor, at=at, actor=actor)
        reseal_endpoints(cursor)
    try:
        with transaction() as cursor:
            if find_wrapped_key(cursor) is not None:
                open_key(cursor, secrets)
    except ErasureKeyLost:
        return
