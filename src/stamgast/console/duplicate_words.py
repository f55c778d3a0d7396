"""Two customers side by side, and why they may be one person, in the reader's words. No request, no database."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from stamgast.console import reader
from stamgast.console.words import identifier_label
from stamgast.customers.types import Profile
from stamgast.duplicates.gathering import ADDRESS, TOLD_AS

SAME, DIFFERS, ONE_SIDED = "same", "differs", "one-sided"


def reason_sentence(reasons: Iterable[str]) -> str:
    """What agrees first, then what does not: "Same birth date, postcode agrees, surname differs by one letter."."""
    words = _reasons()
    told = [code for code in reasons if code in words]
    ordered = sorted(told, key=lambda code: code.endswith(":different"))  # stable: in the order of the fields otherwise
    phrases = list(dict.fromkeys(words[code] for code in ordered))
    sentence = ", ".join(phrases)
    return sentence[:1].upper() + sentence[1:]


def _reasons() -> Mapping[str, str]:
    return {
        "given:same": _("same first name"),
        "given:swapped": _("first name and surname swapped"),
        "given:initial": _("one has only the initial"),
        "given:alike": _("first names much alike"),
        "given:close": _("first names a bit alike"),
        "given:different": _("another first name"),
        "surname:same": _("same surname"),
        "surname:swapped": _("first name and surname swapped"),
        "surname:one_letter": _("surname differs by one letter"),
        "surname:alike": _("surnames much alike"),
        "surname:close": _("surnames a bit alike"),
        "surname:different": _("another surname"),
        "born:same": _("same birth date"),
        "born:swapped": _("day and month of birth swapped"),
        "born:one_digit": _("birth date differs by one digit"),
        "born:close": _("birth dates a bit alike"),
        "born:different": _("another birth date"),
        "street:same": _("street agrees"),
        "number:same": _("same house number"),
        "postcode:same": _("postcode agrees"),
        "city:same": _("town agrees"),
        "address:different": _("another address"),
        "email:same": _("same e-mail address"),
        "email:alike": _("e-mail addresses differ by a letter or two"),
        "email:mailbox": _("same name before the @"),
        "email:different": _("another e-mail address"),
        "phone:same": _("same telephone number"),
        "phone:one_digit": _("telephone number differs by one digit"),
        "phone:different": _("another telephone number"),
        "card:same": _("same card"),
        "card:one_digit": _("card number differs by one digit"),
        "card:different": _("another card"),
        "national:same": _("same national number"),
        "national:one_digit": _("national number differs by one digit"),
        "national:different": _("another national number"),
    }


def field_labels() -> Mapping[str, str]:
    """What is compared, as people call it."""
    return {
        "name": _("Name"),
        "given": _("First name"),
        "surname": _("Last name"),
        "born": _("Birthday"),
        "street": _("Street"),
        "number": _("House number"),
        "postcode": _("Postcode"),
        "city": _("City"),
        "email": _("E-mail address"),
        "phone": _("Telephone"),
        "national": _("National number"),
    }


def compare(one: Profile, other: Profile) -> list[dict[str, Any]]:
    """A row a field that either knows, with both values and, in a word and a sign, whether they are the same."""
    left, right = known_of(one), known_of(other)
    rows = []
    for field, label in [*field_labels().items(), *_kinds_of(left, right)]:
        values = left.get(field, []), right.get(field, [])
        if any(values):
            rows.append({"label": label, "left": values[0], "right": values[1], **_verdict(*values)})
    return rows


def known_of(profile: Profile) -> dict[str, list[str]]:
    """What is known of a customer under the name of each field, and under that of each kind of identifier."""
    traits = {trait.name: trait.value for trait in profile.traits}
    if isinstance(address := traits.get(ADDRESS), dict):
        traits |= {f"{ADDRESS}.{name}": value for name, value in address.items()}
    known: dict[str, list[str]] = {}
    for field, names in TOLD_AS.items():
        for name in names:
            if isinstance(value := traits.get(name), str | int) and str(value).strip():
                known.setdefault(field, []).append(str(value).strip()[:200])
    for identifier in profile.identifiers:
        if identifier.kind != "anonymous_id":
            known.setdefault(identifier.kind, []).append(identifier.value)
    return {field: list({_plain(value): value for value in reversed(values)}.values()) for field, values in known.items()}


def _kinds_of(*known: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    kinds = sorted({field for one in known for field in one} - set(TOLD_AS))
    return [(kind, identifier_label(kind)) for kind in kinds]


def _verdict(left: Sequence[str], right: Sequence[str]) -> dict[str, str]:
    if not left or not right:
        return {"verdict": ONE_SIDED, "sign": reader.NOTHING, "word": _("only one has it")}
    if {_plain(value) for value in left} & {_plain(value) for value in right}:
        return {"verdict": SAME, "sign": "=", "word": _("the same")}
    return {"verdict": DIFFERS, "sign": "≠", "word": _("differs")}


def _plain(value: str) -> str:
    return "".join(value.casefold().split())
