"""Findings in words, English and Dutch: what is so, and what to do about it."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from stamgast.conditions.words import say_number
from stamgast.programmes.linting.types import Finding

WORDS = {
    "en": {
        "never": "{rule} can never apply: no activity fits its condition. Look for two parts that exclude each other.",
        "never_in_its_time": "{rule} can never apply: its condition fits no day between its 'from' and its 'until'.",
        "past": "{rule} will never apply again: its time was over at {moment}. Take it out, or give it another time.",
        "no_line": "{rule} can never give {currency}: no line fits the filter of what counts.",
        "never_in_a_row": "{rule} can never give: it asks for {count} in a row, and there can be {most} at most.",
        "never_so_many": "{rule} can never give: it asks for {count} different values, and its condition leaves {most}.",
        "never_full": "{card} is never full: it asks for {each} {currency}, and these rules never give more than {most}.",
        "unknown_kind": "{rule} waits for {kind}, and no source has sent that so far.",
        "unknown_kind_near": "{rule} waits for {kind}, and no source has sent that so far. Is {near} meant?",
        "unnamed_kind": "{rule} gives nothing for {kinds}: what tells of an earlier order has to be named with 'is' or 'in', "
        "and 'contains' names no kind.",
        "cap_below_give": "{rule} gives {amount} at a time and at most {cap}, so that it never gives {amount}.",
        "overlap": "{rule} and {other} can both give {currencies} for one activity. It then gets both.",
        "budget_of_nothing": "{rule} has a budget of {currency} and does not give it.",
        "from_of_rolling": "A rolling period begins in no month: take 'from: {month}' out, or choose 'calendar'.",
        "multiplies_nothing": "{currency} is multiplied here, and no rule gives it.",
        "never_given": "No rule that can apply gives {currency}.",
        "worth_unknown": "Whether it gives more than is paid is not known: say what one of {currencies} is worth.",
        "above_value": "{rule}{others} can give {rate} for each 1.00 that is paid: as much as is paid, or more.",
        "above_value_at_a_turn": "When its turn comes, {rule}{others} can give {rate} for each 1.00 that is paid.",
        "above_value_when_small": "Below {below}, {rule}{others} can give more than is paid.",
        "edge_skipped": "{rule}: the clock skips {wall}. It counts as far after the gap as it lies in it. Choose another.",
        "edge_twice": "{rule}: {wall} comes twice that night. The first is taken. Choose another time, or leave it so.",
        "hour_skipped": "{rule} holds an hour less in the night in which the clock skips {begins} to {ends}.",
        "hour_skipped_all": "{rule} does not hold at all in the night in which the clock skips {begins} to {ends}.",
        "hour_twice": "{rule} holds an hour longer in the night in which the clock goes through {begins} to {ends} twice.",
        "more": "There are more findings of this kind: {code}.",
        "with": " with {0}",
        "and": " and ",
    },
    "nl": {
        "never": "{rule} kan nooit gelden: geen activiteit past op de voorwaarde. Zoek twee delen die elkaar uitsluiten.",
        "never_in_its_time": "{rule} kan nooit gelden: de voorwaarde past op geen dag tussen ‘from’ en ‘until’.",
        "past": "{rule} geldt nooit meer: de tijd was om op {moment}. Haal de regel weg, of geef hem een andere tijd.",
        "no_line": "{rule} kan nooit {currency} geven: geen orderregel past op het filter van wat meetelt.",
        "never_in_a_row": "{rule} kan nooit iets geven: er zijn er {count} achter elkaar nodig, en hoogstens {most} kunnen.",
        "never_so_many": "{rule} kan nooit iets geven: er zijn {count} verschillende waarden nodig, en er zijn er {most}.",
        "never_full": "{card} is nooit vol: er zijn {each} {currency} nodig, en deze regels geven er hoogstens {most}.",
        "unknown_kind": "{rule} wacht op {kind}, en dat heeft nog geen bron gestuurd.",
        "unknown_kind_near": "{rule} wacht op {kind}, en dat heeft nog geen bron gestuurd. Bedoel je {near}?",
        "unnamed_kind": "{rule} geeft niets voor {kinds}: wat over een eerdere bestelling gaat, noem je met ‘is’ of ‘in’, "
        "en ‘contains’ noemt geen soort.",
        "cap_below_give": "{rule} geeft {amount} per keer en hoogstens {cap}, en geeft dus nooit {amount}.",
        "overlap": "{rule} en {other} kunnen allebei {currencies} geven voor één activiteit. Die krijgt dan beide.",
        "budget_of_nothing": "{rule} heeft een budget van {currency} en geeft het niet.",
        "from_of_rolling": "Een rollende periode begint in geen maand: haal ‘from: {month}’ weg, of kies ‘calendar’.",
        "multiplies_nothing": "{currency} wordt hier vermenigvuldigd, en geen regel geeft het.",
        "never_given": "Geen regel die kan gelden geeft {currency}.",
        "worth_unknown": "Of er meer gegeven wordt dan betaald is niet bekend: zeg wat één van {currencies} waard is.",
        "above_value": "{rule}{others} kan voor elke betaalde 1,00 {rate} geven: zoveel als er betaald wordt, of meer.",
        "above_value_at_a_turn": "Is het de beurt, dan kan {rule}{others} voor elke betaalde 1,00 {rate} geven.",
        "above_value_when_small": "Onder {below} kan {rule}{others} meer geven dan er betaald wordt.",
        "edge_skipped": "{rule}: de klok slaat {wall} over. Het telt zo ver na het gat als het erin ligt. Kies een andere.",
        "edge_twice": "{rule}: {wall} komt die nacht twee keer voor. De eerste telt. Kies een andere tijd, of laat het zo.",
        "hour_skipped": "{rule} geldt een uur korter in de nacht waarin de klok {begins} tot {ends} overslaat.",
        "hour_skipped_all": "{rule} geldt helemaal niet in de nacht waarin de klok {begins} tot {ends} overslaat.",
        "hour_twice": "{rule} geldt een uur langer in de nacht waarin de klok {begins} tot {ends} twee keer doorloopt.",
        "more": "Er zijn nog meer bevindingen van deze soort: {code}.",
        "with": " samen met {0}",
        "and": " en ",
    },
}
"""Sentences by language and code. Both languages have the same codes and places, which a test holds."""


def say_finding(finding: Finding, language: str, timezone: str) -> str:
    """A finding as a sentence; moments on the wall clock of ``timezone``."""
    words, values = WORDS[language], finding.values
    code = finding.code
    if code == "unknown_kind" and values["near"]:
        code = "unknown_kind_near"
    if code == "hour_skipped" and values["is_all"]:
        code = "hour_skipped_all"
    said = {name: _say(value, language, timezone) for name, value in values.items()}
    if "others" in values:
        said["others"] = words["with"].format(said["others"]) if values["others"] else ""
    return words[code].format(**said)


def _say(value: Any, language: str, timezone: str) -> str:
    if isinstance(value, tuple):
        parts = [str(one) for one in value]
        return WORDS[language]["and"].join(part for part in (", ".join(parts[:-1]), parts[-1] if parts else "") if part)
    if isinstance(value, datetime):
        wall = value if value.tzinfo is None else value.astimezone(ZoneInfo(timezone))
        return format_datetime(wall.replace(tzinfo=None), "d MMMM y HH:mm", locale=language)
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, int | Decimal):
        return say_number(Decimal(value).quantize(Decimal("0.01")) if isinstance(value, Decimal) else Decimal(value), language)
    return str(value)
