"""The file of rows that became nothing: where they stood, why, and what they said, ready to be corrected and imported."""

import csv
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO

from stamgast.activities.importers.errors import UnreadableFile
from stamgast.activities.importers.mapping import Csv

LINE, REASON = "line", "reason"


def path_of(path: Path) -> Path:
    """``orders.csv`` has its rejects in ``orders.csv.rejects.csv``."""
    return path.with_name(f"{path.name}.rejects.csv")


class Rejects:
    """The rejects of one import. It is made by the first reject, in the form of the file itself.

    ``size`` says how much of it belongs to what is committed: an import that goes on cuts off what a crash left behind it.
    """

    def __init__(self, path: Path, columns: Sequence[str], csv_format: Csv, *, size: int) -> None:
        self.path = path
        self.size = size
        self._format = csv_format
        # The rejects of rejects: what was said about the rows before does not count any more.
        self._skipped = 2 if tuple(columns[:2]) == (LINE, REASON) else 0
        self._columns = columns[self._skipped :]
        self._file: IO[bytes] | None = None
        if size == 0:
            path.unlink(missing_ok=True)

    def write(self, rows: Iterable[tuple[int, str, Sequence[str | None]]]) -> None:
        """Adds rows (line, reason, fields) and sees to it that they are on the disk before the transaction commits."""
        file = self._file or self._open()
        text = io.StringIO()
        writer = csv.writer(text, delimiter=self._format.delimiter, quotechar=self._format.quote, lineterminator="\n")
        if not file.tell():
            writer.writerow([LINE, REASON, *self._columns])
        for line, reason, fields in rows:
            writer.writerow([line, reason, *fields[self._skipped :]])
        file.write(text.getvalue().encode(self._format.encoding, errors="replace"))
        file.flush()
        os.fsync(file.fileno())
        self.size = file.tell()

    def close(self) -> None:
        """Lets go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> IO[bytes]:
        try:
            if self.size and self.path.exists() and self.path.stat().st_size > self.size:
                os.truncate(self.path, self.size)
            self._file = self.path.open("ab" if self.size else "wb")
        except OSError as error:
            raise UnreadableFile(f"The rejects cannot be written to {self.path}: {error.strerror}.") from None
        return self._file
