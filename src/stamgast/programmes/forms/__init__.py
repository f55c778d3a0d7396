"""A programme document as values in a form, and back: only what was changed is written, and all else stays as it stands.

The text is the truth. A changed value replaces its own characters in it, so that comments, order and everything that a form
cannot show are kept to the letter. Pure.
"""

from stamgast.programmes.forms.values import (
    UNITS,
    GiveValues,
    LevelValues,
    LifeValues,
    NewLevel,
    NewRule,
    RuleValues,
    Span,
    TierValues,
    Values,
    values_of,
)
from stamgast.programmes.forms.writing import New, end_rule, rewrite

__all__ = [
    "UNITS",
    "GiveValues",
    "LevelValues",
    "LifeValues",
    "New",
    "NewLevel",
    "NewRule",
    "RuleValues",
    "Span",
    "TierValues",
    "Values",
    "end_rule",
    "rewrite",
    "values_of",
]
