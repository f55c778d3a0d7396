"""The second factor: a code of this half minute from a telephone (RFC 6238), or a recovery code."""

import hmac
import secrets
from collections.abc import Collection
from datetime import datetime

import pyotp

from stamgast.access.errors import InvalidStaff, SecondFactorRefused, StaffNotFound
from stamgast.access.operations.attempts import forgive
from stamgast.access.operations.trail import record
from stamgast.access.rules import (
    RECOVERY_BYTES,
    RECOVERY_CODES,
    TOTP_STEPS_ASIDE,
    format_recovery_code,
    recovery_digest_of,
    subject_of,
    totp_step_at,
)
from stamgast.access.sealing import find_text, reseal, seal
from stamgast.access.types import Role
from stamgast.kit.database import Cursor


def new_secret() -> str:
    """A secret for the telephone and for us, in base 32."""
    return pyotp.random_base32()


def turn_on(cursor: Cursor, staff: int, secret: str, code: str, *, at: datetime, actor: str) -> list[str]:
    """Takes the secret into use once the telephone has shown that it has it; the recovery codes, shown this once.

    Raises SecondFactorRefused when the code is not one of the secret's.
    """
    step = _step_of(secret, code, at, after=None)
    if step is None:
        raise SecondFactorRefused("This is not the code of this moment.")
    updated = cursor.execute(
        "UPDATE access_staff SET totp_secret = %s, totp_step = %s WHERE id = %s AND is_active RETURNING id",
        (seal(secret), step, staff),
    ).fetchone()
    if updated is None:
        raise StaffNotFound("There is no such person.")
    record(cursor, actor, "turn on second factor", f"staff:{staff}", {}, at)
    return _renew_codes(cursor, staff)


def turn_off(cursor: Cursor, staff: int, *, at: datetime, actor: str) -> None:
    """Signing in asks for the password only. For who lost the telephone and the codes, or wants to begin again."""
    cursor.execute("UPDATE access_staff SET totp_secret = NULL, totp_step = NULL WHERE id = %s", (staff,))
    cursor.execute("DELETE FROM access_recoverycode WHERE staff_id = %s", (staff,))
    forgive(cursor, subject_of("code", str(staff)))
    record(cursor, actor, "turn off second factor", f"staff:{staff}", {}, at)


def check_code(cursor: Cursor, staff: int, code: str, *, at: datetime) -> bool:
    """Takes a code and uses it up: whether it was a recovery code. Raises SecondFactorRefused.

    Where the secret that sealed the telephone's is lost, recovery codes are what is left. The attempt was counted before
    (``count_code``). The person's row is locked, so that one code opens one door.
    """
    row = cursor.execute(
        "SELECT totp_secret, totp_step FROM access_staff WHERE id = %s AND is_active FOR UPDATE", (staff,)
    ).fetchone()
    if row is not None and row[0] is not None:
        secret = find_text(row[0])
        step = None if secret is None else _step_of(secret, code, at, after=row[1])
        if step is not None:
            cursor.execute("UPDATE access_staff SET totp_step = %s WHERE id = %s", (step, staff))
            forgive(cursor, subject_of("code", str(staff)))
            return False
        used = cursor.execute(
            "UPDATE access_recoverycode SET used_at = %s WHERE staff_id = %s AND digest = %s AND used_at IS NULL RETURNING id",
            (at, staff, recovery_digest_of(staff, code)),
        ).fetchone()
        if used is not None:
            forgive(cursor, subject_of("code", str(staff)))
            record(cursor, f"staff:{staff}", "use recovery code", f"staff:{staff}", {}, at)
            return True
    raise SecondFactorRefused("This is not the code of this moment, and no recovery code that is left.")


def renew_codes(cursor: Cursor, staff: int, *, at: datetime, actor: str) -> list[str]:
    """New recovery codes, shown this once; the old ones are no longer good."""
    record(cursor, actor, "renew recovery codes", f"staff:{staff}", {}, at)
    return _renew_codes(cursor, staff)


def set_second_factor_roles(cursor: Cursor, roles: Collection[str], *, at: datetime, actor: str) -> None:
    """Who needs a second factor; who has none yet sets it up at the next click. Raises InvalidStaff."""
    wanted = sorted(set(roles))
    if not set(wanted) <= set(Role):
        raise InvalidStaff(f"There is no such role. The roles are: {', '.join(Role)}.")
    cursor.execute(
        "INSERT INTO access_policy (id, second_factor_roles) VALUES (1, %s) "
        "ON CONFLICT (id) DO UPDATE SET second_factor_roles = excluded.second_factor_roles",
        (wanted,),
    )
    record(cursor, actor, "require second factor", "policy", {"roles": wanted}, at)


def reseal_secrets(cursor: Cursor, *, at: datetime, actor: str) -> int:
    """Seals with the secret in force what a former one sealed; how many. Doing it again changes nothing."""
    rows = cursor.execute(
        "SELECT id, totp_secret FROM access_staff WHERE totp_secret IS NOT NULL ORDER BY id FOR UPDATE"
    ).fetchall()
    changed = [(sealed, staff) for staff, before in rows if (sealed := reseal(before)) is not None]
    cursor.executemany("UPDATE access_staff SET totp_secret = %s WHERE id = %s", changed)
    if changed:
        record(cursor, actor, "seal with new secret", "staff", {"count": len(changed)}, at)
    return len(changed)


def _renew_codes(cursor: Cursor, staff: int) -> list[str]:
    codes = [format_recovery_code(secrets.token_bytes(RECOVERY_BYTES)) for _ in range(RECOVERY_CODES)]
    cursor.execute("DELETE FROM access_recoverycode WHERE staff_id = %s", (staff,))
    cursor.executemany(
        "INSERT INTO access_recoverycode (staff_id, digest) VALUES (%s, %s)",
        [(staff, recovery_digest_of(staff, code)) for code in codes],
    )
    return codes


def _step_of(secret: str, code: str, at: datetime, *, after: int | None) -> int | None:
    """The half minute whose code this is, near this moment and after the last one that was used."""
    plain = "".join(code.split())
    now = totp_step_at(at)
    generator = pyotp.TOTP(secret)
    for step in range(now - TOTP_STEPS_ASIDE, now + TOTP_STEPS_ASIDE + 1):
        if hmac.compare_digest(generator.generate_otp(step).encode(), plain.encode()) and (after is None or step > after):
            return step
    return None
