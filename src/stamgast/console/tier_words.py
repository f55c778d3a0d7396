"""The tier of a member and what is on each card, in the reader's words. Pure."""

from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from stamgast.console import reader
from stamgast.console.programme_words import rule_label
from stamgast.console.tier_changes import factor_label
from stamgast.console.words import currency_label
from stamgast.flows.read_standing import TierView
from stamgast.kit.money import minor_digits
from stamgast.programmes.standing import CardStanding, Standing
from stamgast.programmes.terms import Level


@dataclass(frozen=True, slots=True)
class Bar:
    """How far something is on the way to being full."""

    reached: int
    full: int
    label: str
    sentence: str


@dataclass(frozen=True, slots=True)
class TierCard:
    """What the profile shows of a tier: its name, since when, how far the next one is, until when it is held, its benefits."""

    name: str
    has_tiers: bool
    since: str
    bar: Bar | None
    until: str
    benefits: list[str]
    cards: list[Bar]


def tier_card(view: TierView | None) -> TierCard | None:
    """The card of a profile; None where the programme has neither tiers nor cards."""
    if view is None:
        return None
    standing, level = view.standing, view.standing.level
    language = "nl" if str(get_language()).startswith("nl") else "en"
    has_tiers = level is not None or standing.next_level is not None
    until = ""
    if standing.review_at is not None:
        until = _("Held until %(day)s at least.") % {"day": reader.day(standing.review_at)}
    return TierCard(
        name=level.name if level is not None else _("No level yet") if has_tiers else "",
        has_tiers=has_tiers,
        since=_("since %(day)s") % {"day": reader.day(view.since)} if view.since is not None else "",
        bar=_next(standing),
        until=until,
        benefits=_benefits(level, language) if level is not None else [],
        cards=[_card(card) for card in standing.cards],
    )


def _benefits(level: Level, language: str) -> list[str]:
    """What the level gives: so many times as much, and what stands in words."""
    more = [
        _("%(factor)s times as many %(currency)s")
        % {"factor": factor_label(one.factor), "currency": currency_label(one.currency)}
        for one in level.multiplies
    ]
    return [*more, *(words[language] for words in level.benefits.values())]


def _next(standing: Standing) -> Bar | None:
    level = standing.next_level
    if level is None or level.threshold is None or standing.missing is None:
        return None
    sentence = _("%(missing)s more for %(level)s.") % {"missing": _amount(standing, standing.missing), "level": level.name}
    label = _("Progress to %(level)s") % {"level": level.name}
    return Bar(min(standing.total, level.threshold), level.threshold, label, sentence)


def _amount(standing: Standing, total: int) -> str:
    """What qualifies: so many of a currency, or money, which is counted in hundredths."""
    if standing.currency is not None:
        return f"{reader.number(total)} {currency_label(standing.currency, total)}"
    shop = settings.CONFIGURATION.currency
    return reader.money(total * 10 ** minor_digits(shop) // 100, shop)


def _card(card: CardStanding) -> Bar:
    stated = {"count": reader.number(card.on_card), "each": reader.number(card.each), "currency": currency_label(card.currency)}
    return Bar(card.on_card, card.each, rule_label(card.name), _("%(count)s of %(each)s %(currency)s") % stated)
