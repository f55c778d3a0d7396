"""Where uploaded files lie, and taking one in: written to disk as it comes, counted, and its digest taken on the way.

A file's own name is kept in the database only; on disk all are called alike, so that no name is a path.
"""

import codecs
import errno
import hashlib
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from uuid import UUID

from django.conf import settings

from stamgast.activities.uploads.errors import NoRoomForUpload, UnsupportedFile, UploadTooLarge

MEGABYTE = 1_000_000
ROOM_BYTES = 256 * MEGABYTE
"""What stays free on the disk, so that an upload never stops intake."""
SPARE_BYTES = 64 * 1024
"""A request is a little larger than its file."""
_PARQUET = b"PAR1"
_UNSUPPORTED = {b"\x1f\x8b": "compressed", b"PK\x03\x04": "spreadsheet", b"\xd0\xcf\x11\xe0": "spreadsheet", b"%PDF": "other"}


@dataclass(frozen=True, slots=True)
class Received:
    """A file that came in whole."""

    id: UUID
    name: str
    path: Path
    size_bytes: int
    sha256: bytes
    is_parquet: bool
    is_utf8: bool


def uploads_folder() -> Path:
    """Where all of them are; workers on other machines need the same folder under the same setting."""
    return Path(settings.CONFIGURATION.data) / "uploads"


def path_of(upload_id: UUID, *, is_parquet: bool) -> Path:
    """Where the file of an upload is."""
    return uploads_folder() / str(upload_id) / ("file.parquet" if is_parquet else "file.csv")


def most_bytes() -> int:
    """The largest file that is taken."""
    return int(settings.CONFIGURATION.upload_mb) * MEGABYTE


def check_room(size_bytes: int) -> None:
    """Raises UploadTooLarge, or NoRoomForUpload when the disk could not hold it: once on its way and once where it stays."""
    if size_bytes > most_bytes() + SPARE_BYTES:
        raise UploadTooLarge(
            f"The file is larger than {settings.CONFIGURATION.upload_mb} MB. Split it, or use stamgast import."
        )
    folder = uploads_folder()
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < 2 * size_bytes + ROOM_BYTES:
        raise NoRoomForUpload("The disk has no room for this file. Free some space and send it again.")


class Receiving:
    """A file that comes in, part by part. Whatever ends it otherwise than ``finish`` is followed by ``discard``."""

    def __init__(self, upload_id: UUID, name: str) -> None:
        self.id = upload_id
        self.name = name[-150:]
        self.size_bytes = 0
        self._digest = hashlib.sha256()
        self._decoder: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
        self._folder = uploads_folder() / str(upload_id)
        self._folder.mkdir(parents=True, mode=0o700)
        self._path = self._folder / "part"
        self._file: IO[bytes] = self._path.open("wb")
        self._head = b""

    def write(self, part: bytes) -> None:
        """Raises UploadTooLarge, NoRoomForUpload."""
        self.size_bytes += len(part)
        if self.size_bytes > most_bytes():
            raise UploadTooLarge(f"The file is larger than {settings.CONFIGURATION.upload_mb} MB.")
        self._head = self._head or part[:8]
        self._digest.update(part)
        try:
            self._file.write(part)
        except OSError as error:
            raise _no_room(error) from None
        if self._decoder is not None:
            self._decode(part)

    def finish(self) -> Received:
        """The file, safe on the disk under its own name. Raises NoRoomForUpload, UnsupportedFile."""
        try:
            self._file.close()
        except OSError as error:
            raise _no_room(error) from None
        for mark, wrong in _UNSUPPORTED.items():
            if self._head.startswith(mark):
                raise UnsupportedFile("This is neither CSV nor Parquet.", wrong=wrong)
        if self._decoder is not None:
            self._decode(b"", final=True)
        is_parquet = self._head.startswith(_PARQUET)
        path = self._path.replace(path_of(self.id, is_parquet=is_parquet))
        return Received(
            self.id, self.name, path, self.size_bytes, self._digest.digest(), is_parquet, is_utf8=self._decoder is not None
        )

    def discard(self) -> None:
        """Leaves nothing of it."""
        self._file.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _decode(self, part: bytes, *, final: bool = False) -> None:
        assert self._decoder is not None
        try:
            self._decoder.decode(part, final)
        except UnicodeDecodeError:
            self._decoder = None


def remove(upload_id: UUID) -> None:
    """Takes a file away, and what it was refused with."""
    shutil.rmtree(uploads_folder() / str(upload_id), ignore_errors=True)


def remove_leftovers(known: Collection[UUID], *, before: datetime) -> None:
    """Takes away what nobody touched since ``before`` and no upload knows: what processes that were killed left behind."""
    names = {str(one) for one in known}
    for path in uploads_folder().glob("*"):
        if path.name in names or datetime.fromtimestamp(path.stat().st_mtime, UTC) >= before:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _no_room(error: OSError) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return NoRoomForUpload("The disk became full while the file came in. Free some space and send it again.")
    return error
