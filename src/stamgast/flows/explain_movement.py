"""Why a movement was posted: its activity, and what each rule of the programme made of it."""

from dataclasses import dataclass
from uuid import UUID

from stamgast.activities.queries import get_activity
from stamgast.activities.types import Activity
from stamgast.customers.queries import anchors_of
from stamgast.flows.decide_pending import load_table
from stamgast.kit.database import Cursor
from stamgast.ledger.queries import get_movement
from stamgast.ledger.types import Movement
from stamgast.programmes.explaining import explain
from stamgast.programmes.queries import get_programme
from stamgast.programmes.types import Explanation


@dataclass(frozen=True, slots=True)
class MovementExplanation:
    """A movement with the activity and the programme's words behind it; both are None when no activity caused it."""

    movement: Movement
    activity: Activity | None
    explanation: Explanation | None


def explain_movement(cursor: Cursor, movement_id: UUID, *, language: str) -> MovementExplanation:
    """Explains one movement from what is stored now; raises MovementNotFound."""
    movement = get_movement(cursor, movement_id)
    if movement.activity_id is None:
        return MovementExplanation(movement, None, None)
    activity = get_activity(cursor, movement.activity_id)
    programme = get_programme(cursor)
    owner = movement.owner_id
    anchors = anchors_of(cursor, [owner])[owner]
    table = load_table(cursor, programme, {anchor: owner for anchor in anchors})
    return MovementExplanation(movement, activity, explain(programme, table, activity.id, language=language))
