"""Uploads run in the worker: stopped, gone on with, taken over from the dead, never by two at once, and their files go."""

import os
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from stamgast.activities.importers import running
from stamgast.activities.importers.choices import mapping_text, read_choices, write_choices
from stamgast.activities.importers.errors import ImportUnderWay
from stamgast.activities.uploads import operations
from stamgast.activities.uploads.errors import UploadChanged
from stamgast.activities.uploads.files import Receiving, path_of, uploads_folder
from stamgast.activities.uploads.operations import choose, claim_upload, start_upload, stop_upload
from stamgast.activities.uploads.queries import get_upload, list_uploads
from stamgast.activities.uploads.types import State
from stamgast.flows import run_uploads
from stamgast.flows.keep_upload import keep_upload
from stamgast.flows.run_uploads import import_if_asked, remove_old_uploads
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor, transaction
from stamgast.kit.ids import new_id

pytestmark = pytest.mark.django_db(transaction=True)
BY = "staff:owner@example.org"
VISITS = "id,date,user id\n" + "".join(f"{n},2026-01-01 10:00,{n}\n" for n in range(1, 201)) + "x,never,1\n"


@pytest.fixture(autouse=True)
def small_steps(tmp_path: Path, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.CONFIGURATION = replace(settings.CONFIGURATION, data=tmp_path)
    monkeypatch.setattr(running, "MESSAGES_PER_TRANSACTION", 10)
    monkeypatch.setattr(run_uploads, "BEAT_SECONDS", 0.02)


@pytest.fixture
def started():
    """An upload that somebody started."""
    receiving = Receiving(new_id(), "visits.csv")
    receiving.write(VISITS.encode())
    received = receiving.finish()
    keep_upload(received, "door", zone="Europe/Amsterdam", currency="EUR", at=utc_now(), actor=BY)
    choices = replace(read_choices(found(received.id).choices), kind="Visit")
    with transaction() as cursor:
        choose(cursor, received.id, choices=write_choices(choices), mapping=mapping_text(choices), at=utc_now())
        start_upload(cursor, received.id, at=utc_now(), actor=BY)
    return received.id


def found(upload_id):
    with open_cursor() as cursor:
        return get_upload(cursor, upload_id)


def stored() -> int:
    with open_cursor() as cursor:
        return cursor.execute("SELECT count(*) FROM activities_activity").fetchone()[0]


def work(should_stop=lambda: False) -> bool:
    return import_if_asked(clock=utc_now, should_stop=should_stop)


def test_a_worker_that_is_told_to_stop_leaves_it_to_the_next(started) -> None:
    steps = iter([False, False, True])
    assert work(lambda: next(steps, True))
    before = found(started)
    assert (before.state, before.claim, before.rows_done) == (State.RUNNING, None, 20)
    assert work()
    after = found(started)
    assert (after.state, after.activities_new, after.rows_refused) == (State.DONE, 200, 1)
    assert after.reasons == {"date: never is not a moment in the form ISO 8601, such as 2026-03-01 12:00:00": 1}
    assert stored() == 200
    assert not work()


def test_stopped_by_hand_it_ends_at_once_and_goes_on_when_asked(started, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = threading.Event()
    store = running.store

    def slow(cursor, activities, refusals):
        if not stopped.is_set():
            with_stop = threading.Thread(target=stop)
            with_stop.start()
            with_stop.join()
        return store(cursor, activities, refusals)

    def stop() -> None:
        with transaction() as cursor:
            stop_upload(cursor, started, at=utc_now())
        connection.close()
        stopped.set()

    monkeypatch.setattr(running, "store", slow)
    seen = threading.Event()
    beat = run_uploads.beat

    def beating(*arguments, **named):
        is_ours = beat(*arguments, **named)
        if not is_ours:
            seen.set()
        return is_ours

    monkeypatch.setattr(run_uploads, "beat", beating)
    report = running._Run._store

    def storing(run, part):
        report(run, part)
        assert seen.wait(10), "the beat tells within a second that it was stopped"

    monkeypatch.setattr(running._Run, "_store", storing)
    assert work()
    half = found(started)
    assert half.state is State.STOPPED
    assert 0 < half.rows_done < 200
    assert not work(), "what was stopped is nobody's"
    with pytest.raises(UploadChanged), transaction() as cursor:
        choose(cursor, started, choices="{}", mapping=None, at=utc_now())
    monkeypatch.undo()
    with transaction() as cursor:
        start_upload(cursor, started, at=utc_now(), actor=BY)
    assert work()
    assert (found(started).state, stored()) == (State.DONE, 200)


def test_who_died_is_followed_after_a_while_and_nothing_counts_twice(started, monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction() as cursor:
        assert claim_upload(cursor, new_id(), at=utc_now()) == started
    assert not work(), "somebody has it"
    with transaction() as cursor:
        cursor.execute("UPDATE activities_upload SET beat_at = %s", (utc_now() - operations.GIVEN_UP - timedelta(seconds=1),))
    assert work()
    assert (found(started).state, stored()) == (State.DONE, 200)


def test_two_workers_never_take_one(started) -> None:
    taken = []
    ready = threading.Barrier(8)

    def take() -> None:
        ready.wait()
        with transaction() as cursor:
            taken.append(claim_upload(cursor, new_id(), at=utc_now()))
        connection.close()

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one for one in taken if one] == [started]


def test_without_the_claim_two_do_the_same_work_and_the_rows_still_count_once(started, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: what the claim keeps apart would meet in the importer's own lock, and one of them would have to give up."""
    outcomes: list[str] = []
    both_began = threading.Barrier(2)
    upload = found(started)
    open_table = running.open_table

    def opened(*arguments, **named):
        both_began.wait()
        return open_table(*arguments, **named)

    def run() -> None:
        try:
            run_uploads._import(upload, utc_now, lambda done, total: None, lambda: False)
            outcomes.append("done")
        except ImportUnderWay:
            outcomes.append("given up")
        connection.close()

    monkeypatch.setattr(running, "open_table", opened)
    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "given up" in outcomes
    monkeypatch.setattr(running, "open_table", open_table)
    assert work(), "the worker goes on with what is left, if anything is"
    assert (found(started).state, stored()) == (State.DONE, 200)


def test_a_file_that_is_gone_or_broken_is_said_and_can_be_tried_again(started) -> None:
    path = path_of(started, is_parquet=False)
    path.rename(path.with_name("elsewhere"))
    assert work()
    failed = found(started)
    assert (failed.state, failed.problem) == (State.FAILED, {"code": "unreadable_file", "details": {"wrong": "gone"}})
    assert not work()
    path.with_name("elsewhere").rename(path)
    with transaction() as cursor:
        start_upload(cursor, started, at=utc_now(), actor=BY)
    assert work()
    assert found(started).state is State.DONE


def test_a_full_disk_is_said(started, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments, **_named):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(running, "open_table", full)
    assert work()
    assert found(started).problem == {"code": "no_room_for_upload", "details": {}}


def test_files_go_after_a_week_and_what_is_known_stays(started) -> None:
    assert work()
    assert remove_old_uploads(at=utc_now() + timedelta(days=6)) == 0
    assert path_of(started, is_parquet=False).exists()
    assert remove_old_uploads(at=utc_now() + timedelta(days=8)) == 1
    assert not (uploads_folder() / str(started)).exists()
    with open_cursor() as cursor:
        (left,) = list_uploads(cursor).rows
    assert (left.state, left.activities_new, left.removed_at is not None) == (State.DONE, 200, True)
    with pytest.raises(UploadChanged), transaction() as cursor:
        start_upload(cursor, started, at=utc_now(), actor=BY)


def test_what_a_killed_process_left_goes_and_what_comes_in_at_this_moment_stays(started) -> None:
    old, fresh = uploads_folder() / "stamgast-import-x", uploads_folder() / str(new_id())
    for folder in (old, fresh):
        folder.mkdir()
        (folder / "part").write_text("a,b")
    long_ago = (utc_now() - timedelta(days=8)).timestamp()
    os.utime(old, (long_ago, long_ago))
    os.utime(uploads_folder() / str(started), (long_ago, long_ago))
    remove_old_uploads(at=utc_now())
    assert not old.exists()
    assert (fresh / "part").exists()
    assert path_of(started, is_parquet=False).exists()
