"""Why a movement was posted: its activity, and what each rule of the programme made of it, given what came before."""

from dataclasses import dataclass
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from stamgast.activities.queries import get_activity
from stamgast.activities.types import Activity
from stamgast.customers.queries import customers_of
from stamgast.customers.rules import id_of
from stamgast.flows.history import read_history
from stamgast.kit.database import Cursor
from stamgast.ledger.queries import get_movement
from stamgast.ledger.types import Movement, MovementKind
from stamgast.programmes.deciding import decide
from stamgast.programmes.explaining import explain
from stamgast.programmes.programme import Programme
from stamgast.programmes.queries import get_programme
from stamgast.programmes.types import Explanation

SENTENCES = {
    "en": {
        MovementKind.EARN: "Given: {told}",
        MovementKind.REVERSE: "Taken back, because the activity is now worth less. {told}",
        MovementKind.EXPIRE: "Expired. When it was given: {told}",
        MovementKind.RESTORE: "Put back after it had expired, because what gave it changed. {told}",
        MovementKind.OWE: "Owed, because what was given is spent and the activity is now worth less. {told}",
        MovementKind.REPAY: "Used to repay what was owed. When it was given: {told}",
    },
    "nl": {
        MovementKind.EARN: "Gekregen: {told}",
        MovementKind.REVERSE: "Teruggenomen, omdat de activiteit nu minder waard is. {told}",
        MovementKind.EXPIRE: "Verlopen. Toen het werd gegeven: {told}",
        MovementKind.RESTORE: "Teruggezet nadat het was verlopen, omdat veranderd is waarvoor het gegeven was. {told}",
        MovementKind.OWE: "Verschuldigd, omdat wat gegeven was op is en de activiteit nu minder waard is. {told}",
        MovementKind.REPAY: "Gebruikt om af te lossen wat verschuldigd was. Toen het werd gegeven: {told}",
    },
}

NO_LONGER_THEIRS = {
    "en": "This activity now belongs to another customer.",
    "nl": "Deze activiteit hoort nu bij een andere klant.",
}
TOLD_AGAIN = {
    "en": "This activity tells again of an order that counts where it was told first.",
    "nl": "Deze activiteit meldt een bestelling opnieuw, die telt waar ze het eerst is gemeld.",
}


@dataclass(frozen=True, slots=True)
class MovementExplanation:
    """A movement, the activity behind it, the programme's words about that, and one sentence about the movement itself."""

    movement: Movement
    activity: Activity | None
    explanation: Explanation | None
    sentence: str


def explain_movement(cursor: Cursor, movement_id: UUID, *, language: str) -> MovementExplanation:
    """Explains one movement from what is stored now, in "en" or "nl"; raises MovementNotFound."""
    movement = get_movement(cursor, movement_id)
    if movement.activity_id is None:
        return MovementExplanation(movement, None, None, movement.reason)
    activity = get_activity(cursor, movement.activity_id)
    programme = get_programme(cursor)
    explanation = explain_activity(cursor, programme, movement.owner_id, activity.id, language=language)
    if explanation is not None:
        told = explanation.sentence
    else:
        anchor = id_of(activity.identifiers[0])
        is_theirs = customers_of(cursor, [anchor]).get(anchor) == movement.owner_id
        told = (TOLD_AGAIN if is_theirs else NO_LONGER_THEIRS)[language]
    return MovementExplanation(movement, activity, explanation, SENTENCES[language][movement.kind].format(told=told))


def explain_activity(
    cursor: Cursor, programme: Programme, customer: UUID, activity_id: UUID, *, language: str
) -> Explanation | None:
    """What each rule made of one activity of this customer; None when it is not, or no longer, theirs."""
    history = read_history(cursor, programme, [customer], with_body=True)
    place = pc.index(history["activity_id"], pa.scalar(activity_id.bytes, pa.binary(16))).as_py()
    if place < 0:
        return None
    earlier = history.slice(0, place)
    states = decide(programme, None, earlier).states if place else None
    return explain(programme, history.slice(place, 1).to_pylist()[0], states, language)
