"""What a fresh installation begins with: the known kinds, a first programme, a first text of consent, the segment of loyals."""

from datetime import datetime

from stamgast.activities.operations import install_kinds
from stamgast.customers.consent.operations import publish_text
from stamgast.customers.consent.queries import list_texts
from stamgast.kit.database import transaction
from stamgast.programmes.documents import default_document
from stamgast.programmes.operations import publish
from stamgast.programmes.queries import find_programme
from stamgast.segments.operations import define_segment

NEWSLETTER = {
    "en": "Yes, send me the newsletter by e-mail. I can stop it at any time by the link in each one.",
    "nl": "Ja, stuur me de nieuwsbrief per e-mail. Ik kan op elk moment stoppen met de link onderaan.",
}
BEGINNING = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def install(*, timezone: str, at: datetime, actor: str) -> None:
    """Fills the catalogue of kinds, publishes the default programme, in force since ever, and a text of consent,
    and defines "Loyal customers".

    Doing it again changes nothing.
    """
    with transaction() as cursor:
        install_kinds(cursor)
        if find_programme(cursor) is None:
            publish(
                cursor, default_document(timezone), effective_from=BEGINNING, at=at, actor=actor, reason="first installation"
            )
        if not list_texts(cursor):
            publish_text(cursor, purpose="newsletter", channel="email", texts=NEWSLETTER, at=at, actor=actor)
        define_segment(cursor, name="Loyal customers", condition={"balance": "score", "over": 100}, at=at, actor=actor)
