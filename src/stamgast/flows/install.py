"""What a fresh installation begins with: the known kinds, a first programme and the segment of loyal customers."""

from datetime import datetime

from stamgast.activities.operations import install_kinds
from stamgast.kit.database import transaction
from stamgast.programmes.documents import default_document
from stamgast.programmes.operations import publish
from stamgast.programmes.queries import find_programme
from stamgast.segments.operations import define_segment

BEGINNING = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def install(*, timezone: str, at: datetime, actor: str) -> None:
    """Fills the catalogue of kinds, publishes the default programme, in force since ever, and defines "Loyal customers".

    Doing it again changes nothing.
    """
    with transaction() as cursor:
        install_kinds(cursor)
        if find_programme(cursor) is None:
            publish(
                cursor, default_document(timezone), effective_from=BEGINNING, at=at, actor=actor, reason="first installation"
            )
        define_segment(cursor, name="Loyal customers", condition={"balance": "score", "over": 100}, at=at, actor=actor)
