"""The small condition language: parse, explain, compile to a closure for one row and to an Ibis expression for sets.

No Django, no database, no programme and no segment lives here: what can be compared comes in as a catalogue.
"""

from stamgast.conditions.catalogues import CUSTOMER_FIELDS, activity_fields, kinds_of, rule_fields
from stamgast.conditions.errors import ConditionError
from stamgast.conditions.fields import Catalogue, local_column
from stamgast.conditions.language import parse
from stamgast.conditions.tree import Condition
from stamgast.conditions.types import Failure, Outcome
from stamgast.conditions.words import say_failure

__all__ = [
    "CUSTOMER_FIELDS",
    "Catalogue",
    "Condition",
    "ConditionError",
    "Failure",
    "Outcome",
    "activity_fields",
    "kinds_of",
    "local_column",
    "parse",
    "rule_fields",
    "say_failure",
]
