"""Signed checkpoints against whoever may change everything in the database, the chain and the key included."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from stamgast.books.errors import CheckpointKeyLost, CheckpointUnreadable
from stamgast.books.operations import open_signing_key, reseal_signing_key
from stamgast.books.queries import find_public_key
from stamgast.books.signing import read_checkpoint, read_public_key, write_checkpoint
from stamgast.flows.checkpoint import compare_with_file, make_checkpoint, make_daily_checkpoint
from stamgast.kit.database import Cursor, open_cursor, transaction
from stamgast.kit.ids import derive_id
from stamgast.ledger import checkpoints
from stamgast.ledger.acts import Issue, Spend, Transfer
from stamgast.ledger.audit import audit
from stamgast.ledger.canonical import GENESIS, digest_texts, fingerprint_of, link_of, root_of
from stamgast.ledger.operations import expire_due, fold, perform, post, seal
from stamgast.ledger.types import Finding, Wanted, to_microseconds

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
ACTOR = "test"
OWNERS = [derive_id("customer", name) for name in ("ada", "bob", "cem")]


def give(number: int, *, amount: int = 10) -> None:
    at = NOW + timedelta(hours=number)
    owner = OWNERS[number % 3]
    row = Wanted(owner, derive_id("activity", str(number)), "purchase", "points", amount, at, at + timedelta(days=30), 1)
    with transaction() as cursor:
        post(cursor, [row], at=at, actor=ACTOR, reason="decided")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A checkpoint of eight batches, some folded, one of which nobody had sealed; afterwards the shop goes on."""
    for number in range(7):
        give(number)
    with transaction() as cursor:
        seal(cursor, at=NOW)
        fold(cursor)
        expire_due(cursor, at=NOW + timedelta(days=40), actor=ACTOR, limit=2)
    path = tmp_path / "checkpoint.json"
    made = make_checkpoint(path, at=NOW, actor=ACTOR)
    assert (made.sequence, made.movements) == (8, 9)
    give(7)
    with transaction() as cursor:
        seal(cursor, at=NOW)
    return path


def compare(path: Path, trusted: bytes | None = None) -> list[Finding]:
    with transaction() as cursor:
        return compare_with_file(cursor, path, trusted)


def batch_of(cursor: Cursor, sequence: int) -> UUID:
    cursor.execute("SELECT batch_id FROM ledger_seal WHERE sequence = %s", (sequence,))
    return (cursor.fetchone() or ())[0]


def edit_and_rewrite_the_chain(cursor: Cursor, batch: UUID) -> None:
    """What somebody with the code and the superuser's password does: edits a movement, and makes everything agree again."""
    cursor.execute("UPDATE ledger_movement SET reason = 'never happened' WHERE batch_id = %s", (batch,))
    cursor.execute(
        """SELECT movement_id, owner_id, lot_id, activity_id, kind, debit, credit, amount, effective_at, posted_at,
          programme_version, currency, rule, reason, actor FROM ledger_movement WHERE batch_id = %s""",
        (batch,),
    )
    prints = []
    for row in cursor.fetchall():
        ids, (kind, debit, credit, amount, effective_at, posted_at, version), texts = row[:4], row[4:11], row[11:]
        prints.append(
            fingerprint_of(
                *(one.bytes for one in ids), kind, debit, credit, amount, to_microseconds(effective_at),
                to_microseconds(posted_at), version, digest_texts(*texts),
            )
        )  # fmt: skip
        cursor.execute("UPDATE ledger_movement SET fingerprint = %s WHERE movement_id = %s", (prints[-1], ids[0]))
    cursor.execute("UPDATE ledger_batch SET root = %s WHERE id = %s", (root_of(prints), batch))
    rewrite_links(cursor)


def rewrite_links(cursor: Cursor) -> None:
    cursor.execute("SELECT s.sequence, b.id, b.root FROM ledger_seal s JOIN ledger_batch b ON b.id = s.batch_id ORDER BY 1")
    link, sequence = GENESIS, 0
    for sequence, batch, root in cursor.fetchall():
        link = link_of(link, batch.bytes, bytes(root))
        cursor.execute("UPDATE ledger_seal SET chain = %s WHERE sequence = %s", (link, sequence))
    cursor.execute("UPDATE ledger_head SET chain = %s, sequence = %s", (link, sequence))


def test_a_ledger_that_went_on_still_holds_all_of_it(file: Path) -> None:
    assert compare(file) == []
    with transaction() as cursor:
        assert compare(file, find_public_key(cursor)) == []
        assert audit(cursor) == []


def test_a_chain_that_was_rewritten_from_its_first_link_is_found_and_the_batch_is_named(file: Path) -> None:
    with transaction() as cursor:
        batch = batch_of(cursor, 3)
        edit_and_rewrite_the_chain(cursor, batch)
        assert audit(cursor) == [], "nothing in the database itself tells of it"
    (finding,) = compare(file)
    assert (finding.check, finding.subject) == ("checkpoint", str(batch))
    assert f"Batch {batch}, link 3 of the chain" in finding.sentence


def test_where_marks_are_wide_apart_the_stretch_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "LARGEST_MARKS", 3)
    make_checkpoint(file, at=NOW, actor=ACTOR)
    with transaction() as cursor:
        first, last = batch_of(cursor, 4), batch_of(cursor, 6)
        edit_and_rewrite_the_chain(cursor, batch_of(cursor, 5))
    (finding,) = compare(file)
    assert finding.subject == str(first)
    assert f"{first} to {last}, links 4 to 6" in finding.sentence


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (["DELETE FROM ledger_seal WHERE sequence >= 6", "UPDATE ledger_head SET sequence = 5"], "ends at link 5; it had 8"),
        (["DELETE FROM ledger_seal", "UPDATE ledger_head SET sequence = 0"], "ends at link 0; it had 8"),
        (["DELETE FROM ledger_seal WHERE sequence = 2"], "lost its link 2"),
        (["DELETE FROM ledger_batch WHERE id = (SELECT batch_id FROM ledger_seal WHERE sequence = 7)"], "lost its link 7"),
        (
            ["UPDATE ledger_batch SET root = sha256('x') WHERE id = (SELECT batch_id FROM ledger_seal WHERE sequence = 1)"],
            "link 1 of the chain, is not what it was",
        ),
        (
            ["UPDATE ledger_movement SET amount = amount + 1 WHERE kind = 1"],
            "Account 1 of the programme has other sums",
        ),
        (["DELETE FROM ledger_movement WHERE kind = 3"], "Account 2 of the programme has other sums of points"),
    ],
)
def test_what_was_taken_away_is_found(file: Path, statements: list[str], said: str) -> None:
    with transaction() as cursor:
        for statement in statements:
            cursor.execute(statement)
            assert cursor.rowcount
    (finding,) = compare(file)
    assert said in finding.sentence


def test_a_batch_that_waited_for_its_link_is_held_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give(1)
    monkeypatch.setattr("stamgast.flows.checkpoint.seal", lambda cursor, at: 0)
    made = make_checkpoint(tmp_path / "c.json", at=NOW, actor=ACTOR)
    ((batch, _root),) = made.unsealed
    with transaction() as cursor:
        seal(cursor, at=NOW)
    assert compare(tmp_path / "c.json") == []
    with transaction() as cursor:
        edit_and_rewrite_the_chain(cursor, UUID(batch))
    (finding,) = compare(tmp_path / "c.json")
    assert finding.subject == batch


def test_a_file_of_before_holds_less_and_is_verified(file: Path) -> None:
    """One without the days of approvals and limits, signed as it was written then."""
    content = json.loads(file.read_bytes())["checkpoint"]
    assert content.pop("limits")
    assert content.pop("approved")
    with transaction() as cursor:
        key = open_signing_key(cursor, at=NOW, actor=ACTOR)
    said = json.dumps(content).encode()
    parts = b'{"checkpoint":%s,"public_key":"%s","signature":"%s"}'
    public = key.public_key().public_bytes_raw().hex().encode()
    file.write_bytes(parts % (said, public, key.sign(said).hex().encode()))
    assert read_checkpoint(file).checkpoint.limits == ()
    assert compare(file) == []


def test_a_file_that_was_changed_or_signed_by_another_is_found(file: Path) -> None:
    with transaction() as cursor:
        ours = find_public_key(cursor)
    assert ours is not None
    assert read_public_key(ours.hex()) == ours
    changed = file.with_name("changed.json")
    changed.write_bytes(file.read_bytes().replace(b'"movements":9', b'"movements":8'))
    assert [one.sentence for one in compare(changed)] == ["The checkpoint was changed after it was signed."]
    with transaction() as cursor:  # the database is given another key, and signs a file of its own with it
        cursor.execute("DELETE FROM books_signingkey")
        open_signing_key(cursor, at=NOW, actor=ACTOR)
    assert [one.check for one in compare(file)] == ["signature"], "the old file is not of the new key"
    make_checkpoint(changed, at=NOW, actor=ACTOR)
    assert compare(changed) == []
    (finding,) = compare(changed, ours)
    assert finding.check == "signature"
    assert ours.hex() in finding.sentence


def test_what_is_no_checkpoint_is_refused(file: Path) -> None:
    whole = json.loads(file.read_bytes())
    for content in (b"", b"{}", b"nonsense", json.dumps(whole | {"public_key": "zz"}).encode()):
        file.write_bytes(content)
        with pytest.raises(CheckpointUnreadable):
            compare(file)
    with pytest.raises(CheckpointUnreadable):
        compare(file.with_name("not-there.json"))
    with pytest.raises(CheckpointUnreadable):
        read_public_key("not a key")


def test_the_key_is_sealed_and_follows_the_secret(settings) -> None:  # type: ignore[no-untyped-def]
    old, new = "the-old-secret-" * 5, "the-new-secret-" * 5
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = old, []
    with transaction() as cursor:
        key = open_signing_key(cursor, at=NOW, actor=ACTOR).private_bytes_raw()
        (sealed,) = cursor.execute("SELECT sealed FROM books_signingkey").fetchone() or ()
        assert key not in bytes(sealed)
        assert key.hex().encode() not in bytes(sealed)
        assert open_signing_key(cursor, at=NOW, actor=ACTOR).private_bytes_raw() == key
        settings.SECRET_KEY = new
        with pytest.raises(CheckpointKeyLost):
            open_signing_key(cursor, at=NOW, actor=ACTOR)
        settings.SECRET_KEY_FALLBACKS = [old]
        assert [reseal_signing_key(cursor) for _ in range(2)] == [1, 0]
        settings.SECRET_KEY_FALLBACKS = []
        assert open_signing_key(cursor, at=NOW, actor=ACTOR).private_bytes_raw() == key


def test_one_file_a_day(tmp_path: Path) -> None:
    give(1)
    folder = tmp_path / "away"
    first = make_daily_checkpoint(folder, at=NOW, actor=ACTOR)
    assert first is not None
    assert first.name == "checkpoint-2026-06-01.json"
    assert make_daily_checkpoint(folder, at=NOW + timedelta(hours=14), actor=ACTOR) is None
    assert make_daily_checkpoint(folder, at=NOW + timedelta(hours=15), actor=ACTOR) is not None
    assert compare(first) == []


def test_an_empty_ledger_has_a_checkpoint(tmp_path: Path) -> None:
    made = make_checkpoint(tmp_path / "c.json", at=NOW, actor=ACTOR)
    assert (made.sequence, made.marks, made.totals) == (0, (), ())
    assert compare(tmp_path / "c.json") == []
    with open_cursor() as cursor:
        cursor.execute("SELECT count(*) FROM access_trail WHERE action = 'make signing key'")
        assert cursor.fetchone() == (1,)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_act SET refusal = 'hold_ended', sentence = 'no' WHERE refusal <> ''",
        "UPDATE ledger_act SET available = 1000 WHERE refusal <> ''",
        "UPDATE ledger_act SET anchor_id = gen_random_uuid() WHERE key = 'one'",
        "DELETE FROM ledger_act WHERE refusal <> ''",
        "UPDATE ledger_lot SET expires_at = expires_at + interval '1 year' WHERE rule = 'received'",
        "UPDATE ledger_lot SET expires_at = NULL WHERE rule = 'issued'",
        "INSERT INTO ledger_act SELECT (jsonb_populate_record(a, jsonb_build_object('act_id', gen_random_uuid()))).* "
        "FROM ledger_act a WHERE refusal <> ''",
    ],
)
def test_acts_that_no_movement_tells_of_are_held_from_the_day_after(tmp_path: Path, statement: str) -> None:
    give(0)
    said = {"reason": "asked", "occurred_at": NOW, "owner_id": OWNERS[0], "currency": "points"}
    acts = (
        Spend(**said, key="much", amount=1_000),
        Spend(**said, key="one", amount=1),
        Transfer(**said, key="gift", amount=2, receiver_id=OWNERS[1]),
        Issue(**said, key="flowers", amount=3, partner="florist", expires_at=NOW + timedelta(days=9)),
    )
    with transaction() as cursor:
        perform(cursor, acts, at=NOW, actor=ACTOR)
    today, tomorrow = tmp_path / "today.json", tmp_path / "tomorrow.json"
    make_checkpoint(today, at=NOW, actor=ACTOR)
    made = make_checkpoint(tomorrow, at=NOW + timedelta(days=1), actor=ACTOR)
    assert [(day, count) for day, count, _ in made.acts if count] == [("2026-06-01", 4)]
    give(1)
    with transaction() as cursor:
        perform(cursor, [Spend(**said, key="later", amount=1)], at=NOW + timedelta(days=2), actor=ACTOR)
    assert compare(today) == compare(tomorrow) == []
    with transaction() as cursor:
        cursor.execute(statement)
        assert cursor.rowcount == 1
    assert compare(today) == [], "of its own day it holds nothing yet"
    (finding,) = compare(tomorrow)
    assert (finding.check, finding.subject) == ("checkpoint", "2026-06-01")
    assert finding.sentence.startswith("The acts of 2026-06-01 are not what they were when the checkpoint was made: ")


def test_a_file_without_acts_is_read_too(file: Path) -> None:
    made = read_checkpoint(file).checkpoint
    assert len(made.acts) == checkpoints.DAYS_OF_ACTS
    with transaction() as cursor:
        key = open_signing_key(cursor, at=NOW, actor=ACTOR)
    written = json.loads(write_checkpoint(made, key, at=NOW))
    del written["checkpoint"]["acts"]
    file.write_text(json.dumps(written))
    assert read_checkpoint(file).checkpoint == replace(made, acts=())
