"""The programme's editor: form and document side by side, what the draft would do, and its way to a new version.

A page without a draft keeps nothing between two requests: the document goes with the form. A draft is kept on the server when
somebody says so (decisions 140 and 320).
"""

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from stamgast.activities.queries import list_kinds
from stamgast.console import reader
from stamgast.console.folds import Opened
from stamgast.console.ledger_words import person_of
from stamgast.console.pages import actor_of, is_part, page, show
from stamgast.console.programme_editor import context_of, told
from stamgast.console.programme_fields import Sent, Written, added_by, read_form
from stamgast.console.programme_words import differences
from stamgast.console.refusal_words import refusal_sentence
from stamgast.flows.publish import publish_draft, put_in_force
from stamgast.flows.weigh_programme import weigh_programme
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction
from stamgast.kit.errors import StamgastError
from stamgast.programmes.documents import load
from stamgast.programmes.drafts import (
    Draft,
    DraftState,
    begin_draft,
    drop_draft,
    edit_draft,
    get_draft,
    needs_second_person,
    send_back,
    send_to_review,
)
from stamgast.programmes.errors import InvalidProgramme
from stamgast.programmes.programme import Programme
from stamgast.programmes.queries import get_programme
from stamgast.programmes.types import Version
from stamgast.programmes.versions import find_in_force


@page
@require_http_methods(["GET", "POST"])
def programme_form(request: HttpRequest) -> HttpResponse:
    """A version as form and document; sent, it is weighed, kept as a draft, or published."""
    return edit(request, None)


@page
@require_http_methods(["GET", "POST"])
def programme_draft(request: HttpRequest, draft_id: UUID) -> HttpResponse:
    """A draft as form and document; raises UnknownDraft for one that was thrown away."""
    with open_cursor() as cursor:
        draft = get_draft(cursor, draft_id)
    if draft.state is DraftState.PUBLISHED:
        return redirect(f"{reverse('console:programme')}?version={draft.version}")
    return edit(request, draft)


def edit(request: HttpRequest, draft: Draft | None) -> HttpResponse:
    """The editor, of a draft or of nothing yet. What one pane changes, the other shows; what is kept is kept by a button."""
    with open_cursor() as cursor:
        known = get_programme(cursor)
        kinds = [kind.name for kind in list_kinds(cursor)]
        needs_second = needs_second_person(cursor)
    post, now = request.POST, utc_now()
    act = post.get("act", "").partition(" ")[0]
    version = _version_asked(request, known)
    sent, written = Sent.of(post), read_form(post, draft.document if draft else version.document, version.document)
    base, problem, effect = draft.base if draft else known.latest, written.problem, None
    if "after" in post:
        base, problem = _number(post["after"], base, problem)
    acts = {"keep": _keep, "review": _review, "back": _back, "drop": _drop, "along": _along, "save": _publish}
    try:
        if act in acts and not problem:
            return acts[act](request, draft, written, sent, base)
        if act == "see" and written.document is not None and not problem:
            moment = sent.effective_from(now)
            with open_cursor() as cursor:
                since = moment if sent.is_dated and moment < now else None
                effect = told(cursor, weigh_programme(cursor, written.document.text, effective_from=since, at=now))
    except StamgastError as error:
        problem = refusal_sentence(error)
    if act == "see" and written.document is None and not problem:
        problem = _("The document does not stand yet. What is wrong is marked at its line.")
    typed_fields = post if problem and act not in ("document", "") else QueryDict()
    in_force = find_in_force(known.versions, now) or known.versions[0]
    opened = Opened.of(post if act else request.GET, written.field, added=added_by(post, written))
    shown = context_of(written, load(in_force.document), kinds, sent, now, typed_fields, opened) | {
        "problem": problem,
        "effect": effect,
        "sent": sent,
        "after": base,
        "draft": draft,
        "owner": person_of(draft.owner) if draft else "",
        "changed_by": person_of(draft.changed_by) if draft else "",
        "newest": known.latest,
        "needs_second": needs_second,
        "wrote": draft is not None and actor_of(request) in draft.editors,
        "is_open": act == "document",
    }
    if draft is not None and draft.base != known.latest:
        before = next((one for one in known.versions if one.version == draft.base), None)
        if before is not None:
            language = get_language() or "en"
            shown["meanwhile"] = differences(load(before.document), load(known.versions[-1].document), language)
    if is_part(request) and act in ("form", "document"):
        return render(request, "console/parts/programme_synced.html", shown | {"into": "text" if act == "form" else "fields"})
    refused = problem or (act == "document" and written.document is None)
    return show(request, "console/programme_form.html", shown, status=422 if refused else 200)


def _keep(request: HttpRequest, draft: Draft | None, written: Written, sent: Sent, base: int) -> HttpResponse:
    """Keeps what stands in the panes, sound or not."""
    kept = _kept(request, draft, written, sent, base)
    messages.success(request, _("Kept. Nothing is published, and others can go on with it."))
    return _again(request, kept.id)


def _kept(request: HttpRequest, draft: Draft | None, written: Written, sent: Sent, base: int) -> Draft:
    now, actor = utc_now(), actor_of(request)
    with transaction() as cursor:
        if draft is None:
            name = get_programme(cursor).name
            title = sent.title or _("Draft of %(day)s") % {"day": reader.day(now)}
            return begin_draft(cursor, programme=name, title=title, document=written.typed, base=base, at=now, actor=actor)
        seen = _seen(request)
        return edit_draft(cursor, draft.id, revision=seen, document=written.typed, title=sent.title, at=now, actor=actor)


def _review(request: HttpRequest, draft: Draft | None, written: Written, sent: Sent, base: int) -> HttpResponse:
    _need_reason(sent)
    kept = _kept(request, draft, written, sent, base)
    with transaction() as cursor:
        send_to_review(cursor, kept.id, revision=kept.revision, reason=sent.reason, at=utc_now(), actor=actor_of(request))
    messages.success(request, _("It waits for review now. Whoever may change the programme sees it there."))
    return _again(request, kept.id)


def _back(request: HttpRequest, draft: Draft | None, written: Written, sent: Sent, base: int) -> HttpResponse:
    _need_reason(sent)
    if draft is not None:
        with transaction() as cursor:
            send_back(cursor, draft.id, revision=_seen(request), reason=sent.reason, at=utc_now(), actor=actor_of(request))
        messages.success(request, _("Sent back, with what you said of it."))
    return _again(request, draft.id) if draft else redirect("console:programme")


def _drop(request: HttpRequest, draft: Draft | None, written: Written, sent: Sent, base: int) -> HttpResponse:
    if draft is not None:
        with transaction() as cursor:
            drop_draft(cursor, draft.id, revision=_seen(request), reason=sent.reason, at=utc_now(), actor=actor_of(request))
        messages.info(request, _("The draft is thrown away. Nothing else was changed."))
    return redirect("console:programme")


def _along(request: HttpRequest, draft: Draft | None, written: Written, sent: Sent, base: int) -> HttpResponse:
    """Goes on from the newest version, whose differences the reader has seen."""
    if draft is not None:
        with transaction() as cursor:
            newest = get_programme(cursor).latest
            edit_draft(
                cursor,
                draft.id,
                revision=_seen(request),
                document=written.typed,
                title=sent.title,
                at=utc_now(),
                actor=actor_of(request),
                base=newest,
            )
        messages.info(request, _("The draft goes on from version %(version)s. Its text is as it was.") % {"version": newest})
        return _again(request, draft.id)
    return redirect("console:programme_edit")


def _publish(request: HttpRequest, draft: Draft | None, written: Written, sent: Sent, base: int) -> HttpResponse:
    _need_reason(sent)
    now, actor = utc_now(), actor_of(request)
    moment = sent.effective_from(now)
    if draft is None:
        version = put_in_force(written.typed, effective_from=moment, at=now, actor=actor, reason=sent.reason, after=base)
    else:
        kept = _kept(request, draft, written, sent, base)
        version = publish_draft(kept.id, revision=kept.revision, effective_from=moment, at=now, actor=actor, reason=sent.reason)
    if version.version == base:
        messages.info(request, _("That is the version that holds then already. Nothing was changed."))
    elif version.effective_from < now:
        messages.success(request, _("Published. Customers are decided again in a moment, from that day on."))
    elif version.effective_from > now:
        messages.success(request, _("Scheduled. Until it holds, it can be withdrawn."))
    else:
        messages.success(request, _("Published. It holds for what happens from then on."))
    return redirect("console:programme")


def _again(request: HttpRequest, draft_id: UUID) -> HttpResponse:
    """The draft, drawn again: what is open stays open."""
    opened = urlencode([("open", one) for one in request.POST.getlist("open")])
    return redirect(f"{reverse('console:programme_draft', args=[draft_id])}{'?' if opened else ''}{opened}")


def _need_reason(sent: Sent) -> None:
    if not sent.reason:
        raise InvalidProgramme(_("Say why, so that others understand it later. Nothing was changed."))


def _seen(request: HttpRequest) -> int:
    """The revision that the reader saw; zero, which no draft has, where none was sent."""
    text = request.POST.get("revision", "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _number(text: str, otherwise: int, problem: str) -> tuple[int, str]:
    """The number that was sent, with what was wrong before; ``otherwise`` and a sentence where it is none."""
    if text.isdecimal() and len(text) < 10:
        return int(text), problem
    return otherwise, problem or _("A number that was sent is not a number. Nothing was changed.")


def _version_asked(request: HttpRequest, known: Programme) -> Version:
    """The version that was asked for, else the one in force."""
    asked = next((one for one in known.versions if str(one.version) == request.GET.get("version", "")), None)
    return asked or find_in_force(known.versions, utc_now()) or known.versions[0]
