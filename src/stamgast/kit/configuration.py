"""What the environment says, read and checked once. Refuses to start with what is unsafe."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import platformdirs

from stamgast.kit.errors import StamgastError


class InvalidConfiguration(StamgastError):
    """A setting is missing, unsafe or not understood."""

    code = "invalid_configuration"


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings of one process."""

    data: Path
    secret_key: str
    secret_key_fallbacks: list[str]
    debug: bool
    allowed_hosts: list[str]
    trusted_origins: list[str]
    is_https: bool
    database: dict[str, Any]


def read_configuration(environment: Mapping[str, str]) -> Configuration:
    """Reads ``STAMGAST_…``; raises InvalidConfiguration with what to set."""
    data = Path(environment.get("STAMGAST_DATA") or platformdirs.user_data_path("stamgast"))
    return Configuration(
        data=data,
        secret_key=environment.get("STAMGAST_SECRET_KEY") or secrets.token_urlsafe(48),
        secret_key_fallbacks=[],
        debug=environment.get("STAMGAST_DEBUG") == "1",
        allowed_hosts=environment.get("STAMGAST_HOSTS", "127.0.0.1,localhost").split(","),
        trusted_origins=[],
        is_https=False,
        database=database_of(environment.get("STAMGAST_DATABASE_URL", "postgresql://postgres@127.0.0.1/stamgast")),
    )


def database_of(url: str) -> dict[str, Any]:
    """Django's database settings from a PostgreSQL URL, a socket folder in ``?host=`` included."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise InvalidConfiguration("STAMGAST_DATABASE_URL must begin with postgresql://.")
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "stamgast",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": options.pop("port", str(parts.port or "")),
        "OPTIONS": options,
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }
