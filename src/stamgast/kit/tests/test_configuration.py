import re
from pathlib import Path

import pytest

from stamgast.kit.configuration import (
    SETTINGS,
    InvalidConfiguration,
    address_of,
    database_of,
    embedded_url,
    read_configuration,
    socket_folder,
    weakness_of_secret,
)

ROOT = Path(__file__).resolve().parents[4]
SECRET = "vN3kq0yTz8Qf5rXo2LhWmB7cJ1sPdGuAe9iRx4ZtKyMb6HnVj_w-SEFC"


def read(tmp_path: Path, **settings: str):
    return read_configuration(
        {"STAMGAST_DATA": str(tmp_path), **{f"STAMGAST_{name}": value for name, value in settings.items()}}
    )


def test_defaults_are_safe_on_one_machine(tmp_path: Path) -> None:
    configuration = read(tmp_path)
    assert (configuration.bind_host, configuration.bind_port) == ("127.0.0.1", 8000)
    assert (configuration.timezone, configuration.currency, configuration.web_processes) == ("Europe/Amsterdam", "EUR", 1)
    assert configuration.is_embedded
    assert not configuration.debug
    assert configuration.allowed_hosts == ["127.0.0.1", "localhost", "[::1]"]
    assert configuration.database["HOST"] == str(tmp_path / "postgres")


def test_secret_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    first, second = read(tmp_path).secret_key, read(tmp_path).secret_key
    assert first == second
    assert weakness_of_secret(first) is None
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secret_key"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"SECRET_KEY": "short"}, "has 5 characters where 50 are the least"),
        ({"SECRET_KEY": "django-insecure-" + SECRET}, "one of Django's examples"),
        ({"SECRET_KEY": "ab" * 40}, "repeats itself"),
        ({"DATABASE_URL": "postgresql://db/x"}, "STAMGAST_SECRET_KEY is not set"),
        ({"BIND": "0.0.0.0:8000"}, "STAMGAST_SECRET_KEY is not set"),
        ({"BIND": ":8000"}, "STAMGAST_SECRET_KEY is not set"),
        ({"DEBUG": "1"}, "refused outside the demo"),
        ({"DEMO": "1", "BIND": "0.0.0.0:80", "SECRET_KEY": SECRET}, "for this machine only"),
        ({"HTTPS": "true"}, "is 1 or 0"),
        ({"BIND": "8000"}, "host:port"),
        ({"BIND": "127.0.0.1:99999"}, "host:port"),
        ({"BIND": "shop.example.org:80"}, "an address of this machine"),
        ({"TIMEZONE": "Mars/Olympus"}, "is not a zone"),
        ({"TIMEZONE": "../../etc/passwd"}, "is not a zone"),
        ({"CURRENCY": "ZZZ"}, "ISO 4217"),
        ({"LOG_LEVEL": "loud"}, "debug, info, warning, error"),
        ({"WEB_PROCESSES": "0"}, "1 to 64"),
        ({"TRUSTED_ORIGINS": "shop.example.org"}, "https://"),
        ({"DATABASE_URL": "mysql://x", "SECRET_KEY": SECRET}, "postgresql://"),
        ({"DATABASE_URL": "postgresql://h:port/x", "SECRET_KEY": SECRET}, "is not an address"),
    ],
)
def test_unsafe_and_unreadable_settings_are_refused_and_nothing_is_made(
    tmp_path: Path, settings: dict[str, str], words: str
) -> None:
    with pytest.raises(InvalidConfiguration, match=re.escape(words)):
        read(tmp_path, **settings)
    assert list(tmp_path.iterdir()) == []


def test_demo_permits_debug_on_this_machine(tmp_path: Path) -> None:
    assert read(tmp_path, DEMO="1", DEBUG="1").debug


def test_damaged_secret_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("x")
    with pytest.raises(InvalidConfiguration, match="damaged"):
        read(tmp_path)


def test_secret_is_not_in_the_refusal(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration) as refused:
        read(tmp_path, SECRET_KEY="hunter2hunter2")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("bind", "expected"),
    [
        ("127.0.0.1:80", ("127.0.0.1", 80)),
        ("localhost:8000", ("127.0.0.1", 8000)),
        ("[::1]:80", ("::1", 80)),
        (":80", ("0.0.0.0", 80)),
    ],
)
def test_addresses(bind: str, expected: tuple[str, int]) -> None:
    assert address_of(bind) == expected


def test_database_address_with_awkward_parts() -> None:
    database = database_of("postgresql://o%40o:p%2Fw@db.example.org:6543/my%20shop?sslmode=require")
    assert (database["USER"], database["PASSWORD"], database["HOST"], database["PORT"]) == (
        "o@o",
        "p/w",
        "db.example.org",
        "6543",
    )
    assert (database["NAME"], database["OPTIONS"]) == ("my shop", {"sslmode": "require"})


def test_embedded_address_survives_blanks_and_long_paths(tmp_path: Path) -> None:
    assert database_of(embedded_url(Path("/srv/my shop/postgres")))["HOST"] == "/srv/my shop/postgres"
    assert "%20" in embedded_url(Path("/srv/my shop/postgres"))
    long = Path("/") / ("x" * 120) / "postgres"
    assert len(str(socket_folder(long) / ".s.PGSQL.5432")) <= 103
    assert socket_folder(long) != socket_folder(long.with_name("other"))


def test_every_setting_is_documented_and_every_documented_one_exists() -> None:
    documented = re.findall(r"^### `(STAMGAST_[A-Z_]+)`", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE)
    assert sorted(documented) == sorted(SETTINGS)


def test_nothing_reads_a_setting_that_is_not_listed() -> None:
    used = set()
    for path in (ROOT / "src" / "stamgast").rglob("*.py"):
        if "tests" not in path.parts:
            used |= {(name, path.name) for name in re.findall(r"\bSTAMGAST_[A-Z][A-Z_]*[A-Z]\b", path.read_text())}
    assert {(name, file) for name, file in used if name not in SETTINGS} == set()
    assert {name for name, file in used if file == "configuration.py"} == set(SETTINGS)
