"""The folder through which the processes of an installation share their counts.

Apart from ``metrics``, because prometheus_client decides where it counts at the moment that it is first imported.
"""

import os
import tempfile
from pathlib import Path

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def share_through(folder: Path) -> None:
    """Names the folder in which this process and its kin keep their counts. Before the first room is imported."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK)
    except OSError:
        writable = False
    os.environ[FOLDER_VARIABLE] = str(folder) if writable else tempfile.mkdtemp(prefix="stamgast-metrics-")


def forget(folder: Path) -> None:
    """Removes the counts of an earlier start. Only the supervisor does, before it has children."""
    for file in folder.glob("*.db"):
        file.unlink(missing_ok=True)
