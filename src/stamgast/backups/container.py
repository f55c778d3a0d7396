"""The file of a backup: a plain tar that any system can open, whose last members say what the others must be.

Compressed is what is in it. A file that was cut off lacks its end, and every byte of a member is under a checksum.
"""

import contextlib
import hashlib
import os
import tarfile
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO

import msgspec

from stamgast import __version__
from stamgast.backups.errors import BackupDamaged, BackupExists, BackupTooNew
from stamgast.backups.types import FORMAT, Description, Member

BLOCK = tarfile.BLOCKSIZE
CHUNK = 1024 * 1024
DESCRIPTION = "backup.json"
SEAL = "backup.json.sha256"
LONGEST_DESCRIPTION = 256 * CHUNK


class Writer:
    """Writes a backup under another name, readable by its owner only; it gets its own name when it is whole and on the disk."""

    def __init__(self, path: Path, at: datetime) -> None:
        if path.exists():
            raise BackupExists(f"{path} is there already. Name another file: a backup is never written over.")
        self.path = path
        self.members: list[Member] = []
        self._at = int(at.timestamp())
        self._draft = path.with_name(f"{path.name}.part")
        self._file = os.fdopen(os.open(self._draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b")

    def add(self, name: str, chunks: Iterable[bytes]) -> None:
        """A member of whatever length: its header is written again when the length is known."""
        begins = self._file.tell()
        self._file.write(self._header(name, 0))
        digest, size = hashlib.sha256(), 0
        for chunk in chunks:
            self._file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
        self._file.write(bytes(-size % BLOCK))
        ends = self._file.tell()
        self._file.seek(begins)
        self._file.write(self._header(name, size))
        self._file.seek(ends)
        self.members.append(Member(name, size, digest.hexdigest()))

    def finish(self, description: Description) -> Description:
        """Seals it, and gives the description with the members in it."""
        description = msgspec.structs.replace(description, members=tuple(self.members))
        content = msgspec.json.format(msgspec.json.encode(description))
        self.add(DESCRIPTION, [content])
        self.add(SEAL, [hashlib.sha256(content).hexdigest().encode() + b"\n"])
        self._file.write(bytes(2 * BLOCK))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._draft.rename(self.path)
        return description

    def abandon(self) -> None:
        """Leaves nothing behind."""
        self._file.close()
        self._draft.unlink(missing_ok=True)

    def _header(self, name: str, size: int) -> bytes:
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = size, 0o600, self._at
        header = info.tobuf(tarfile.GNU_FORMAT)
        assert len(header) == BLOCK, "a member's name has at most 100 characters, so that its header is one block"
        return header


@contextlib.contextmanager
def writing(path: Path, at: datetime) -> Iterator[Writer]:
    """A writer for the block; what is not finished is removed."""
    writer = Writer(path, at)
    try:
        yield writer
    finally:
        writer.abandon()


def read_description(path: Path) -> Description:
    """What the backup says about itself; raises BackupDamaged when it does not say it, or says it with other words."""
    with _opened(path) as tar:
        found = {info.name: info for info in tar if info.name in (DESCRIPTION, SEAL)}
        if found.keys() != {DESCRIPTION, SEAL} or found[DESCRIPTION].size > LONGEST_DESCRIPTION:
            raise BackupDamaged(f"{path} has no end, or is no backup: it was cut off. Take another one.")
        content, seal = _read(tar, found[DESCRIPTION]), _read(tar, found[SEAL])
    if hashlib.sha256(content).hexdigest() != seal.decode(errors="replace").strip():
        raise BackupDamaged(f"{path} is damaged in its description. Take another backup.")
    try:
        if (made := msgspec.json.decode(content, type=_Stamp)).format > FORMAT:
            raise too_new(made.version)
        return msgspec.json.decode(content, type=Description)
    except msgspec.DecodeError:
        raise BackupDamaged(f"{path} has a description that cannot be read. Take another backup.") from None


class _Stamp(msgspec.Struct):
    """What every format says, so that the description of a later one need not be understood."""

    format: int
    version: str


def too_new(version: str) -> BackupTooNew:
    """The refusal of what a later version made."""
    return BackupTooNew(
        f"This backup was made by Stamgast {version[:40]}, which is newer than this one ({__version__}) and has tables that it "
        "does not know. Install that version or a later one, and restore with it."
    )


def verify(path: Path, description: Description, progress: Callable[[int], None]) -> None:
    """Reads every byte; raises BackupDamaged with the first member that is not what was written."""
    wanted = {member.name: member for member in description.members}
    with _opened(path) as tar:
        for info in tar:
            if info.name in (DESCRIPTION, SEAL):
                continue
            member, digest = wanted.pop(info.name, None), hashlib.sha256()
            for chunk in _chunks(tar, info):
                digest.update(chunk)
                progress(len(chunk))
            if member is None or (info.size, digest.hexdigest()) != (member.size, member.sha256):
                raise BackupDamaged(f"{path} is damaged: {info.name} is not what was written. Take another backup.")
    if wanted:
        raise BackupDamaged(f"{path} is damaged: {min(wanted)} is missing. Take another backup.")


def read_members(path: Path) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Each member with its content, in the order in which they were written. Take the content before the next member."""
    with _opened(path) as tar:
        for info in tar:
            yield info.name, _chunks(tar, info)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path, "r:") as tar:
            yield tar
    except (tarfile.TarError, EOFError, UnicodeDecodeError) as error:
        raise BackupDamaged(f"{path} is damaged, or is no backup ({type(error).__name__}). Take another one.") from None


def _content(tar: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    file = tar.extractfile(info)
    if file is None:
        raise BackupDamaged(f"{info.name[:100]} in the backup is no file. Take another backup.")
    return file


def _read(tar: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    return _content(tar, info).read()


def _chunks(tar: tarfile.TarFile, info: tarfile.TarInfo) -> Iterator[bytes]:
    file = _content(tar, info)
    while chunk := file.read(CHUNK):
        yield chunk
