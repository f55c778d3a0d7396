"""Why a movement was posted: its activity, and what each rule of the programme made of it, given what came before.

It is explained from what was known when it was posted: an order that came back later, or a rule that was corrected since, is
the reason of a later movement and not of this one.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from stamgast.activities.queries import get_activity
from stamgast.activities.types import Activity
from stamgast.customers.queries import customers_of
from stamgast.customers.rules import id_of
from stamgast.flows.history import read_history
from stamgast.kit.database import Cursor
from stamgast.ledger.queries import get_movement, list_movements_between
from stamgast.ledger.types import BY_AN_ACT, Movement, MovementKind
from stamgast.programmes.deciding import decide
from stamgast.programmes.explaining import explain
from stamgast.programmes.programme import Programme, compile_programme
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
        MovementKind.EARN_PENDING: "Given, and not available yet: {told}",
        MovementKind.REVERSE_PENDING: "Taken back before it was available, because the activity is now worth less. {told}",
        MovementKind.MATURE: "Became available. When it was given: {told}",
        MovementKind.RETRACT: "Not available any more, because it now becomes so later. {told}",
    },
    "nl": {
        MovementKind.EARN: "Gekregen: {told}",
        MovementKind.REVERSE: "Teruggenomen, omdat de activiteit nu minder waard is. {told}",
        MovementKind.EXPIRE: "Verlopen. Toen het werd gegeven: {told}",
        MovementKind.RESTORE: "Teruggezet nadat het was verlopen, omdat veranderd is waarvoor het gegeven was. {told}",
        MovementKind.OWE: "Verschuldigd, omdat wat gegeven was op is en de activiteit nu minder waard is. {told}",
        MovementKind.REPAY: "Gebruikt om af te lossen wat verschuldigd was. Toen het werd gegeven: {told}",
        MovementKind.EARN_PENDING: "Gekregen, en nog niet beschikbaar: {told}",
        MovementKind.REVERSE_PENDING: "Teruggenomen vóór het beschikbaar was, omdat de activiteit nu minder waard is. {told}",
        MovementKind.MATURE: "Beschikbaar geworden. Toen het werd gegeven: {told}",
        MovementKind.RETRACT: "Niet meer beschikbaar, omdat het nu later beschikbaar wordt. {told}",
    },
}

CHOSEN = {
    "en": {
        MovementKind.SPEND: "Spent: {reason}",
        MovementKind.HOLD: "Set aside: {reason}",
        MovementKind.CAPTURE: "Spent, of what was set aside: {reason}",
        MovementKind.RELEASE: "No longer set aside: {reason}",
        MovementKind.GIVE_BACK: "Given back: {reason}",
        MovementKind.MOVE_OUT: "Moved away: {reason}",
        MovementKind.MOVE_IN: "Received: {reason}",
        MovementKind.ADJUST_UP: "Added by hand: {reason}",
        MovementKind.ADJUST_DOWN: "Taken off by hand: {reason}",
        MovementKind.DONATE: "Donated: {reason}",
        MovementKind.UNDONATE: "Donation taken back: {reason}",
        MovementKind.REDEEM: "Spent at a partner: {reason}",
        MovementKind.UNREDEEM: "Given back by a partner: {reason}",
        MovementKind.ISSUE: "Given by a partner: {reason}",
        MovementKind.EXPIRE: "Expired.",
        MovementKind.REPAY: "Used to repay what was owed.",
    },
    "nl": {
        MovementKind.SPEND: "Besteed: {reason}",
        MovementKind.HOLD: "Gereserveerd: {reason}",
        MovementKind.CAPTURE: "Besteed uit een reservering: {reason}",
        MovementKind.RELEASE: "Niet meer gereserveerd: {reason}",
        MovementKind.GIVE_BACK: "Teruggegeven: {reason}",
        MovementKind.MOVE_OUT: "Overgeboekt: {reason}",
        MovementKind.MOVE_IN: "Ontvangen: {reason}",
        MovementKind.ADJUST_UP: "Met de hand bijgeboekt: {reason}",
        MovementKind.ADJUST_DOWN: "Met de hand afgeboekt: {reason}",
        MovementKind.DONATE: "Gedoneerd: {reason}",
        MovementKind.UNDONATE: "Donatie teruggedraaid: {reason}",
        MovementKind.REDEEM: "Besteed bij een partner: {reason}",
        MovementKind.UNREDEEM: "Teruggegeven door een partner: {reason}",
        MovementKind.ISSUE: "Gekregen van een partner: {reason}",
        MovementKind.EXPIRE: "Verlopen.",
        MovementKind.REPAY: "Gebruikt om af te lossen wat verschuldigd was.",
    },
}
"""Of what somebody asked for, and of what such an act gave: no programme decided it."""
GIVEN_MORE = {
    "en": "Given more, because the activity is now worth more. {told}",
    "nl": "Meer gekregen, omdat de activiteit nu meer waard is. {told}",
}
"""Of an earning that adds to what the same cause had given before."""
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
    """Explains one movement in "en" or "nl"; raises MovementNotFound."""
    movement = get_movement(cursor, movement_id)
    if movement.act_id is not None or movement.programme_version == BY_AN_ACT:
        sentence = CHOSEN[language][movement.kind].format(reason=movement.reason)
        return MovementExplanation(movement, None, None, sentence)
    if movement.activity_id is None:
        return MovementExplanation(movement, None, None, movement.reason)
    activity = get_activity(cursor, movement.activity_id)
    programme = _known_by(get_programme(cursor), movement.posted_at)
    explanation = _explain_activity(cursor, programme, movement, activity.id, language=language)
    if explanation is not None:
        told = explanation.sentence
    else:
        anchor = id_of(activity.identifiers[0])
        is_theirs = customers_of(cursor, [anchor]).get(anchor) == movement.owner_id
        told = (TOLD_AGAIN if is_theirs else NO_LONGER_THEIRS)[language]
    sentence = GIVEN_MORE[language] if _adds_to_earlier(cursor, movement) else SENTENCES[language][movement.kind]
    return MovementExplanation(movement, activity, explanation, sentence.format(told=told))


def _known_by(programme: Programme, moment: datetime) -> Programme:
    """The programme with the versions that were published by a moment; all of them where none was."""
    known = [version for version in programme.versions if version.published_at <= moment]
    return compile_programme(known) if known and len(known) < len(programme.versions) else programme


def _adds_to_earlier(cursor: Cursor, movement: Movement) -> bool:
    """Whether the same cause had earned before."""
    if movement.kind != MovementKind.EARN:
        return False
    at = movement.effective_at
    return any(
        other.lot_id == movement.lot_id and other.kind == MovementKind.EARN and other.posted_at < movement.posted_at
        for other in list_movements_between(cursor, movement.owner_id, since=at, until=at)
    )


def _explain_activity(
    cursor: Cursor, programme: Programme, movement: Movement, activity_id: UUID, *, language: str
) -> Explanation | None:
    """What each rule made of the activity, as known when the movement was posted; None when it was not, or no longer, the
    owner's."""
    history = read_history(cursor, programme, [movement.owner_id], with_body=True, received_by=movement.posted_at)
    place = pc.index(history["activity_id"], pa.scalar(activity_id.bytes, pa.binary(16))).as_py()
    if place < 0:
        return None
    earlier = history.slice(0, place)
    states = decide(programme, None, earlier).states if place else None
    return explain(programme, history.slice(place, 1).to_pylist()[0], states, language)
