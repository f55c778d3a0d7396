"""Who owns a data folder: locks that the kernel releases when their holder dies, however it dies."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from stamgast.kit.errors import Kind, StamgastError


class DatabaseUnavailable(StamgastError):
    """PostgreSQL could not be started or reached."""

    code = "database_unavailable"
    kind = Kind.UNAVAILABLE


class FolderInUse(StamgastError):
    """Another process owns the data folder."""

    code = "folder_in_use"
    kind = Kind.CONFLICT


class Claim:
    """The exclusive lock of a folder's owner. Dies with the process."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._owner: IO[str] | None = None

    def take(self, name: str) -> bool:
        """Becomes the owner, unless somebody is. ``name`` tells others who."""
        try:
            self.data.mkdir(parents=True, exist_ok=True)
            file = (self.data / "owner.lock").open("a+")
        except OSError as error:
            raise DatabaseUnavailable(
                f"The data folder {self.data} cannot be used ({error.strerror}). Give yourself the right to it, "
                "or name another folder in STAMGAST_DATA."
            ) from None
        if not lock(file, fcntl.LOCK_EX | fcntl.LOCK_NB):
            file.close()
            return False
        file.truncate(0)
        file.write(f"{name} (process {os.getpid()})")
        file.flush()
        self._owner = file
        return True

    def holder(self) -> str:
        """Who owns the folder, in words."""
        with contextlib.suppress(OSError):
            return (self.data / "owner.lock").read_text().strip() or "another process"
        return "another process"

    def refusal(self) -> FolderInUse:
        """The error for one who wanted to be the owner."""
        return FolderInUse(
            f"The data folder {self.data} is in use by {self.holder()}. One server runs on one folder: "
            "stop the other, or name another folder in STAMGAST_DATA."
        )

    def release(self) -> None:
        """Lets another be the owner."""
        if self._owner:
            self._owner.close()
            self._owner = None


def lock(file: IO[str], how: int) -> bool:
    try:
        fcntl.flock(file, how)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        raise
    return True


@contextlib.contextmanager
def using(data: Path) -> Iterator[None]:
    with (data / "users.lock").open("a+") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        yield
