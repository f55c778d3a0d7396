"""Files that are imported by hand: handing one in, saying what its columns are, trying it, starting it, and how far it is."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils.http import content_disposition_header
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from stamgast.activities.errors import InvalidSourceName
from stamgast.activities.importers.choices import (
    DATE,
    DELIMITERS,
    ENCODINGS,
    FORMATS,
    KIND,
    NAMED,
    ROLES,
    Choice,
    Choices,
    guess_columns,
    guess_format,
    mapping_text,
    plain_name,
    read_choices,
    write_choices,
)
from stamgast.activities.importers.errors import UnreadableFile
from stamgast.activities.importers.looking import ROWS, Look, look
from stamgast.activities.importers.mapping import Csv, read_mapping
from stamgast.activities.importers.rejects import path_of as rejects_path_of
from stamgast.activities.queries import list_kinds, list_sources
from stamgast.activities.uploads.files import most_bytes, path_of, uploads_folder
from stamgast.activities.uploads.operations import choose, start_upload, stop_upload
from stamgast.activities.uploads.queries import find_kept, find_same, get_upload, list_uploads
from stamgast.activities.uploads.types import State, Upload
from stamgast.console import reader, upload_words
from stamgast.console.pages import act, actor_of, is_part, note, page, role_of, show, start_of_today
from stamgast.console.permissions import may
from stamgast.console.receiving import FileToDisk
from stamgast.console.refusal_words import refusal_sentence
from stamgast.flows.keep_upload import keep_upload, stamps_of
from stamgast.flows.run_uploads import try_upload
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction
from stamgast.kit.errors import StamgastError

LIST_ROWS = 25
PREVIEW_ROWS = 8
SAMPLES = 3
MOST_KINDS = 20
MOST_REFUSED = 25
CHOOSING = (State.UPLOADED, State.READY, State.FAILED)


@csrf_exempt  # what is sent is read by a handler of our own, which has to be there before the token is looked for: see _hand_in
@page
@require_http_methods(["GET", "POST"])
def uploads(request: HttpRequest) -> HttpResponse:
    """The files that were handed in, the latest first, and a form for the next. Sent: keeps the file."""
    problem, name = "", request.GET.get("source", "")
    if request.method == "POST":
        to_disk = FileToDisk(request)
        request.upload_handlers = [to_disk]
        try:
            return _hand_in(request, to_disk)
        except StamgastError as error:
            problem = upload_words.error_sentence(error) or refusal_sentence(error)
            name = request.POST.get("source", "") if hasattr(request, "_post") else ""
        finally:
            if not getattr(request, "is_kept", False):
                to_disk.discard()
    else:
        asked = {"too_large": "upload_too_large", "no_room": "no_room_for_upload"}.get(request.GET.get("problem", ""))
        problem = upload_words.problem_sentence(asked, {}) if asked else ""
    with open_cursor() as cursor:
        found = list_uploads(cursor, after=request.GET.get("after") or None, limit=LIST_ROWS)
        sources = [one.source.name for one in list_sources(cursor, since=start_of_today())]
    context = {
        "rows": [_row(one) for one in found.rows],
        "next": found.next_cursor,
        "sources": sources,
        "name": name,
        "problem": problem,
        "most": most_bytes(),
        "most_words": upload_words.size(most_bytes()),
        "is_whole": not is_part(request),
    }
    return show(request, "console/uploads.html", context, status=422 if problem and request.method == "POST" else 200)


@csrf_protect
def _hand_in(request: HttpRequest, to_disk: FileToDisk) -> HttpResponse:
    name = request.POST.get("source", "").strip()
    received = to_disk.received
    if received is None or not received.size_bytes:
        raise UnreadableFile("The file is empty.", wrong="empty")
    if not name:
        raise InvalidSourceName("Say where the file comes from.")
    configuration = settings.CONFIGURATION
    keep_upload(
        received, name, zone=configuration.timezone, currency=configuration.currency, at=utc_now(), actor=actor_of(request)
    )
    request.is_kept = True  # type: ignore[attr-defined]
    return redirect("console:upload", received.id)


@page
@require_http_methods(["GET", "POST"])
def upload(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """One file. Before it is started: its first rows and what the columns are; then how far it is, and what it came to."""
    with open_cursor() as cursor:
        found = get_upload(cursor, upload_id)
    if found.state not in CHOOSING or found.removed_at is not None:
        return _progress(request, found)
    if not may(role_of(request), "console:upload", "POST"):
        return _progress(request, found)
    try:
        return _choosing(request, found)
    except UnreadableFile as error:
        # Not even its first rows can be read, written as was chosen; the former choice can.
        if error.details.get("wrong") == "gone" or request.method != "POST":
            return _progress(request, replace(found, problem={"code": error.code, "details": error.details}))
        messages.error(request, upload_words.error_sentence(error))
        return redirect("console:upload", found.id)


@require_POST
@act
def stop(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """Ends it after the rows at hand."""
    with transaction() as cursor:
        stop_upload(cursor, upload_id, at=utc_now())
        note(cursor, request, "stop import", f"upload:{upload_id}")
    return redirect("console:upload", upload_id)


@require_POST
@act
def go_on(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """Goes on where it stopped, or tries again what failed."""
    with transaction() as cursor:
        start_upload(cursor, upload_id, at=utc_now(), actor=actor_of(request))
        note(cursor, request, "go on with import", f"upload:{upload_id}")
    return redirect("console:upload", upload_id)


@page
@require_GET
def rejects(request: HttpRequest, upload_id: UUID) -> StreamingHttpResponse:
    """The rows that were refused, with line and reason, ready to be corrected and handed in. The trail says who took them."""
    with transaction() as cursor:
        found = get_upload(cursor, upload_id)
        path = rejects_path_of(path_of(found.id, is_parquet=found.is_parquet))
        if found.removed_at is not None or not path.is_file():
            raise Http404
        note(cursor, request, "export refused rows", f"upload:{found.id}", file=found.name)
    name = f"{found.name.rpartition('.')[0] or found.name}.refused.csv"
    response = StreamingHttpResponse(_parts(path))
    response["Content-Type"] = "text/csv"
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


async def _parts(path: Path) -> AsyncIterator[bytes]:
    """The file, a part at a time. Asynchronous, because the server would gather an ordinary iterator before it sends it."""
    with path.open("rb") as file:
        while part := await sync_to_async(file.read)(256 * 1024):
            yield part


def _choosing(request: HttpRequest, found: Upload) -> HttpResponse:
    post, said = request.POST, request.POST.get("act", "")
    choices = read_choices(found.choices)
    seen = _look(found, choices)
    if said:
        typed = _typed(post, choices)
        if _csv(typed) != _csv(choices):
            seen = _look(found, typed)
            guessed = guess_columns([name for name in seen.columns if name not in seen.nested])
            typed = replace(
                typed, columns={name: typed.columns.get(name, guessed.get(name, Choice())) for name in seen.columns}
            )
            typed = replace(typed, format=typed.format or guess_format(stamps_of(typed, seen)))
        choices = replace(typed, columns={name: typed.columns.get(name, Choice()) for name in seen.columns})
    problem = trial = None
    if said in ("try", "start"):
        try:
            mapping = mapping_text(choices)
            read_mapping(mapping)
            _keep(found, choices, mapping)
            if said == "start":
                return _start(request, found)
            with open_cursor() as cursor:
                trial = try_upload(cursor, get_upload(cursor, found.id), at=utc_now())
        except StamgastError as error:
            problem = upload_words.error_sentence(error)
    elif said:
        _keep(found, choices, None)
    elif found.problem:
        problem = upload_words.problem_sentence(str(found.problem["code"]), found.problem["details"])
    context = _form(found, choices, seen) | {"problem": problem, "trial": trial and _told(trial), "step": 3 if trial else 2}
    return show(request, "console/upload.html", context, status=422 if problem and said else 200)


def _start(request: HttpRequest, found: Upload) -> HttpResponse:
    with transaction() as cursor:
        start_upload(cursor, found.id, at=utc_now(), actor=actor_of(request))
        note(cursor, request, "start import", f"upload:{found.id}", file=found.name, source=found.source)
    return redirect("console:upload", found.id)


def _keep(found: Upload, choices: Choices, mapping: str | None) -> None:
    with transaction() as cursor:
        choose(cursor, found.id, choices=write_choices(choices), mapping=mapping, at=utc_now())


def _look(found: Upload, choices: Choices) -> Look:
    path = path_of(found.id, is_parquet=found.is_parquet)
    if not path.is_file():
        raise UnreadableFile("The file is not in the data folder.", wrong="gone")
    return look(path, _csv(choices), folder=uploads_folder())


def _csv(choices: Choices) -> Csv:
    return Csv(delimiter=choices.delimiter, encoding=choices.encoding, decimal=choices.decimal)


def _typed(post: QueryDict, before: Choices) -> Choices:
    """What the form says; what it does not say, or says in words of its own, stays as it was."""
    columns: dict[str, Choice] = {}
    for place in range(_count(post, "columns")):
        column, role = post.get(f"column {place}", ""), post.get(f"role {place}", "")
        name = post.get(f"name {place}", "").strip()[:100]
        if role in NAMED and not name:
            name = plain_name(column)
        columns[column] = Choice(role, name if role in NAMED else "") if role in ROLES else Choice()
    kinds = {post.get(f"value {n}", ""): post.get(f"kind {n}", "").strip()[:200] for n in range(_count(post, "kinds"))}
    zone = post.get("zone", before.zone)
    return replace(
        before,
        columns=columns or before.columns,
        kind=post.get("kind", before.kind).strip()[:200],
        kinds=kinds or before.kinds,
        zone=zone if zone in available_timezones() else before.zone,
        format=form if (form := post.get("format", before.format)) in FORMATS else before.format,
        delimiter=mark if (mark := post.get("delimiter", "")) in DELIMITERS else before.delimiter,
        encoding=code if (code := post.get("encoding", "")) in ENCODINGS else before.encoding,
        decimal=point if (point := post.get("decimal", "")) in (".", ",") else before.decimal,
    )


def _count(post: QueryDict, name: str) -> int:
    said = post.get(name, "")
    return min(int(said), 2_000) if said.isascii() and said.isdigit() else 0


def _form(found: Upload, choices: Choices, seen: Look) -> dict[str, Any]:
    with open_cursor() as cursor:
        kinds = [kind.name for kind in list_kinds(cursor)]
        kept = find_kept(cursor, found.source_id, seen.columns)
        same = find_same(cursor, found)
    column = choices.column_of(KIND)
    values = list(dict.fromkeys(seen.values(column)))[:MOST_KINDS] if column in seen.columns and column else []
    return {
        "upload": found,
        "size": upload_words.size(found.size_bytes),
        "columns": [
            {
                "name": name,
                "choice": choices.columns.get(name, Choice()),
                "samples": list(dict.fromkeys(seen.values(name)))[:SAMPLES],
                "is_nested": name in seen.nested,
            }
            for name in seen.columns
        ],
        "preview": seen.rows[:PREVIEW_ROWS],
        "choices": choices,
        "roles": upload_words.role_groups(),
        "formats": upload_words.formats(),
        "delimiters": upload_words.delimiters(),
        "encodings": upload_words.encodings(),
        "zones": sorted(available_timezones()),
        "kinds": kinds,
        "kind_values": [(value, choices.kinds.get(value, value)) for value in values],
        "has_kind_column": column is not None,
        "kept_from": kept[1] if kept is not None and found.state is State.UPLOADED else "",
        "same": same,
        "has_moment": choices.column_of(DATE) is not None,
    }


def _told(trial: Any) -> dict[str, Any]:
    return {
        "trial": trial,
        "is_all": trial.rows < ROWS,
        "refused": [(line, upload_words.reject_sentence(reason)) for line, reason in trial.refused[:MOST_REFUSED]],
        "more": max(0, len(trial.refused) - MOST_REFUSED),
        "kinds": trial.kinds,
    }


def _progress(request: HttpRequest, found: Upload) -> HttpResponse:
    pace = left = None
    if found.begun_at is not None and found.beat_at is not None and found.state is State.RUNNING:
        seconds = (found.beat_at - found.begun_at).total_seconds()
        pace = (found.rows_done - found.rows_before) / seconds if seconds >= 1 else None
        if pace and found.rows_total is not None:
            left = upload_words.lapse((found.rows_total - found.rows_done) / pace)
    rejects_path = rejects_path_of(path_of(found.id, is_parquet=found.is_parquet))
    with open_cursor() as cursor:
        same = find_same(cursor, found)
    context = {
        "upload": found,
        "size": upload_words.size(found.size_bytes),
        "state": upload_words.state_label(found.state),
        "is_live": found.state is State.RUNNING,
        "share": reader.percent(found.rows_done / found.rows_total, 0) if found.rows_total else "",
        "pace": round(pace) if pace else None,
        "left": left,
        "accepted": found.activities_new,
        "reasons": [(upload_words.reject_sentence(reason), count) for reason, count in found.reasons.items()],
        "has_rejects": found.rows_refused and found.removed_at is None and rejects_path.is_file(),
        "problem": upload_words.problem_sentence(str(found.problem["code"]), found.problem["details"]) if found.problem else "",
        "same": same,
        "step": 4,
    }
    if is_part(request):
        part = show(request, "console/parts/upload_live.html", context)
        if found.state is not State.RUNNING:
            part["HX-Refresh"] = "true"  # the page that comes then asks no more
        return part
    return show(request, "console/upload_progress.html", context)


def _row(one: Upload) -> dict[str, Any]:
    return {
        "upload": one,
        "state": upload_words.state_label(one.state),
        "size": upload_words.size(one.size_bytes),
        "who": one.uploaded_by.partition(":")[2] or one.uploaded_by,
        "share": reader.percent(one.rows_done / one.rows_total, 0) if one.rows_total and one.state is State.RUNNING else "",
        "is_good": one.state is State.DONE,
        "is_bad": one.state is State.FAILED,
    }
