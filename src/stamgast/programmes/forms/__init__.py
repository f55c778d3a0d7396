"""A programme document as values in a form, and back: only what was changed is written, and all else stays as it stands.

The text is the truth. A changed value replaces its own characters in it, so that comments, order and everything that a form
cannot show are kept to the letter. Pure.
"""

from stamgast.programmes.forms.conditions import ConditionValues
from stamgast.programmes.forms.values import (
    UNITS,
    BenefitValues,
    CardValues,
    GiveValues,
    LevelValues,
    LifeValues,
    MultiplyValues,
    NewCard,
    NewCurrency,
    NewLevel,
    NewRule,
    RuleValues,
    Span,
    TierValues,
    TurnValues,
    Values,
    names_of,
    values_of,
)
from stamgast.programmes.forms.writing import New, end_rule, rewrite

__all__ = [
    "UNITS",
    "BenefitValues",
    "CardValues",
    "ConditionValues",
    "GiveValues",
    "LevelValues",
    "LifeValues",
    "MultiplyValues",
    "New",
    "NewCard",
    "NewCurrency",
    "NewLevel",
    "NewRule",
    "RuleValues",
    "Span",
    "TierValues",
    "TurnValues",
    "Values",
    "end_rule",
    "names_of",
    "rewrite",
    "values_of",
]
