"""Kinds of activities: what we know, what came in without a description, and the schema that each must keep."""

import json

import msgspec
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from stamgast.activities.errors import InvalidKind
from stamgast.activities.operations import set_schema
from stamgast.activities.queries import get_kind, list_kinds, list_latest
from stamgast.console.pages import actor_of, note, page, show
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction

EXAMPLES = 3
STARTING_POINT = {"type": "object", "required": [], "properties": {}}


@page
@require_GET
def kinds(request: HttpRequest) -> HttpResponse:
    """The catalogue: first what was met and not described, then the rest."""
    with open_cursor() as cursor:
        found = list_kinds(cursor)
    unknown = [kind for kind in found if kind.schema is None and kind.first_seen_at is not None]
    known = sorted((kind for kind in found if kind not in unknown), key=lambda kind: kind.name)
    context = {
        "unknown": unknown,
        "met": [kind for kind in known if kind.first_seen_at is not None],
        "unmet": [kind for kind in known if kind.first_seen_at is None],
    }
    return show(request, "console/kinds.html", context)


@page
@require_http_methods(["GET", "POST"])
def kind(request: HttpRequest, name: str) -> HttpResponse:
    """One kind with its schema, and the last few that came in to write it by."""
    with open_cursor() as cursor:
        row = get_kind(cursor, name)
        examples = list_latest(cursor, kind=name, limit=EXAMPLES).rows
    text = _pretty(row.schema if row.schema is not None else STARTING_POINT)
    problem = ""
    if request.method == "POST":
        text = request.POST.get("schema", "")
        try:
            schema = _read_schema(text)
            with transaction() as cursor:
                before = get_kind(cursor, name).schema
                set_schema(cursor, name, schema, at=utc_now(), actor=actor_of(request))
                note(cursor, request, "set schema", f"kind:{name}", before=before, after=schema)
        except InvalidKind as error:
            problem = error.message
        else:
            messages.success(request, _("Saved. What comes in from now on must keep to it; what is stored stays as it is."))
            return redirect("console:kinds")
    context = {
        "kind": row,
        "text": text,
        "problem": problem,
        "reason": request.POST.get("reason", ""),
        "examples": [(example, _pretty(example.properties)) for example in examples],
    }
    return show(request, "console/kind.html", context, status=422 if problem else 200)


def _read_schema(text: str) -> dict[str, object] | None:
    if not text.strip():
        return None
    try:
        return msgspec.json.decode(text, type=dict[str, object])
    except msgspec.DecodeError:
        raise InvalidKind(_("This is not JSON, or not one object. Look for a missing comma, quote or brace.")) from None


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
