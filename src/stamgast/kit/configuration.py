"""What the environment says, read and checked once. Refuses to start with what is unsafe.

Every setting is named in ``SETTINGS`` and described in docs/settings.md; nothing else reads the environment.
"""

import ipaddress
import math
import os
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import platformdirs

from stamgast.kit.errors import StamgastError
from stamgast.kit.money import InvalidMoney, minor_digits

SETTINGS = (
    "STAMGAST_DATA",
    "STAMGAST_DATABASE_URL",
    "STAMGAST_SECRET_KEY",
    "STAMGAST_SECRET_KEY_FALLBACKS",
    "STAMGAST_BIND",
    "STAMGAST_HOSTS",
    "STAMGAST_TRUSTED_ORIGINS",
    "STAMGAST_HTTPS",
    "STAMGAST_TIMEZONE",
    "STAMGAST_CURRENCY",
    "STAMGAST_LOG_LEVEL",
    "STAMGAST_WEB_PROCESSES",
    "STAMGAST_WEBHOOK_TARGETS",
    "STAMGAST_KEEP_MONTHS",
    "STAMGAST_DUPLICATES_DAYS",
    "STAMGAST_CHECKPOINTS",
    "STAMGAST_UPLOAD_MB",
    "STAMGAST_DEMO",
    "STAMGAST_DEBUG",
)
SHORTEST_SECRET = 50
LEAST_SECRET_BITS = 128
DATABASE_NAME = "stamgast"
NONE_UNASKED = 2**31
LONGEST_SOCKET_PATH = 103  # of the 104 bytes that macOS has, and Linux's 108
LOG_LEVELS = ("debug", "info", "warning", "error")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


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
    is_embedded: bool
    is_demo: bool
    bind_host: str
    bind_port: int
    timezone: str
    currency: str
    log_level: str
    web_processes: int
    webhook_targets: tuple[Network, ...]
    keep_months: int | None
    duplicates_days: int
    checkpoints: Path | None
    upload_mb: int

    @property
    def postgres(self) -> Path:
        """The folder of the embedded server."""
        return self.data / "postgres"


def read_configuration(environment: Mapping[str, str]) -> Configuration:
    """Reads ``STAMGAST_…``; raises InvalidConfiguration with what to set.

    Writes one thing: the secret of an embedded installation, when it has none yet.
    """
    data = data_folder(environment)
    url = environment.get("STAMGAST_DATABASE_URL", "")
    is_demo = flag(environment, "STAMGAST_DEMO")
    debug = flag(environment, "STAMGAST_DEBUG")
    host, port = address_of(environment.get("STAMGAST_BIND") or "127.0.0.1:8000")
    if debug and not is_demo:
        raise InvalidConfiguration(
            "STAMGAST_DEBUG shows the insides of the program to every visitor, so it is refused outside the demo. Unset it."
        )
    if is_demo and not is_loopback(host):
        raise InvalidConfiguration(
            "STAMGAST_DEMO is for this machine only, but STAMGAST_BIND is open to others. Unset one of them."
        )
    return Configuration(
        data=data,
        secret_key_fallbacks=words(environment, "STAMGAST_SECRET_KEY_FALLBACKS"),
        debug=debug,
        allowed_hosts=words(environment, "STAMGAST_HOSTS") or ["127.0.0.1", "localhost", "[::1]"],
        trusted_origins=_origins(environment),
        is_https=flag(environment, "STAMGAST_HTTPS"),
        database=database_of(url or embedded_url(data / "postgres")),
        is_embedded=not url,
        is_demo=is_demo,
        bind_host=host,
        bind_port=port,
        timezone=_timezone(environment.get("STAMGAST_TIMEZONE") or "Europe/Amsterdam"),
        currency=_currency(environment.get("STAMGAST_CURRENCY") or "EUR"),
        log_level=_log_level(environment.get("STAMGAST_LOG_LEVEL") or "info"),
        web_processes=_web_processes(environment.get("STAMGAST_WEB_PROCESSES") or "1"),
        webhook_targets=_networks(environment, "STAMGAST_WEBHOOK_TARGETS"),
        keep_months=_keep_months(environment.get("STAMGAST_KEEP_MONTHS", "")),
        duplicates_days=_days(environment.get("STAMGAST_DUPLICATES_DAYS") or "7"),
        checkpoints=_folder(environment.get("STAMGAST_CHECKPOINTS", "")),
        upload_mb=_megabytes(environment.get("STAMGAST_UPLOAD_MB") or "1024"),
        secret_key=_secret(environment, data, may_generate=not url and is_loopback(host), is_demo=is_demo),
    )


def _folder(named: str) -> Path | None:
    return Path(named).expanduser().absolute() if named else None


def data_folder(environment: Mapping[str, str]) -> Path:
    """The folder that holds all that this installation keeps."""
    named = environment.get("STAMGAST_DATA")
    return Path(named).expanduser().absolute() if named else platformdirs.user_data_path("stamgast")


def embedded_url(postgres: Path, database: str = DATABASE_NAME) -> str:
    """The address of the embedded server on a folder: known before it runs, because it follows from the folder."""
    return f"postgresql://postgres@/{database}?{urlencode({'host': str(socket_folder(postgres))}, quote_via=quote)}"


def socket_folder(postgres: Path) -> Path:
    """Where the embedded server listens: in its own folder, or, when that path is too long for a socket, in a short one."""
    if len(os.fsencode(postgres / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH:
        return postgres
    from hashlib import sha256

    return Path("/tmp") / f"stamgast-{sha256(os.fsencode(postgres)).hexdigest()[:16]}"  # noqa: S108  made with mode 700


def database_of(url: str) -> dict[str, Any]:
    """Django's database settings from a PostgreSQL URL, a socket folder in ``?host=`` included."""
    try:
        parts = urlsplit(url)
        port = str(parts.port or "")
    except ValueError:
        raise InvalidConfiguration(
            "STAMGAST_DATABASE_URL is not an address. It looks like postgresql://user@host/name."
        ) from None
    if parts.scheme not in ("postgresql", "postgres"):
        raise InvalidConfiguration("STAMGAST_DATABASE_URL must begin with postgresql://.")
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or DATABASE_NAME,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": options.pop("port", port),
        "OPTIONS": options,
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }


def with_prepared_statements(database: Mapping[str, Any]) -> dict[str, Any]:
    """Django's database settings with statements that ask for it prepared; Django by itself prepares none, psycopg all."""
    return {**database, "OPTIONS": {**database["OPTIONS"], "prepare_threshold": NONE_UNASKED}}


def flag(environment: Mapping[str, str], name: str) -> bool:
    """1 or 0; anything else is refused, so that ``false`` is never taken for yes."""
    value = environment.get(name) or "0"
    if value not in ("0", "1"):
        raise InvalidConfiguration(f"{name} is 1 or 0, not {value[:20]!r}.")
    return value == "1"


def words(environment: Mapping[str, str], name: str) -> list[str]:
    """The parts between commas, without blanks around them and without empty ones."""
    return [word.strip() for word in environment.get(name, "").split(",") if word.strip()]


def address_of(bind: str) -> tuple[str, int]:
    """``host:port`` or ``[host]:port`` in its parts."""
    host, colon, port = bind.rpartition(":")
    if not colon or not port.isdigit() or not 0 < int(port) < 65536:
        raise InvalidConfiguration(f"STAMGAST_BIND is host:port, such as 127.0.0.1:8000, not {bind[:60]!r}.")
    host = host.strip("[]") or "0.0.0.0"  # noqa: S104  ":8000" means every address, and is treated as open
    if host == "localhost":
        host = "127.0.0.1"
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise InvalidConfiguration(
            f"STAMGAST_BIND names an address of this machine, such as 127.0.0.1, not {host[:60]!r}."
        ) from None
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Only this machine can reach it."""
    return ipaddress.ip_address(host).is_loopback


def weakness_of_secret(secret: str) -> str | None:
    """Why a secret is not safe, or None. Bits are Shannon's over its characters: low for what a person types or repeats."""
    if len(secret) < SHORTEST_SECRET:
        return f"has {len(secret)} characters where {SHORTEST_SECRET} are the least"
    if secret.startswith("django-insecure"):
        return "is one of Django's examples"
    shares = [count / len(secret) for count in Counter(secret).values()]
    if -sum(share * math.log2(share) for share in shares) * len(secret) < LEAST_SECRET_BITS:
        return "repeats itself too much to be random"
    return None


def _secret(environment: Mapping[str, str], data: Path, *, may_generate: bool, is_demo: bool) -> str:
    mend = 'Make one with: python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
    secret = environment.get("STAMGAST_SECRET_KEY", "")
    if not secret:
        if not may_generate:
            raise InvalidConfiguration(
                "STAMGAST_SECRET_KEY is not set. It signs sessions, and with a database of your own or an open address it is "
                f"not made for you. {mend}"
            )
        return _kept_secret(data / "secret_key")
    weakness = weakness_of_secret(secret)
    if weakness and not is_demo:
        raise InvalidConfiguration(f"STAMGAST_SECRET_KEY is not safe: it {weakness}. {mend}")
    return secret


def _kept_secret(path: Path) -> str:
    """The secret in the data folder, made on the first start. Two first starts at once agree on one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(48))
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        secret = path.read_text().strip()
    except OSError as error:
        raise InvalidConfiguration(
            f"The data folder {path.parent} cannot be used ({error.strerror}). Give yourself the right to it, "
            "or name another folder in STAMGAST_DATA."
        ) from None
    if weakness_of_secret(secret):
        raise InvalidConfiguration(
            f"The secret in {path} was damaged. Remove the file: a new one is made, and everybody signs in again."
        )
    return secret


def _origins(environment: Mapping[str, str]) -> list[str]:
    origins = words(environment, "STAMGAST_TRUSTED_ORIGINS")
    for origin in origins:
        if not origin.startswith(("http://", "https://")):
            raise InvalidConfiguration(f"STAMGAST_TRUSTED_ORIGINS has {origin[:60]!r}; an origin begins with https://.")
    return origins


def _networks(environment: Mapping[str, str], name: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(word) for word in words(environment, name))
    except ValueError as error:
        raise InvalidConfiguration(
            f"{name} names addresses and networks with commas between, such as 10.1.0.0/16 or 127.0.0.1: {error}."
        ) from None


def _timezone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidConfiguration(f"STAMGAST_TIMEZONE {name[:60]!r} is not a zone. It looks like Europe/Amsterdam.") from None


def _currency(code: str) -> str:
    try:
        minor_digits(code)
    except InvalidMoney as error:
        raise InvalidConfiguration(f"STAMGAST_CURRENCY: {error.message}") from None
    return code


def _log_level(level: str) -> str:
    if level.lower() not in LOG_LEVELS:
        raise InvalidConfiguration(f"STAMGAST_LOG_LEVEL is one of {', '.join(LOG_LEVELS)}, not {level[:20]!r}.")
    return level.lower()


def _days(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 <= int(text) <= 365:
        raise InvalidConfiguration("STAMGAST_DUPLICATES_DAYS is a number of days from 1 to 365, or 0 for never.")
    return int(text)


def _megabytes(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1_000_000:
        raise InvalidConfiguration(f"STAMGAST_UPLOAD_MB is a number of megabytes from 1 to 1000000, not {text[:20]!r}.")
    return int(text)


def _web_processes(count: str) -> int:
    if not count.isdigit() or not 1 <= int(count) <= 64:
        raise InvalidConfiguration(f"STAMGAST_WEB_PROCESSES is a number from 1 to 64, not {count[:20]!r}.")
    return int(count)


def _keep_months(count: str) -> int | None:
    if not count:
        return None
    if not count.isdigit() or not 1 <= int(count) <= 1200:
        raise InvalidConfiguration(
            f"STAMGAST_KEEP_MONTHS is a number of months, such as 13, not {count[:20]!r}. Unset, every message stays."
        )
    return int(count)
