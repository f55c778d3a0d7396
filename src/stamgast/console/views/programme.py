"""The programme, read aloud: what activities are worth, as sentences, with its versions."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from django.views.decorators.http import require_GET

from stamgast.console.pages import page, show
from stamgast.console.programme_words import card_sentences, differences, rule_sentences, tier_sentences
from stamgast.console.words import currency_label
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor
from stamgast.programmes.budgets import budgets_of
from stamgast.programmes.documents import load
from stamgast.programmes.drafts import list_drafts
from stamgast.programmes.queries import find_programme, list_withdrawn
from stamgast.programmes.versions import find_in_force


@page
@require_GET
def programme(request: HttpRequest) -> HttpResponse:
    """The version in force, or the one that was asked for, and all versions beside it."""
    with open_cursor() as cursor:
        found = find_programme(cursor)
        withdrawn = [one.version for one in list_withdrawn(cursor, found.name)] if found else []
        drafts = list_drafts(cursor, found.name, after=request.GET.get("drafts") or None, limit=10) if found else None
    if found is None:
        return show(request, "console/programme.html", {"versions": []})
    now = utc_now()
    in_force = find_in_force(found.versions, now) or found.versions[0]
    asked = request.GET.get("version", "")
    shown = next((version for version in [*found.versions, *withdrawn] if str(version.version) == asked), in_force)
    document = load(shown.document)
    language = get_language() or "en"
    before = [None, *found.versions]  # each version beside the one before it
    told = [
        (version, differences(load(earlier.document), load(version.document), language) if earlier else [])
        for version, earlier in zip(found.versions, before, strict=False)
    ]
    context = {
        "drafts": drafts.rows if drafts else [],
        "more_drafts": drafts.next_cursor if drafts else None,
        "has_budgets": bool(budgets_of(load(in_force.document))),
        "newest": found.latest,
        "name": found.name,
        "versions": list(reversed(told)),
        "now": now,
        "shown": shown,
        "in_force": in_force,
        "document": document,
        "rules": document.rules,
        "sentences": [
            *(rule_sentences(rule, document, language) for rule in document.rules),
            *(card_sentences(card) for card in document.cards),
            *(tier_sentences(document.tiers, settings.CONFIGURATION.currency, language) if document.tiers is not None else ()),
        ],
        "currencies": ", ".join(currency_label(name) for name in document.currencies),
    }
    return show(request, "console/programme.html", context)
