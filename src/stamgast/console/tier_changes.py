"""What a programme says of its tiers otherwise than another, told as a whole and not place by place. Pure."""

from fractions import Fraction

from babel.dates import get_month_names
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stamgast.console import reader
from stamgast.console.words import currency_label, with_kinds
from stamgast.kit.money import minor_digits
from stamgast.programmes.expiry import Expiry
from stamgast.programmes.terms import Level, Tiers


def tier_changes(before: Tiers | None, after: Tiers | None, language: str) -> list[str]:
    """A sentence for each difference: levels that came, went and moved, what they give, and by what and when they are held."""
    if before is None or after is None:
        one = after or before
        if one is None:
            return []
        names = ", ".join(level.name for level in one.levels)
        if after is None:
            return [_("There are no tiers any more: %(names)s.") % {"names": names}]
        levels = [text for level in one.levels for text in _new_level(level, one, language)]
        return [_("There are tiers now: %(names)s.") % {"names": names}, *tier_terms(one, language), *levels]
    said = _changed_terms(before, after, language)
    old, new = ({level.name: level for level in tiers.levels} for tiers in (before, after))
    for name in dict.fromkeys([*old, *new]):
        if name not in old:
            said += _new_level(new[name], after, language)
        elif name not in new:
            said.append(_("%(level)s is no level any more.") % {"level": name})
        else:
            said += _changed_level(name, old[name], new[name], before, after, language)
    kept, order = [name for name in old if name in new], [name for name in new if name in old]
    if kept != order:
        said.append(_("The levels stand in another order: %(names)s.") % {"names": ", ".join(order)})
    return said


def tier_terms(tiers: Tiers, language: str) -> list[str]:
    """What holds for every level, a sentence each."""
    said = [
        _("Levels are reached by %(now)s.") % {"now": _counted(tiers, language)},
        _("A level is reached and held %(now)s.") % {"now": _period(tiers)},
    ]
    if tiers.grace is not None:
        said.append(_("After a period a level is held %(now)s.") % {"now": _grace(tiers.grace)})
    if tiers.is_soft:
        said.append(_("At the end of a period nobody goes down more than one level."))
    return said


def _new_level(level: Level, tiers: Tiers, language: str) -> list[str]:
    """What a level asks for, multiplies and brings."""
    needs = _needs(level, tiers, language)
    said = [_("%(level)s is a new level: it needs %(needs)s.") % {"level": level.name, "needs": needs}]
    for one in level.multiplies:
        words = {"level": level.name, "now": factor_label(one.factor), "currency": currency_label(one.currency)}
        said.append(_("%(level)s gives %(now)s times as many %(currency)s.") % words)
    for benefit in level.benefits.values():
        said.append(_("%(level)s brings “%(now)s”.") % {"level": level.name, "now": benefit[language[:2]]})
    return said


def _changed_terms(before: Tiers, after: Tiers, language: str) -> list[str]:
    """What holds for every level."""
    said = []
    was, now = (_counted(tiers, language) for tiers in (before, after))
    if was != now:
        said.append(_("Levels are reached by %(now)s instead of by %(was)s.") % {"now": now, "was": was})
    was, now = (_period(tiers) for tiers in (before, after))
    if was != now:
        said.append(_("A level is reached and held %(now)s instead of %(was)s.") % {"now": now, "was": was})
    if before.grace != after.grace:
        was, now = (_grace(tiers.grace) for tiers in (before, after))
        said.append(_("After a period a level is held %(now)s instead of %(was)s.") % {"now": now, "was": was})
    if before.is_soft != after.is_soft:
        said.append(
            _("At the end of a period nobody goes down more than one level any more.")
            if after.is_soft
            else _("At the end of a period a member goes down to what was earned, however many levels that is.")
        )
    return said


def _changed_level(name: str, old: Level, new: Level, before: Tiers, after: Tiers, language: str) -> list[str]:
    said = []
    is_same_kind = (old.threshold is None) == (new.threshold is None)
    terms_differ = before.currency != after.currency
    is_other = old.threshold != new.threshold or (terms_differ and bool(new.threshold))
    if is_other and is_same_kind and old.threshold is not None:
        words = {"level": name, "now": _needs(new, after, language), "was": _amount(old, before)}
        said.append(_("%(level)s now needs %(now)s instead of %(was)s.") % words)
    elif not is_same_kind or _invited(old, language) != _invited(new, language):
        words = {"level": name, "now": _needs(new, after, language), "was": _needs(old, before, language)}
        said.append(_("%(level)s now needs %(now)s instead of %(was)s.") % words)
    was, now = ({one.currency: one.factor for one in level.multiplies} for level in (old, new))
    for currency in dict.fromkeys([*was, *now]):
        if was.get(currency) != now.get(currency):
            factors = {
                "level": name,
                "currency": currency_label(currency),
                "now": factor_label(now.get(currency)),
                "was": factor_label(was.get(currency)),
            }
            said.append(_("%(level)s gives %(now)s times as many %(currency)s instead of %(was)s times.") % factors)
    return said + _changed_benefits(name, old, new, language)


def _changed_benefits(name: str, old: Level, new: Level, language: str) -> list[str]:
    tongue = language[:2]
    said = []
    for benefit in dict.fromkeys([*old.benefits, *new.benefits]):
        was, now = (level.benefits.get(benefit, {}).get(tongue, "") for level in (old, new))
        words = {"level": name, "now": now, "was": was}
        if benefit not in old.benefits:
            said.append(_("%(level)s brings “%(now)s” as well.") % words)
        elif benefit not in new.benefits:
            said.append(_("%(level)s brings “%(was)s” no longer.") % words)
        elif old.benefits[benefit] != new.benefits[benefit]:
            said.append(_("%(level)s brings “%(now)s” instead of “%(was)s”.") % words)
    return said


def _needs(level: Level, tiers: Tiers, language: str) -> str:
    """What a level asks for, with the time in which: 800 points a year."""
    if level.threshold is None:
        return _("an invitation, when %(condition)s") % {"condition": _invited(level, language)}
    if not level.threshold:
        return _("nothing")
    return _("%(amount)s %(period)s") % {"amount": _amount(level, tiers), "period": _each(tiers)}


def _amount(level: Level, tiers: Tiers) -> str:
    threshold = level.threshold or 0
    if tiers.currency is not None:
        return f"{reader.number(threshold)} {currency_label(tiers.currency, threshold)}"
    money = settings.CONFIGURATION.currency
    return reader.money(threshold * 10 ** minor_digits(money) // 100, money)


def _invited(level: Level, language: str) -> str:
    return with_kinds(level.invited.sentence(language)) if level.invited is not None else ""


def _each(tiers: Tiers) -> str:
    """In what time it has to come together, short."""
    if tiers.days:
        return ngettext("in %(count)s day", "in %(count)s days", tiers.days) % {"count": reader.number(tiers.days)}
    if tiers.months == 12:
        return _("a year")
    return ngettext("in %(count)s month", "in %(count)s months", tiers.months) % {"count": reader.number(tiers.months)}


def _period(tiers: Tiers) -> str:
    if tiers.is_rolling:
        return _("%(time)s, counted back from each day") % {"time": _each(tiers)}
    month = get_month_names(locale=reader.locale())[tiers.first_month + 1]
    return _("%(time)s by the calendar, from %(month)s on") % {"time": _each(tiers), "month": month}


def _counted(tiers: Tiers, language: str) -> str:
    if tiers.currency is not None:
        return currency_label(tiers.currency)
    condition = with_kinds(tiers.spend.sentence(language)) if tiers.spend is not None else ""
    return _("what is spent when %(condition)s") % {"condition": condition}


def _grace(grace: Expiry | None) -> str:
    if grace is None:
        return _("no longer")
    return _("%(time)s longer") % {"time": _lasting(grace.text)}


def _lasting(text: str) -> str:
    """A duration as the reader says it: 30 days."""
    count, unit = text.split(" ")[:2]
    words = {
        "day": ngettext("%(count)s day", "%(count)s days", int(count)),
        "week": ngettext("%(count)s week", "%(count)s weeks", int(count)),
        "month": ngettext("%(count)s month", "%(count)s months", int(count)),
    }
    return words[unit.rstrip("s")] % {"count": reader.number(int(count))}


def factor_label(factor: Fraction | None) -> str:
    if factor is None:
        return reader.number(1)
    value = float(factor)
    digits = next((digits for digits in range(3) if round(value, digits) == value), 2)
    return reader.number(value, digits)
