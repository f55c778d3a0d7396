"""The rules in the programme's editor: what their fields show."""

from collections.abc import Mapping, Sequence
from typing import Any

from babel.dates import get_day_names
from django.http import QueryDict
from django.utils.translation import gettext as _

from stamgast.conditions.fields import WEEKDAYS
from stamgast.console import reader
from stamgast.console.condition_editor import condition_shown, streaks, turn_shown, turns
from stamgast.console.condition_fields import PERIODS, day_and_time
from stamgast.console.folds import Fold, Opened
from stamgast.console.programme_words import period_label, rule_label, rule_line, rule_sentences
from stamgast.console.words import currency_label
from stamgast.programmes.documents import Document, Rule
from stamgast.programmes.forms import GiveValues, MultiplyValues, RuleValues
from stamgast.programmes.reading import read

_OF_CONDITION = (
    "name", "kind", "hour from", "hour until", "least", "category", "store", "source", "channel", "count", "begins", "ends",
    "budget", "times budget",
)  # fmt: skip
"""The fields that stand folded away in a rule, each followed by the place of its rule."""
_OF_RULE = (*_OF_CONDITION, "amount", "per", "of", "cap", "period", "times", "times of", "times cap")


def rules_shown(
    document: Document, values: Sequence[RuleValues], kinds: Sequence[str], typed: QueryDict, opened: Opened, language: str
) -> dict[str, Any]:
    """The fields of the rules with their values, or with what was ``typed`` into them and could not be taken."""
    sets = list(read(document.text)[0].get("sets", {}))
    rules = []
    for place, (rule, row) in enumerate(zip(document.rules, values, strict=True)):
        label, named = rule_label(rule.name), f"name {place}"
        name = typed.get(named, rule.name)
        is_open = opened.has("rule", name, [f"{field} {place}" for field in _OF_RULE])
        is_condition_open = opened.has("condition", name, [f"{field} {place}" for field in _OF_CONDITION])
        rules.append(
            {
                "place": place,
                "label": label,
                "name": name,
                "fold": Fold("rule", f"rule-{place}", label, rule_line(rule, document.timezone, language), is_open, named),
                "condition_fold": Fold("condition", f"condition-{place}", label, "", is_condition_open, named),
                "when": rule_sentences(rule, document, language).when,
                "condition": condition_shown(place, row.when, kinds, sets, typed),
                "turn": turn_shown(place, row.turn, typed),
                "begins_field": f"begins {place}",
                "ends_field": f"ends {place}",
                "moments": {name: _moment(f"{name} {place}", was, typed) for name, was in _times(row)},
                "gives": _gives(place, row.gives, rule, typed, language),
                "multiplies": _multiplies(place, row.multiplies, document, typed),
                "period": row.cap_period,
            }
        )
    return {
        "rules": rules,
        "turns": turns(),
        "streaks": streaks(),
        "periods": [(period, period_label(period)) for period in PERIODS],
        "measures": [
            ("once", _("each time")), ("amount", _("for each whole amount of")), ("quantity", _("for each so many pieces")),
        ],
        "more": more_shown(typed),
    }  # fmt: skip


def more_shown(typed: QueryDict) -> Mapping[str, Any]:
    """The fields of a new multiplier."""
    names, chosen = get_day_names("abbreviated", locale=reader.locale()), typed.getlist("more weekday")
    return {
        "weekdays": [(day, names[number], day in chosen) for number, day in enumerate(WEEKDAYS)],
        "moments": {name: _moment(f"more {name}", None, typed) for name in ("begins", "ends")},
        **{name: typed.get(f"more {name}", "") for name in ("name", "kind", "of")},
        "times": typed.get("more times", "2"),
    }


def _times(row: RuleValues) -> tuple[tuple[str, str | None], ...]:
    return ("begins", row.begins), ("ends", row.ends)


def _moment(field: str, was: str | None, typed: QueryDict) -> tuple[str, str]:
    day, hour = day_and_time(was)
    return typed.get(field, day), typed.get(f"{field} time", hour)


def _gives(place: int, values: Sequence[GiveValues], rule: Rule, typed: QueryDict, language: str) -> list[dict[str, Any]]:
    return [
        {
            "currency": give.currency,
            "label": currency_label(give.currency),
            "amount": typed.get(f"amount {place} {give.currency}", give.amount),
            "of": typed.get(f"of {place} {give.currency}", give.of),
            "per": typed.get(f"per {place} {give.currency}", "1" if give.per is None else reader.decimal(give.per)),
            "cap": typed.get(f"cap {place} {give.currency}", "" if give.cap is None else give.cap),
            "budget": typed.get(f"budget {place} {give.currency}", "" if give.budget is None else give.budget),
            "lines": source.lines and source.lines.sentence(language),
        }
        for give, source in zip(values, rule.gives, strict=True)
    ]


def _multiplies(place: int, values: Sequence[MultiplyValues], document: Document, typed: QueryDict) -> list[dict[str, Any]]:
    """A field for each currency that a rule multiplies, and an empty one where there are others."""
    if not values:
        return []
    others = [name for name in document.currencies if name not in {one.currency for one in values}]
    shown = [(one.currency, reader.decimal(one.factor), one.cap, one.budget) for one in values]
    shown += [(name, "", None, None) for name in others[:1]]
    return [
        {
            "slot": slot,
            "of": typed.get(f"times of {place} {slot}", currency),
            "label": currency_label(currency),
            "times": typed.get(f"times {place} {slot}", factor),
            "cap": typed.get(f"times cap {place} {slot}", "" if cap is None else cap),
            "budget": typed.get(f"times budget {place} {slot}", "" if budget is None else budget),
        }
        for slot, (currency, factor, cap, budget) in enumerate(shown)
    ]
