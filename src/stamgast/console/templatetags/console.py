"""Filters that write figures for the reader, and the icons of the sprite."""

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from stamgast.console import reader
from stamgast.console.ledger_words import person_of
from stamgast.console.permissions import VISITOR
from stamgast.console.permissions import may as role_may
from stamgast.console.words import currency_label, with_kinds

register = template.Library()
register.filter("number", reader.number)
register.filter("signed", reader.signed)
register.filter("percent", reader.percent)
register.filter("money", reader.money)
register.filter("day", reader.day)
register.filter("weekday", reader.weekday)
register.filter("month", reader.month)
register.filter("hour", reader.hour)
register.filter("ago", reader.ago)
register.filter("days", reader.days)
register.filter("currency", currency_label)
register.filter("person", person_of)
register.filter("with_kinds", with_kinds)


@register.simple_tag(takes_context=True)
def faulty(context: template.Context, *parts: object) -> SafeString:
    """Says of a field that what stands in it cannot be: ``<input name="amount 1 score"{% faulty "amount" 1 "score" %}>``."""
    is_wrong = context.get("wrong_field") == " ".join(map(str, parts))
    return format_html(' aria-invalid="true" aria-describedby="{}"', "problem") if is_wrong else SafeString("")


@register.simple_tag(takes_context=True)
def may(context: template.Context, method: str, name: str) -> bool:
    """Whether the reader may: ``{% may "POST" "sources" as can_add %}{% if can_add %}`` around what only some may do."""
    return role_may(getattr(context["request"].user, "role", VISITOR), f"console:{name}", method)


@register.simple_tag
def icon(name: str) -> SafeString:
    """A drawing beside words; it says nothing to those who listen."""
    address = static("console/vendor/icons.svg")
    return format_html('<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>', address, name)
