"""The routes of ``/v1`` about programmes: their versions to the letter, the schema, and drafts sent to review."""

import json
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, NinjaAPI, Query, Schema
from ninja.responses import Status

from stamgast.api.idempotency import idempotent
from stamgast.api.keys import actor_of
from stamgast.api.shapes import Paging
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor
from stamgast.kit.paging import decode_cursor, page_of
from stamgast.programmes.documents import load, read_schema
from stamgast.programmes.drafts import LONGEST_REASON, LONGEST_TITLE, begin_draft, send_to_review
from stamgast.programmes.queries import get_programme, list_versions, list_withdrawn
from stamgast.programmes.queries import list_programmes as list_names
from stamgast.programmes.types import Version
from stamgast.programmes.versions import find_in_force, get_version


class VersionState(StrEnum):
    """Where a version stands: it holds, held, will hold, or was taken back before it did."""

    IN_FORCE = "in_force"
    REPLACED = "replaced"
    SCHEDULED = "scheduled"
    WITHDRAWN = "withdrawn"


class VersionShape(Schema):
    """One version, without its document."""

    version: int
    state: VersionState
    effective_from: datetime
    published_at: datetime
    published_by: str
    reason: str
    sha256: str


class DocumentShape(VersionShape):
    """One version with its document, to the letter."""

    document: str


class ProgrammeShape(Schema):
    """A programme and its version in force; null before the first took effect."""

    name: str
    version: int | None


class ProgrammeList(Schema):
    """Every programme."""

    data: list[ProgrammeShape]


class VersionPage(Schema):
    """A page of versions, the newest first."""

    data: list[VersionShape]
    next_cursor: str | None


class DraftBody(Schema):
    """A document to review. ``base`` is the newest version that it was made from; left out, the newest there is."""

    title: str = Field(min_length=1, max_length=LONGEST_TITLE)
    document: str
    reason: str = Field(min_length=1, max_length=LONGEST_REASON)
    base: int | None = None


class DraftShape(Schema):
    """A draft that waits for review."""

    id: UUID
    title: str
    base: int
    state: str


def register(api: NinjaAPI) -> None:
    """Adds the routes."""
    api.get("/programmes", response=ProgrammeList, summary="Every programme")(list_programmes)
    api.get("/programmes/schema", summary="The JSON Schema of documents")(read_programme_schema)
    api.get("/programmes/{name}/versions", response=VersionPage, summary="The versions of a programme")(list_programme_versions)
    api.get("/programmes/{name}/versions/{number}", response=DocumentShape, summary="One version")(read_programme_version)
    api.post("/programmes/{name}/drafts", response={201: DraftShape}, summary="Send a document to review")(add_programme_draft)


def list_programmes(request: HttpRequest) -> dict[str, Any]:
    """Every programme by name, with the number of its version in force."""
    now = utc_now()
    with open_cursor() as cursor:
        found = [(name, find_in_force(list_versions(cursor, name), now)) for name in list_names(cursor)]
    return {"data": [{"name": name, "version": version.version if version else None} for name, version in found]}


def read_programme_schema(request: HttpRequest) -> Any:
    """The JSON Schema (2020-12) that documents are checked against, as ``stamgast programme schema`` prints it."""
    return json.loads(read_schema())


def list_programme_versions(request: HttpRequest, name: str, paging: Query[Paging]) -> dict[str, Any]:
    """Every version, the newest first, those that were withdrawn too."""
    versions = [shape for _, shape in _read(name)]
    if paging.cursor is not None:
        (number,) = decode_cursor(paging.cursor, int)
        versions = [one for one in versions if one["version"] < number]
    page = page_of(versions[: paging.limit + 1], paging.limit, lambda one: (one["version"],))
    return {"data": page.rows, "next_cursor": page.next_cursor}


def read_programme_version(request: HttpRequest, name: str, number: int) -> dict[str, Any]:
    """One version with its document."""
    versions = _read(name)
    wanted = get_version([version for version, _ in reversed(versions)], number)
    return next(shape | {"document": version.document} for version, shape in versions if version == wanted)


@idempotent
def add_programme_draft(request: HttpRequest, name: str, body: DraftBody) -> Status[dict[str, Any]]:
    """Keeps a document as a draft that waits for review; a person publishes it in the console."""
    now, actor = utc_now(), actor_of(request)
    load(body.document)
    with open_cursor() as cursor:
        programme = get_programme(cursor, name)
        base = programme.latest if body.base is None else body.base
        draft = begin_draft(cursor, programme=name, title=body.title, document=body.document, base=base, at=now, actor=actor)
        sent = send_to_review(cursor, draft.id, revision=draft.revision, reason=body.reason, at=now, actor=actor)
    return Status(201, {"id": sent.id, "title": sent.title, "base": sent.base, "state": sent.state})


def _read(name: str) -> list[tuple[Version, dict[str, Any]]]:
    """Every version, the newest first, each with its shape."""
    now = utc_now()
    with open_cursor() as cursor:
        standing = get_programme(cursor, name).versions
        withdrawn = [one.version for one in list_withdrawn(cursor, name)]
    in_force = find_in_force(standing, now)
    found = []
    for version in sorted([*standing, *withdrawn], key=lambda one: -one.version):
        state = VersionState.REPLACED
        if version in withdrawn:
            state = VersionState.WITHDRAWN
        elif version == in_force:
            state = VersionState.IN_FORCE
        elif version.effective_from > now:
            state = VersionState.SCHEDULED
        shape = {name: getattr(version, name) for name in VersionShape.model_fields if name != "state"}
        found.append((version, shape | {"state": state}))
    return found
