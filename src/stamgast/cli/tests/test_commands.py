"""Commands as a person or a script calls them, each in a process of its own, on one data folder."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stamgast.access.rules import is_key
from stamgast.access.types import Scope
from stamgast.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[4]
CLUB = ROOT / "examples" / "programmes" / "club.yaml"


def run(folder: Path, *arguments: str, stdin: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STAMGAST_")}
    environment |= {"STAMGAST_DATA": str(folder)} | settings
    return subprocess.run(
        [sys.executable, "-m", "stamgast", *arguments],
        capture_output=True,
        text=True,
        input=stdin,
        env=environment,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("commands") / "data"
    first, second = run(folder, "migrate"), run(folder, "migrate")
    assert first.stdout.endswith(" migrations done.\n"), first.stderr
    assert second.stdout == "The database is of this version.\n"
    return folder


def test_help_names_every_command_and_loads_none_of_them(tmp_path: Path) -> None:
    done = run(tmp_path, "--help")
    assert done.returncode == 0
    assert all(re.search(rf"^  {name} ", done.stdout, re.MULTILINE) for name in COMMANDS)
    loaded = "import sys, stamgast.cli; print([m for m in sys.modules if m.split('.')[0] in ('django', 'psycopg', 'duckdb')])"
    assert subprocess.check_output([sys.executable, "-c", loaded], text=True) == "[]\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(tmp_path: Path, name: str) -> None:
    done = run(tmp_path, name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: ")
    assert list(tmp_path.iterdir()) == []


def test_misspelt_command_says_which_was_meant(tmp_path: Path) -> None:
    done = run(tmp_path, "serv")
    assert (done.returncode, done.stdout) == (2, "")
    assert "There is no command 'serv'. Did you mean 'serve'?" in done.stderr


def test_every_scope_is_in_the_help(tmp_path: Path) -> None:
    told = run(tmp_path, "key", "create", "--help").stdout
    assert [scope for scope in Scope if scope.value not in " ".join(told.split())] == []


def test_demo_that_could_not_be_served_is_refused_before_it_loads(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run(tmp_path / "data", "demo", STAMGAST_BIND=f"127.0.0.1:{taken.getsockname()[1]}")
    assert (done.returncode, done.stdout) == (2, "")
    assert "another program listens there. Set STAMGAST_BIND to another address." in done.stderr
    assert not (tmp_path / "data" / "postgres").exists()


@pytest.mark.xdist_group("commands")
def test_source_is_made_once_and_shown(folder: Path) -> None:
    made = run(folder, "source", "create", "Web shop", "--strict", "--json")
    assert made.returncode == 0, made.stderr
    source = json.loads(made.stdout)
    assert (source["name"], source["is_strict"]) == ("Web shop", True)
    again = run(folder, "source", "create", "Web shop", "--json")
    assert again.returncode == 4
    assert json.loads(again.stdout)["error"]["code"] == "source_exists"
    assert again.stderr.startswith("stamgast: ")
    further = json.loads(run(folder, "source", "rotate", "Web shop", "--json").stdout)
    assert further["write_key"] != source["write_key"]
    listed = json.loads(run(folder, "source", "list", "--json").stdout)["sources"]
    assert [(row["name"], len(row["keys"])) for row in listed] == [("Web shop", 2)]
    assert source["write_key"] not in json.dumps(listed)


@pytest.mark.xdist_group("commands")
def test_key_is_made_listed_and_revoked(folder: Path) -> None:
    made = json.loads(run(folder, "key", "create", "--scope", "customers:read", "--name", "report", "--json").stdout)
    assert is_key(made["key"])
    assert run(folder, "key", "revoke", made["id"]).returncode == 0
    listed = json.loads(run(folder, "key", "list", "--json").stdout)["keys"]
    assert [(row["name"], row["scopes"], row["revoked_at"] is None) for row in listed] == [
        ("report", ["customers:read"], False)
    ]
    refused = run(folder, "key", "revoke", made["id"])
    assert (refused.returncode, refused.stdout) == (3, "")
    nobody = run(folder, "key", "create", "--scope", "customers:read", "--by", "nobody@example.org", "--json")
    assert (nobody.returncode, json.loads(nobody.stdout)["error"]["code"]) == (2, "invalid_staff")
    unknown = run(folder, "key", "create", "--scope", "everything", "--json")
    assert unknown.returncode == 2
    assert json.loads(unknown.stdout)["error"]["code"] == "unknown_scope"


@pytest.mark.xdist_group("commands")
def test_staff_password_is_read_from_standard_input_and_never_shown(folder: Path) -> None:
    arguments = ("staff", "create", "--email", "ada@example.org", "--name", "Ada", "--password-stdin")
    weak = run(folder, *arguments, stdin="1234567890\n")
    assert weak.returncode == 2
    made = run(folder, *arguments, stdin="three blue herons\n")
    assert (made.returncode, made.stdout) == (0, "Ada may sign in as ada@example.org, as owner.\n")
    assert "herons" not in made.stdout + made.stderr
    assert run(folder, "staff", "list").stdout == "ada@example.org\tAda\towner\n"


@pytest.mark.parametrize(
    ("arguments", "instead"),
    [
        (("staff", "create"), "--email ada@example.org --name Ada --role owner --password-stdin"),
        (("staff", "create", "--email", "ada@example.org", "--name", "Ada"), "--password-stdin"),
        (("staff", "password"), "stamgast staff password --email ada@example.org --password-stdin"),
        (("staff", "second-factor-off"), "stamgast staff second-factor-off --email ada@example.org"),
        (("erase", "email:ada@example.org"), "stamgast erase email:ada@example.org --yes"),
    ],
)
def test_a_command_that_nobody_can_answer_says_what_to_give_it(
    tmp_path: Path, arguments: tuple[str, ...], instead: str
) -> None:
    done = run(tmp_path, *arguments)
    assert done.returncode == 2
    assert "There is no terminal to ask at" in done.stderr
    assert instead in done.stderr
    assert "Aborted" not in done.stderr
    assert "Warning" not in done.stderr


@pytest.mark.xdist_group("commands")
def test_audit_of_an_empty_shop_is_clean(folder: Path) -> None:
    done = run(folder, "audit", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"is_clean": True, "movements": 0, "findings": []}


@pytest.mark.xdist_group("commands")
def test_archive_asks_how_long_messages_stay(folder: Path) -> None:
    unsaid = run(folder, "archive", "--json")
    assert (unsaid.returncode, json.loads(unsaid.stdout)["error"]["code"]) == (2, "invalid_configuration")
    assert run(folder, "archive", STAMGAST_KEEP_MONTHS="a year").returncode == 2
    done = run(folder, "archive", "--json", STAMGAST_KEEP_MONTHS="13")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"is_stopped": False, "months": []})


@pytest.mark.xdist_group("commands")
def test_doctor_says_what_is_missing_and_how_to_mend_it(folder: Path) -> None:
    done = run(folder, "doctor", "--json", STAMGAST_HOST="shop.example.org")
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert {"Python", "settings", "secret", "address", "data folder", "disk", "PostgreSQL", "clock", "migrations"} <= set(
        findings
    )
    assert findings["migrations"]["state"] == "well"
    assert findings["role"]["state"] == "well"
    assert findings["refusals"] == {"name": "refusals", "state": "well", "found": "none waits", "mend": ""}
    assert "Did you mean STAMGAST_HOSTS?" in done.stdout


@pytest.mark.xdist_group("commands")
def test_doctor_finds_a_secret_that_others_can_read(folder: Path) -> None:
    (folder / "secret_key").chmod(0o644)
    try:
        done = run(folder, "doctor")
    finally:
        (folder / "secret_key").chmod(0o600)
    assert done.returncode == 1
    assert f"✗ secret: {folder}/secret_key can be read by others (mode 644)\n    chmod 600 {folder}/secret_key" in done.stdout


def test_doctor_on_a_folder_of_another_version(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("13\n")
    done = run(tmp_path, "doctor")
    assert done.returncode == 1
    assert "✗ PostgreSQL: " in done.stdout
    assert "was made by PostgreSQL 13, and this release brings 18" in done.stdout
    assert "Traceback" not in done.stderr


def test_doctor_without_a_database(tmp_path: Path) -> None:
    secret = "vN3kq0yTz8Qf5rXo2LhWmB7cJ1sPdGuAe9iRx4ZtKyMb6HnVj_w-SEFC"
    done = run(
        tmp_path,
        "doctor",
        "--json",
        STAMGAST_DATABASE_URL="postgresql://me:hunter2@127.0.0.1:1/shop",
        STAMGAST_SECRET_KEY=secret,
    )
    assert done.returncode == 1
    finding = json.loads(done.stdout)["findings"][-1]
    assert (finding["name"], finding["state"]) == ("PostgreSQL", "wrong")
    assert "127.0.0.1:1, database shop, does not answer" in finding["found"]
    assert "hunter2" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["serve", "web", "worker", "migrate", "audit"])
def test_unsafe_secret_is_refused_before_anything_starts(tmp_path: Path, name: str) -> None:
    began = time.monotonic()
    done = run(tmp_path, name, STAMGAST_SECRET_KEY="letmein")
    assert done.returncode == 2
    assert done.stderr.startswith("stamgast: STAMGAST_SECRET_KEY is not safe: it has 7 characters where 50 are the least.")
    assert "letmein" not in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert time.monotonic() - began < 30


def test_debug_is_refused_outside_the_demo(tmp_path: Path) -> None:
    done = run(tmp_path, "serve", STAMGAST_DEBUG="1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "refused outside the demo" in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_without_rights_is_a_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    done = run(tmp_path / "data", "migrate")
    assert done.returncode == 2
    assert "cannot be used" in done.stderr


def test_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    done = run(tmp_path, "programme", "check", str(tmp_path / "none.yaml"))
    assert (done.returncode, done.stderr) == (2, f"stamgast: {tmp_path}/none.yaml cannot be used: No such file or directory.\n")


def test_file_of_another_encoding_is_a_sentence_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "programme.yaml"
    file.write_bytes("programme: club\n# caf\u00e9\n".encode("latin-1"))
    done = run(tmp_path, "programme", "check", str(file))
    assert (done.returncode, done.stderr) == (2, f"stamgast: {file} is not text in UTF-8: see line 2. Save it as UTF-8.\n")


@pytest.mark.parametrize("command", ["replay", "simulate"])
def test_a_draft_of_another_encoding_is_a_sentence(command: str, tmp_path: Path) -> None:
    file = tmp_path / "programme.yaml"
    file.write_bytes("programme: caf\u00e9\n".encode("latin-1"))
    done = run(tmp_path, command, str(file), *(["none.parquet"] if command == "replay" else []))
    assert (done.returncode, done.stderr) == (2, f"stamgast: {file} is not text in UTF-8: see line 1. Save it as UTF-8.\n")


def test_replay_says_what_was_given_and_writes_a_file_of_nothing_too(tmp_path: Path) -> None:
    names, moment = ("customer_id", "activity_id", "kind"), datetime(2026, 1, 1, tzinfo=UTC)
    table = pa.table({name: ["Order Completed"] for name in names} | {"occurred_at": [moment], "amount_minor": [250]})
    for count in (1, 0):
        pq.write_table(table.slice(0, count), tmp_path / "a.parquet")
        out = tmp_path / f"{count}.parquet"
        done = run(tmp_path, "replay", str(CLUB), str(tmp_path / "a.parquet"), "--out", str(out), "--json")
        told = json.loads(done.stdout)
        assert (told["activities"], told["given"]) == (count, {"points": {"purchase": 2}} if count else {}), done.stderr
        assert pq.read_table(out)["amount"].to_pylist() == [2] * count


def test_default_programme_is_sound(tmp_path: Path) -> None:
    file = tmp_path / "programme.yaml"
    written = "from stamgast.programmes.documents import default_document; print(default_document('Europe/Amsterdam'))"
    file.write_text(subprocess.check_output([sys.executable, "-c", written], text=True))
    done = run(tmp_path, "programme", "check", str(file))
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("is sound.\n")
    done = run(tmp_path, "programme", "check", str(file), "--value", "points=0.01")
    assert done.returncode == 2
    assert "The programme has no currency 'points'. It has score." in done.stderr
    file.write_text("programme: 7\n")
    assert run(tmp_path, "programme", "check", str(file)).returncode == 2


def test_every_command_is_documented() -> None:
    text = "".join(path.read_text() for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
    assert [name for name in COMMANDS if f"stamgast {name}" not in text] == []


def test_a_document_is_compared_checked_and_published_from_the_command_line(tmp_path: Path) -> None:
    written = "from stamgast.programmes.documents import default_document; print(default_document('Europe/Amsterdam'), end='')"
    first = subprocess.run([sys.executable, "-c", written], capture_output=True, text=True, check=True).stdout
    before, after = tmp_path / "before.yaml", tmp_path / "after.yaml"
    before.write_text(first)
    after.write_text(first.replace("score: 5", "score: 7"))
    done = run(tmp_path, "programme", "diff", str(before), str(after), "--json")
    [change] = json.loads(done.stdout)["changes"]
    assert (change["place"], change["before"], change["after"]) == ("earn.coupon.give.score", 5, 7)
    assert "Coupon: it gives 7 for the score." in run(tmp_path, "programme", "diff", str(before), str(after)).stdout
    assert "They say the same." in run(tmp_path, "programme", "diff", str(before), str(before)).stdout
    after.write_text(first.replace("{field: amount, over: 0}", "{field: amount, over: 0, under: 0}"))
    done = run(tmp_path, "programme", "check", str(after), "--json")
    assert done.returncode == 2
    told = json.loads(done.stdout)
    assert (told["is_sound"], [(one["level"], one["code"]) for one in told["findings"]]) == (False, [("error", "never")])
    assert f"after.yaml:{told['findings'][0]['line']}: error:" in run(tmp_path, "programme", "check", str(after)).stderr
    after.write_text("programme: 7\n")
    told = json.loads(run(tmp_path, "programme", "check", str(after), "--json").stdout)
    assert (told["is_sound"], told["problems"][0]["line"]) == (False, 1)
    assert "after.yaml: This is not a programme" in run(tmp_path, "programme", "diff", str(before), str(after)).stderr
    assert run(tmp_path, "programme", "check", str(before), "--value", "score").returncode == 2
    assert json.loads(run(tmp_path, "programme", "schema").stdout)["title"] == "A Stamgast programme"


@pytest.mark.xdist_group("commands")
def test_versions_are_published_scheduled_withdrawn_and_put_back_from_the_command_line(folder: Path, tmp_path: Path) -> None:
    def versions() -> list[tuple[int, str]]:
        listed = json.loads(run(folder, "programme", "list", "--json").stdout)
        return [(one["version"], one["state"]) for one in listed["versions"]]

    first = run(folder, "programme", "export").stdout
    file = tmp_path / "next.yaml"
    file.write_text(first.replace("score: 5", "score: 7"))
    assert "Coupon: it gives 7 for the score." in run(folder, "programme", "diff", str(file)).stdout
    done = run(folder, "programme", "publish", str(file), "--reason", "a treat", "--after", "7")
    assert (done.returncode, versions()) == (4, [(1, "in force")])
    done = run(folder, "programme", "publish", str(file), "--reason", "a treat", "--after", "1")
    assert (done.returncode, versions()) == (0, [(1, "replaced"), (2, "in force")]), done.stderr
    assert "Coupon: it gives 7 for the score." in done.stderr
    file.write_text(first.replace("{field: amount, over: 0}", "{field: amount, over: 0, under: 0}"))
    done = run(folder, "programme", "publish", str(file))
    assert (done.returncode, len(versions())) == (2, 2)
    assert "error: " in done.stderr
    assert "Nothing was published." in done.stderr
    file.write_text(first.replace("score: 5", "score: 9"))
    done = run(folder, "programme", "publish", str(file), "--effective-from", "2199-01-01")
    assert "is scheduled: it holds from 2199-01-01" in done.stdout
    assert run(folder, "programme", "withdraw", "3", "--reason", "no").returncode == 0
    assert run(folder, "programme", "withdraw", "2", "--reason", "no").returncode == 4
    assert run(folder, "programme", "revert", "2", "--reason", "too much").returncode == 0
    assert versions() == [(1, "replaced"), (2, "replaced"), (3, "withdrawn"), (4, "in force")]
    assert run(folder, "programme", "export", "4").stdout == first
    assert "score: 9" in run(folder, "programme", "export", "3").stdout
    assert "Coupon: it gives 7" in run(folder, "programme", "diff", "1", "2").stdout
    done = run(folder, "programme", "publish", str(file), "--effective-from", "2020-01-01", "--reason", "of the past")
    assert "holds from 2020-01-01T00:00:00+00:00 until " in done.stdout
    assert "when version 2 takes its place" in done.stdout
    assert versions()[3:] == [(4, "in force"), (5, "replaced")]
    worth = ("--price", "10.00", "--share", "95", "--reason", "as the accountant said")
    done = run(folder, "liability", "value", "scroe", *worth)
    assert (done.returncode, "There are score." in done.stderr) == (2, True)
    assert run(folder, "liability", "value", "score", *worth).returncode == 0
    done = run(folder, "programme", "draft", str(file), "--title", "Nine", "--reason", "to look at")
    assert "waits for review" in done.stdout
    [draft] = json.loads(run(folder, "programme", "list", "--json").stdout)["drafts"]
    assert (draft["title"], draft["state"], draft["base"], draft["owner"]) == ("Nine", "review", 5, "cli")
