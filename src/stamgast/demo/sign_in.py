"""The one person who may look around in the demo, with a password that this installation made up for itself."""

import secrets
from datetime import datetime
from pathlib import Path

from stamgast.access.errors import StaffExists
from stamgast.access.operations import create_staff, set_password
from stamgast.kit.database import transaction

EMAIL = "demo@example.org"
NAME = "Demo"
PASSWORD_FILE = "password"  # noqa: S105  the name of a file


def ensure_staff(folder: Path, *, at: datetime, actor: str) -> str:
    """The password of the demo's person, made the first time, kept in ``folder`` for whoever may read that."""
    path = folder / PASSWORD_FILE
    if path.exists():
        return path.read_text("utf-8").strip()
    password = "-".join(secrets.token_hex(2) for _ in range(4))
    path.touch(mode=0o600)
    with transaction() as cursor:
        try:
            create_staff(cursor, email=EMAIL, name=NAME, password=password, role="owner", at=at, actor=actor)
        except StaffExists:
            set_password(cursor, email=EMAIL, password=password, at=at, actor=actor)
    path.write_text(password + "\n", "utf-8")
    return password
