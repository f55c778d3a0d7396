"""The one file that says which files are the lake. It is replaced whole, so a reader sees the old state or the new one."""

import os
from datetime import datetime
from pathlib import Path

import msgspec

from stamgast.lake.errors import LakeNotThere, LakeUnreadable

NAME = "manifest.json"


class Part(msgspec.Struct, frozen=True):
    """One Parquet file, by its path within the lake."""

    file: str
    month: str
    rows: int


class State(msgspec.Struct, frozen=True):
    """One dataset: up to where it was copied, an empty file with its columns, and its files."""

    columns: str
    limit: int = 0
    digest: str = ""
    parts: tuple[Part, ...] = ()


class Retired(msgspec.Struct, frozen=True):
    """A file that no longer counts, kept a while for those who opened the lake before."""

    file: str
    at: datetime


class Manifest(msgspec.Struct, frozen=True):
    """The whole lake. ``server`` and ``begun_at`` say which lake it is, ``version`` which of its states."""

    server: str
    begun_at: datetime
    version: int = 0
    exported_at: datetime | None = None
    datasets: dict[str, State] = {}
    retired: tuple[Retired, ...] = ()

    def files(self, retired_after: datetime | None = None) -> set[str]:
        """Every file that may still be read: those that count, and those that were retired after the moment."""
        listed = {part.file for state in self.datasets.values() for part in state.parts}
        return (
            listed
            | {state.columns for state in self.datasets.values()}
            | {retired.file for retired in self.retired if retired_after is None or retired.at > retired_after}
        )


def find_manifest(folder: Path) -> Manifest | None:
    """The manifest in force, or None before the first export."""
    try:
        return msgspec.json.decode((folder / NAME).read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, OSError) as error:
        raise LakeUnreadable(
            f"The lake's {NAME} cannot be read ({type(error).__name__}). Put it back from a copy, or remove all of "
            "the lake but its archive: the next export makes it again from PostgreSQL."
        ) from None


def get_manifest(folder: Path) -> Manifest:
    """The manifest in force; raises LakeNotThere before the first export."""
    found = find_manifest(folder)
    if found is None:
        raise LakeNotThere("Nothing has been exported to the lake yet. The worker does it every minute once it runs.")
    return found


def put_manifest(folder: Path, manifest: Manifest) -> None:
    """Makes it the one in force, after everything it names has reached the disk."""
    write_whole(folder / NAME, msgspec.json.format(msgspec.json.encode(manifest)))


def write_whole(path: Path, content: bytes) -> None:
    """The file with this content, or as it was: never a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".tmp")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Brings the names in a folder to the disk, so that a file survives a power cut under its name."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
