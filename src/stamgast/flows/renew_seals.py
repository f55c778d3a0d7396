"""After the secret of the installation was replaced: what the former one sealed is sealed with the present one."""

from collections.abc import Sequence
from datetime import datetime

from stamgast.access.operations import reseal_secrets
from stamgast.books.operations import reseal_signing_key
from stamgast.customers.erasure.errors import ErasureKeyLost
from stamgast.customers.erasure.operations import open_key
from stamgast.customers.erasure.queries import find_wrapped_key
from stamgast.kit.database import transaction
from stamgast.webhooks.operations import reseal_endpoints


def renew_seals(secrets: Sequence[str], *, at: datetime, actor: str) -> None:
    """Second factors, secrets of webhooks, and the keys of checkpoints and tombstones where there are any.

    Doing it again changes nothing.

    A key that none of the secrets opens is left as it is: whoever needs it says so, and a start is not refused for it.
    """
    with transaction() as cursor:
        reseal_secrets(cursor, at=at, actor=actor)
        reseal_endpoints(cursor)
        reseal_signing_key(cursor)
    try:
        with transaction() as cursor:
            if find_wrapped_key(cursor) is not None:
                open_key(cursor, secrets)
    except ErasureKeyLost:
        return
