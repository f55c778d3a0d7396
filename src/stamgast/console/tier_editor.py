"""The tiers' part of the programme's editor: what its fields show."""

from collections.abc import Sequence
from typing import Any

from babel.dates import get_month_names
from django.conf import settings
from django.http import QueryDict
from django.utils.translation import gettext as _

from stamgast.console import reader
from stamgast.console.folds import Fold, Opened
from stamgast.console.programme_words import level_line
from stamgast.console.tier_changes import tier_terms
from stamgast.console.tier_fields import GRACE_UNITS, MONEY_KINDS, PERIOD_UNITS
from stamgast.console.words import currency_label, with_kinds
from stamgast.programmes.documents import MONTHS, Document
from stamgast.programmes.forms import BenefitValues, LevelValues, TierValues
from stamgast.programmes.terms import Level

_OF_LEVEL = ("level name", "level from", "level times", "level of", "benefit en", "benefit nl")
"""The fields of a level, each followed by its place."""


def tiers_shown(
    values: TierValues | None, document: Document, kinds: Sequence[str], typed: QueryDict, opened: Opened, language: str
) -> dict[str, Any]:
    """The fields of the tiers with their values, or with what was ``typed`` into them and could not be taken."""
    currencies = [(name, currency_label(name)) for name in document.currencies]
    new = {name: typed.get(f"new level {name}", "") for name in ("name", "from", "on")}
    shown: dict[str, Any] = {"new": new, "currencies": currencies, "money": settings.CONFIGURATION.currency}
    if values is None or document.tiers is None:
        known = [kind for kind in MONEY_KINDS if kind in kinds] or list(MONEY_KINDS[:1])
        return shown | {"moneys": [(f"money {', '.join(known)}", _("money spent"))]}
    rolling = values.rolling
    spend = document.tiers.spend
    said, is_open = " ".join(tier_terms(document.tiers, language)), opened.has("levels", "", ["tier rolling", "tier grace"])
    return shown | {
        "fold": Fold("levels", "levels-held", _("How they are reached and held"), said, is_open),
        "on": values.currency and typed.get("tier on", values.currency),
        "spend": with_kinds(spend.sentence(language)) if spend is not None else "",
        "counted": currency_label(values.currency) if values.currency else settings.CONFIGURATION.currency,
        "period": typed.get("tier period", "rolling" if rolling else values.calendar),
        "periods": [
            ("year", _("a calendar year")), ("half year", _("half a calendar year")), ("quarter", _("a calendar quarter")),
            ("month", _("a calendar month")), ("rolling", _("the last")),
        ],
        "month": typed.get("tier month", values.month),
        "months": [(name, get_month_names(locale=reader.locale())[place + 1]) for place, name in enumerate(MONTHS)],
        "rolling": typed.get("tier rolling", rolling.count if rolling else 12),
        "rolling_unit": typed.get("tier rolling unit", rolling.unit if rolling else "month"),
        "period_units": PERIOD_UNITS,
        "grace": typed.get("tier grace", values.grace.count if values.grace else ""),
        "grace_unit": typed.get("tier grace unit", values.grace.unit if values.grace else "day"),
        "grace_units": GRACE_UNITS,
        "is_soft": typed.get("tier down", "soft" if values.is_soft else "") == "soft",
        "levels": [
            _level(place, level, stated, document, typed, opened, language)
            for place, (level, stated) in enumerate(zip(values.levels, document.tiers.levels, strict=True))
        ],
    }  # fmt: skip


def _level(
    place: int, values: LevelValues, stated: Level, document: Document, typed: QueryDict, opened: Opened, language: str
) -> dict[str, Any]:
    """A level with a field for each currency that it multiplies, and an empty one where it multiplies none."""
    assert document.tiers is not None
    named = f"level name {place}"
    name = typed.get(named, values.name)
    said = level_line(stated, document.tiers, settings.CONFIGURATION.currency, language)
    is_open = opened.has("level", name, [f"{field} {place}" for field in _OF_LEVEL])
    multiplies = values.multiplies or ((next(iter(document.currencies)), None),)
    return {
        "place": place,
        "fold": Fold("level", f"level-{place}", values.name, said, is_open, named),
        "name": name,
        "label": values.name,
        "from": typed.get(f"level from {place}", values.threshold),
        "invited": with_kinds(stated.invited.sentence(language)) if stated.invited is not None else "",
        "benefits": [
            (
                slot,
                benefit.name,
                typed.get(f"benefit en {place} {slot}", benefit.en),
                typed.get(f"benefit nl {place} {slot}", benefit.nl),
            )
            for slot, benefit in enumerate([*values.benefits, BenefitValues("", "", "")])
        ],
        "slots": [
            (
                slot,
                typed.get(f"level of {place} {slot}", currency),
                typed.get(f"level times {place} {slot}", reader.decimal(factor)),
            )
            for slot, (currency, factor) in enumerate(multiplies)
        ],
    }
