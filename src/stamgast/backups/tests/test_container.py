"""The file of a backup: what was written is read, and whatever happens to it is noticed before it matters."""

import tarfile
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stamgast.backups.container import SEAL, read_description, read_members, verify, writing
from stamgast.backups.errors import BackupDamaged, BackupExists, BackupTooNew
from stamgast.backups.types import Description

AT = datetime(2026, 3, 1, tzinfo=UTC)
CONTENT = {"database.dump": b"rows" * 700, "lake/manifest.json": b"{}", "lake/empty": b""}
PLAIN = Description(
    format=1, made_at=AT, version="0.1.0", postgres="18.4", migrations=(), place=7, rows={}, settings={}, secret_mark="m"
)


def write(path: Path, description: Description = PLAIN) -> Description:
    with writing(path, AT) as writer:
        for name, content in CONTENT.items():
            writer.add(name, [content[:1000], content[1000:]])
        return writer.finish(description)


def read(path: Path) -> dict[str, bytes]:
    """As a restore does: everything is verified before anything is used."""
    verify(path, read_description(path), lambda size: None)
    return {name: b"".join(chunks) for name, chunks in read_members(path) if name in CONTENT}


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("container") / "backup.tar"
    write(path)
    return path


def test_what_was_written_is_read_by_us_and_by_any_tar(backup: Path) -> None:
    assert read(backup) == CONTENT
    description = read_description(backup)
    assert msgspec.structs.replace(description, members=()) == PLAIN
    assert description.size == sum(map(len, CONTENT.values()))
    with tarfile.open(backup) as tar:
        assert tar.getnames() == [*CONTENT, "backup.json", SEAL]
    assert backup.stat().st_mode & 0o777 == 0o600


@given(place=st.floats(0, 1, exclude_max=True), flipped=st.integers(1, 255))
def test_no_changed_byte_is_restored(backup: Path, place: float, flipped: int) -> None:
    """A changed byte is refused, or it is one that carries nothing: a tar's fillings between members."""
    content = bytearray(backup.read_bytes())
    content[int(place * len(content))] ^= flipped
    changed = backup.with_name("changed.tar")
    changed.write_bytes(content)
    try:
        found = read(changed)
    except (BackupDamaged, BackupTooNew):
        return
    assert found == CONTENT


@given(place=st.floats(0, 1, exclude_max=True))
def test_what_was_cut_off_is_refused(backup: Path, place: float) -> None:
    content = backup.read_bytes().rstrip(b"\0")
    cut = backup.with_name("cut.tar")
    cut.write_bytes(content[: int(place * len(content))])
    with pytest.raises(BackupDamaged):
        read(cut)


def test_a_backup_is_never_written_over(backup: Path) -> None:
    before = backup.read_bytes()
    with pytest.raises(BackupExists):
        write(backup)
    assert backup.read_bytes() == before


def test_what_is_not_finished_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), writing(tmp_path / "backup.tar", AT) as writer:
        writer.add("database.dump", (bytes(1 // divisor) for divisor in (1, 0)))
    assert list(tmp_path.iterdir()) == []


def test_a_later_format_is_refused_with_the_version_that_made_it(tmp_path: Path) -> None:
    write(tmp_path / "backup.tar", msgspec.structs.replace(PLAIN, format=2, version="9.1.0"))
    with pytest.raises(BackupTooNew, match=r"made by Stamgast 9\.1\.0, which is newer than this one"):
        read_description(tmp_path / "backup.tar")
