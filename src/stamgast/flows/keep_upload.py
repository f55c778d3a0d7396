"""A file that was handed in becomes an upload of a source, with what its columns are likely to be."""

from dataclasses import replace
from datetime import datetime

from stamgast.access.operations import record
from stamgast.activities.importers.choices import KIND, ORDER, Choices, guess_columns, guess_format, write_choices
from stamgast.activities.importers.looking import Look, guess_csv, look
from stamgast.activities.importers.mapping import Csv
from stamgast.activities.operations import ensure_source
from stamgast.activities.uploads.files import Received, uploads_folder
from stamgast.activities.uploads.operations import add_upload
from stamgast.activities.uploads.queries import find_kept
from stamgast.kit.database import Cursor, transaction


def keep_upload(received: Received, source_name: str, *, zone: str, currency: str, at: datetime, actor: str) -> None:
    """Notes the file, in the trail too. Raises UnreadableFile, InvalidSourceName: then the file is the caller's to discard."""
    csv = Csv() if received.is_parquet else guess_csv(received.path, is_utf8=received.is_utf8)
    seen = look(received.path, csv, folder=uploads_folder())
    with transaction() as cursor:
        source = ensure_source(cursor, source_name, at=at, actor=actor)
        choices, _name = begin_choices(cursor, source.id, seen, csv, zone=zone, currency=currency)
        add_upload(cursor, received, source, choices=write_choices(choices), at=at, actor=actor)
        detail = {"file": received.name, "source": source.name, "bytes": received.size_bytes, "sha256": received.sha256.hex()}
        record(cursor, actor, "upload file", f"upload:{received.id}", detail, at)


def begin_choices(
    cursor: Cursor, source_id: int, seen: Look, csv: Csv, *, zone: str, currency: str
) -> tuple[Choices, str | None]:
    """What was chosen last for such a file of this source, and that file's name; else what its columns are called."""
    kept = find_kept(cursor, source_id, seen.columns)
    if kept is not None:
        choices, name = kept
        return _written(choices, csv), name
    columns = guess_columns([name for name in seen.columns if name not in seen.nested])
    choices = _written(Choices(columns=columns, zone=zone, currency=currency), csv)
    is_order = choices.column_of(ORDER) or choices.column_of("revenue")
    kind = "Order Completed" if is_order and not choices.column_of(KIND) else ""
    return replace(choices, kind=kind, format=guess_format(stamps_of(choices, seen))), None


def _written(choices: Choices, csv: Csv) -> Choices:
    return replace(choices, delimiter=csv.delimiter, encoding=csv.encoding, decimal=csv.decimal)


def stamps_of(choices: Choices, seen: Look) -> list[str]:
    """The moments of the first rows as they are written, a date and a time joined by a blank."""
    columns = [column for role in ("date", "time") if (column := choices.column_of(role)) in seen.columns and column]
    places = [seen.columns.index(column) for column in columns]
    stamps = [" ".join((row[place] or "").strip() for place in places) for row in seen.rows] if places else []
    return [stamp for stamp in stamps if stamp.strip()]
