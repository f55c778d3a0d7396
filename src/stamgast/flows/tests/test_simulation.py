"""A simulation gives what the ledger has, and says beforehand what publishing would make of it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stamgast.activities.operations import ensure_source, store
from stamgast.activities.queries import load_reader
from stamgast.activities.types import NewActivity
from stamgast.flows.decide_pending import decide_pending, settle_now
from stamgast.flows.erase import erase
from stamgast.flows.export_lake import lake_folder
from stamgast.flows.install import BEGINNING, install
from stamgast.flows.publish import Follower, put_in_force
from stamgast.flows.simulation import keeping, running
from stamgast.flows.simulation.answering import Answer, answer, list_moved, list_people
from stamgast.flows.simulation.errors import HistoryGone, InvalidSimulation, UnknownSimulation
from stamgast.flows.simulation.keeping import KEPT, simulation_folder
from stamgast.flows.simulation.running import Asked, Run, State, begin, find_run, stop, take_on
from stamgast.flows.simulation.worths import check
from stamgast.kit.database import Cursor, open_cursor, transaction
from stamgast.kit.ids import BUCKETS, bucket_of, new_id
from stamgast.lake.errors import LakeNotThere
from stamgast.programmes.errors import InvalidProgramme
from stamgast.programmes.queries import get_programme

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ZONE = "Europe/Amsterdam"
FIRST = """programme: default
timezone: Europe/Amsterdam
currencies:
  score: {expires: {after: 6 months, at: end of month}, spendable: false}
  points: {expires: {after: 2 months, at: end of month}}
earn:
  - name: purchase
    when: {activity: Order Completed}
    give: {score: 1, points: {amount: 1, per: 1.00, of: amount}}
    cap: {points: 20, per: day}
  - name: coupon
    when: {activity: Coupon Redeemed}
    give: {score: 5}
"""
DRAFT = FIRST.replace("score: 5", "score: 9").replace("points: 20", "points: 8").replace("2 months", "4 months")
LINES = FIRST.replace("{score: 1, points", "{score: {amount: 1, of: {quantity: {category: coffee}}, per: 1}, points")


def told(event: str, number: int, moment: datetime, order: str, amount: str = "3.00") -> dict[str, object]:
    product = {"product_id": "p", "category": "coffee", "price": amount, "quantity": 2}
    return {
        "type": "track", "event": event, "messageId": f"{event}-{number}-{order}", "userId": f"c{number}",
        "timestamp": moment.isoformat(),
        "properties": {"order_id": order, "revenue": amount, "currency": "EUR", "products": [product]},
    }  # fmt: skip


def receive(messages: list[dict[str, object]], at: datetime) -> None:
    with transaction() as cursor:
        source = ensure_source(cursor, "Shop", at=NOW, actor="test")
        reader = load_reader(cursor, currency="EUR", timezone=ZONE)
        kept = []
        for message in messages:
            read = reader.read_message(msgspec.json.encode(message), source=source, received_at=at, fallback_id="")
            assert isinstance(read, NewActivity)
            kept.append(read)
        store(cursor, kept, [])
    while decide_pending(at=at, actor="test", limit=10_000):
        pass


@pytest.fixture
def shop(db: None, settings: Any, tmp_path: Path) -> Path:
    """Forty customers: orders over months, some sent back in part or whole, some told twice, and coupons."""
    settings.CONFIGURATION = replace(settings.CONFIGURATION, data=tmp_path)
    install(timezone=ZONE, at=NOW, actor="test")
    put_in_force(FIRST, effective_from=BEGINNING, at=NOW, actor="test", reason="test")
    messages = []
    for number in range(40):
        for place in range(number % 7 + 1):
            moment, order = NOW - timedelta(days=11 * place + number % 5, hours=place), f"{number}-{place}"
            messages.append(told("Order Completed", number, moment, order, f"{5 + place * 7}.50"))
            if place % 3 == 1:
                messages.append(told("Order Refunded", number, moment + timedelta(hours=9), order, f"{2 + place}.00"))
            if place % 4 == 2:
                messages.append(told("Order Cancelled", number, moment + timedelta(hours=9), order))
        if number % 3 == 0:
            messages += [told("Coupon Redeemed", number, NOW - timedelta(days=day), f"c{day}") for day in range(1, number + 1)]
    receive(messages, NOW)
    return simulation_folder()


def run_whole(folder: Path, asked: Asked, *, is_fresh: bool = False, at: datetime = NOW) -> tuple[Run, Answer]:
    with open_cursor() as cursor:
        run = begin(cursor, folder, asked, at=at, actor="test", is_fresh=is_fresh)
        while run.state is State.RUNNING:
            run = take_on(cursor, folder, run.id, at=at)
        return run, answer(folder, run)


def given_in_ledger() -> dict[tuple[str, str], int]:
    """What the programme gave, less what it took back, by rule and currency: account 1 is the programme's own."""
    with open_cursor() as cursor:
        rows = cursor.execute(
            "SELECT rule, currency, sum(CASE WHEN debit = 1 THEN amount ELSE -amount END)::bigint FROM ledger_movement "
            "WHERE debit = 1 OR credit = 1 GROUP BY rule, currency"
        ).fetchall()
    return {(rule, currency): amount for rule, currency, amount in rows if amount}


def loyal_now() -> int:
    with open_cursor() as cursor:
        row = cursor.execute("SELECT count(*) FROM segments_stay WHERE left_at IS NULL").fetchone()
    assert row is not None
    return int(row[0])


def test_the_programme_in_force_gives_exactly_what_the_ledger_gave(shop: Path) -> None:
    run, found = run_whole(shop, Asked(FIRST))
    assert (run.state, run.is_estimate, found.customers) == (State.DONE, False, 40)
    in_ledger = given_in_ledger()
    assert {(one.rule, one.currency): one.points.before.value for one in found.rules} == in_ledger
    assert {(one.rule, one.currency): one.points.after.value for one in found.rules} == in_ledger
    assert in_ledger["purchase", "points"] > 500
    assert found.loyal_before.value == found.loyal_after.value == loyal_now() > 0
    assert (found.gaining.value, found.losing.value) == (0, 0)
    for one in found.currencies:
        assert sum(month.given.before.value for month in one.months) == one.given.before.value
        assert all(month.outstanding.difference.value == 0 for month in one.months)
        last = one.months[-1]
        flows = sum(month.given.after.value - month.redeemed.after.value - month.expired.after.value for month in one.months)
        assert last.outstanding.after.value == flows


def test_with_nothing_redeemed_the_curve_ends_at_what_the_ledger_holds(shop: Path) -> None:
    """What expired by then in the ledger has expired in the curve too, to the month: it expires at an end of month here."""
    _run, found = run_whole(shop, Asked(FIRST, redemption=0))
    while settle_now(at=NOW, actor="test"):
        pass
    with open_cursor() as cursor:
        held = dict(cursor.execute("SELECT currency, sum(available)::bigint FROM ledger_balance GROUP BY currency").fetchall())
    assert {one.currency: one.outstanding.before.value for one in found.currencies} == held
    assert {one.currency: one.breakage_before for one in found.currencies} == {"points": (1.0, 1.0, 1.0), "score": None}


@pytest.mark.parametrize("sample", [1.0, 0.5])
def test_what_cannot_be_spent_is_not_redeemed_by_the_side_that_says_so(shop: Path, sample: float) -> None:
    spent = FIRST.replace(", spendable: false", "")
    answers = [run_whole(shop, Asked(spent, redemption=share, sample=sample))[1] for share in (0, 10_000)]
    score, all_redeemed = (next(one for one in found.currencies if one.currency == "score") for found in answers)
    assert (score.is_spendable_before, score.is_spendable_after) == (False, True)
    assert all(row.redeemed.before.value == 0 for row in (*all_redeemed.months, *all_redeemed.ahead))
    assert [row.outstanding.before for row in all_redeemed.months] == [row.outstanding.before for row in score.months]
    assert (all_redeemed.breakage_before, all_redeemed.breakage_after) == (None, (0.0, 0.0, 0.0))
    assert sum(row.redeemed.after.value for row in all_redeemed.months) > 0
    assert score.given.before == score.given.after


def test_what_waited_to_be_decided_when_the_history_was_read_is_told(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, found = run_whole(shop, Asked(DRAFT))
    assert found.waiting == 0
    with monkeypatch.context() as nobody_decides:
        nobody_decides.setitem(globals(), "decide_pending", lambda **named: False)
        receive([told("Coupon Redeemed", number, NOW, "later") for number in (1, 2)], NOW)
    assert run_whole(shop, Asked(DRAFT))[1].waiting == 0  # by the copy that was made before
    fresh, found = run_whole(shop, Asked(DRAFT), is_fresh=True)
    assert (found.waiting, fresh.activities) == (2, run.activities)


def test_what_is_outstanding_runs_off_as_its_lots_expire(shop: Path) -> None:
    """With nothing redeemed, what expires in each month to come is what the ledger's lots say; no month is left out."""
    _run, found = run_whole(shop, Asked(FIRST, redemption=0))
    while settle_now(at=NOW, actor="test"):
        pass
    with open_cursor() as cursor:
        cursor.execute(
            """SELECT currency, date_trunc('month', (expires_at - interval '1 microsecond') AT TIME ZONE %s)::date,
              sum(remaining)::bigint FROM ledger_lot WHERE remaining > 0 GROUP BY 1, 2""",
            (ZONE,),
        )
        due = {(currency, month): amount for currency, month, amount in cursor}
    assert due
    told = {(one.currency, row.month): row.expired.before.value for one in found.currencies for row in one.ahead}
    assert {key: amount for key, amount in told.items() if amount} == due


@pytest.mark.parametrize("redemption", [0, 3_000, 8_000, 10_000])
@pytest.mark.parametrize("sample", [1.0, 0.5])
def test_nothing_gets_lost_while_it_runs_off(shop: Path, redemption: int, sample: float) -> None:
    _run, found = run_whole(shop, Asked(DRAFT, redemption=redemption, sample=sample))
    for one in found.currencies:
        assert one.ahead[0].month == one.months[-1].month, "what is left of this month"
        months = [row.month for row in one.ahead]
        assert [12 * month.year + month.month for month in months] == list(
            range(12 * months[0].year + months[0].month, 12 * months[0].year + months[0].month + len(months))
        )
        for side in ("before", "after"):
            gone = sum(getattr(row.redeemed, side).value + getattr(row.expired, side).value for row in one.ahead)
            left = getattr(one.ahead[-1].outstanding, side).value
            assert all(getattr(row.given, side).value == 0 for row in one.ahead)
            slack = 0 if sample == 1 else 2 * len(one.ahead)  # figures of a sample are rounded one by one
            assert abs(getattr(one.outstanding, side).value - gone - left) <= slack
            assert left == 0


@pytest.mark.parametrize("since", [None, NOW - timedelta(days=25)])
def test_what_is_simulated_comes_true(shop: Path, since: datetime | None) -> None:
    before = given_in_ledger()
    _run, found = run_whole(shop, Asked(DRAFT, since=since))
    assert given_in_ledger() == before
    put_in_force(DRAFT, effective_from=since or BEGINNING, at=NOW, actor="test", reason="test")
    Follower().turn(at=NOW, actor="test", should_stop=lambda: False)
    after = given_in_ledger()
    assert after != before
    assert {(one.rule, one.currency): one.points.difference.value for one in found.rules} == {
        key: after[key] - before[key] for key in after
    }
    assert found.loyal_after.value == loyal_now()


def test_costs_people_and_breakage_by_hand(shop: Path) -> None:
    """Coupons of 9 give 4 more each; purchases keep to 8 points a day. A point costs half a cent."""
    run, found = run_whole(shop, Asked(DRAFT, worths={"points": "0.005"}, redemption=6_000))
    coupons = sum(number for number in range(40) if number % 3 == 0)
    rules = {(one.rule, one.currency): one for one in found.rules}
    assert rules["coupon", "score"].points.difference.value == 4 * coupons
    assert rules["coupon", "score"].cost_minor is None
    cost, points = rules["purchase", "points"].cost_minor, rules["purchase", "points"].points
    assert cost is not None
    assert (cost.before.value, cost.after.value) == ((points.before.value + 1) // 2, (points.after.value + 1) // 2)
    assert cost.difference.value == cost.after.value - cost.before.value < 0
    shares = {one.currency: one.breakage_after for one in found.currencies}
    assert shares == {"points": (0.4, 0.4, 0.4), "score": None}
    winners, count = list_people(shop, run, currency="score", is_gaining=True, limit=3)
    assert [one.after - one.before for one in winners] == [4 * 39, 4 * 36, 4 * 33]
    assert count == found.gaining.value == 13
    rest, _count = list_people(shop, run, currency="score", is_gaining=True, after=3, limit=50)
    assert len({one.customer for one in (*winners, *rest)}) == 13
    assert list_people(shop, run, currency="score", is_gaining=False)[1] == 0
    losers, _count = list_people(shop, run, currency="points", is_gaining=False, limit=100)
    assert sum(one.before - one.after for one in losers) == -points.difference.value


def test_a_sample_is_of_the_first_buckets_and_its_intervals_hold_what_is(shop: Path) -> None:
    _run, whole = run_whole(shop, Asked(DRAFT))
    run, some = run_whole(shop, Asked(DRAFT, sample=0.5))
    again, same = run_whole(shop, Asked(DRAFT, sample=0.5))
    assert msgspec.structs.replace(some, seconds=0.0) == msgspec.structs.replace(same, seconds=0.0)
    with open_cursor() as cursor:
        ids = [row[0] for row in cursor.execute("SELECT customer_id FROM programmes_state").fetchall()]
    assert run.looked_at == again.looked_at == sum(bucket_of(one) < BUCKETS // 2 for one in ids)
    assert 0 < run.looked_at < 40
    for one, all_ in zip(some.currencies, whole.currencies, strict=True):
        assert one.given.after.low <= all_.given.after.value <= one.given.after.high
        assert one.given.after.low < one.given.after.value < one.given.after.high
        assert one.months[-1].outstanding.after.low <= all_.months[-1].outstanding.after.value
    assert some.loyal_after.low <= whole.loyal_after.value <= some.loyal_after.high


def test_the_history_is_read_once_and_again_when_asked_or_old(shop: Path) -> None:
    run, _found = run_whole(shop, Asked(DRAFT))
    receive([told("Coupon Redeemed", 1, NOW, "later")], NOW + timedelta(minutes=5))
    again, found = run_whole(shop, Asked(DRAFT), at=NOW + timedelta(minutes=6))
    assert again.copy == run.copy
    assert found.activities == run.activities
    fresh, _found = run_whole(shop, Asked(DRAFT), at=NOW + timedelta(minutes=6), is_fresh=True)
    assert fresh.activities == run.activities + 1
    old, _found = run_whole(shop, Asked(DRAFT), at=NOW + KEPT * 2)
    assert old.copy.name not in {run.copy.name, fresh.copy.name}


def test_a_draft_that_reads_more_of_an_activity_finds_it_though_the_columns_were_kept_before(shop: Path) -> None:
    run_whole(shop, Asked(DRAFT))
    _run, found = run_whole(shop, Asked(LINES))
    rule = next(one for one in found.rules if (one.rule, one.currency) == ("purchase", "score"))
    kept = [place for number in range(40) for place in range(number % 7 + 1) if place % 3 != 1 and place % 4 != 2]
    assert rule.points.after.value == 2 * len(kept)  # two cups an order; a refund names both


def test_a_draft_that_asks_for_birthdays_finds_them_though_no_programme_did_before(shop: Path) -> None:
    draft = FIRST.replace("{activity: Coupon Redeemed}", "{all: [{activity: Coupon Redeemed}, {birthday_month: true}]}")
    born = [
        {"type": "identify", "messageId": f"born{number}", "userId": f"c{number}", "timestamp": NOW.isoformat(),
         "traits": {"birthday": f"1990-0{number % 3 + 1}-15"}}
        for number in range(40)
    ]  # fmt: skip
    receive(born, NOW)
    run_whole(shop, Asked(FIRST))
    _run, found = run_whole(shop, Asked(draft))
    foreseen = {(one.rule, one.currency): one.points.after.value for one in found.rules}
    assert 0 < foreseen["coupon", "score"] < given_in_ledger()["coupon", "score"]
    put_in_force(draft, effective_from=BEGINNING, at=NOW, actor="test", reason="test")
    Follower().turn(at=NOW, actor="test", should_stop=lambda: False)
    assert {key: value for key, value in foreseen.items() if value} == given_in_ledger()


def test_a_run_is_stopped_and_keeps_what_it_knows(shop: Path) -> None:
    with open_cursor() as cursor:
        run = begin(cursor, shop, Asked(DRAFT), at=NOW, actor="test")
        assert len(run.parts) == 2
        first = take_on(cursor, shop, run.id, at=NOW)
        assert stop(shop, run.id).state is State.STOPPED
        assert take_on(cursor, shop, run.id, at=NOW) == find_run(shop, run.id)
    found = answer(shop, find_run(shop, run.id))
    assert (found.state, found.looked_at, found.is_estimate) == ("stopped", first.looked_at, True)
    with pytest.raises(UnknownSimulation):
        find_run(shop, new_id())
    with pytest.raises(UnknownSimulation):
        stop(shop, new_id())


@pytest.mark.parametrize("has_lock", [True, False])
def test_two_who_take_one_run_on_at_once_do_each_part_once(
    shop: Path, monkeypatch: pytest.MonkeyPatch, *, has_lock: bool
) -> None:
    """Each waits at its part for the other. With the lock the other cannot come; without it, both do the first part."""

    @contextmanager
    def nothing(place: Path) -> Iterator[None]:
        yield

    met, meeting, read = [], threading.Barrier(2), keeping.read_part

    def meet(*arguments: Any, **named: Any) -> Any:
        met.append(arguments[3])
        try:
            meeting.wait(1)
        except threading.BrokenBarrierError:
            return read(*arguments, **named)
        raise InterruptedError  # the race was seen; what it would spoil is of no matter

    def take(cursor: Cursor, run: Run) -> None:
        with suppress(InterruptedError):
            take_on(cursor, shop, run.id, at=NOW)

    monkeypatch.setattr(running, "read_part", meet)
    if not has_lock:
        monkeypatch.setattr(running, "_alone", nothing)
    with open_cursor() as one, open_cursor() as other:
        run = begin(one, shop, Asked(DRAFT), at=NOW, actor="test")
        threads = [threading.Thread(target=take, args=(cursor, run)) for cursor in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    done = find_run(shop, run.id)
    if has_lock:
        assert met == run.parts
        assert (done.state, done.done, done.looked_at) == (State.DONE, 2, 40)
    else:
        assert met == [run.parts[0]] * 2


def test_an_erasure_removes_the_copy(shop: Path) -> None:
    with open_cursor() as cursor:
        run = begin(cursor, shop, Asked(DRAFT), at=NOW, actor="test")
        take_on(cursor, shop, run.id, at=NOW)
        assert list((shop / "history" / run.copy.name).glob("*.arrow"))
        erase("user_id:c3", reason="asked", at=NOW, actor="test")
        assert not list(shop.glob("history/**/*.arrow"))
        with pytest.raises(HistoryGone):
            take_on(cursor, shop, run.id, at=NOW)
    _run, found = run_whole(shop, Asked(FIRST))
    assert {(one.rule, one.currency): one.points.before.value for one in found.rules} == given_in_ledger()


def test_a_version_published_meanwhile_does_not_mix_two_programmes(shop: Path) -> None:
    _run, found = run_whole(shop, Asked(FIRST))
    with open_cursor() as cursor:
        run = begin(cursor, shop, Asked(FIRST), at=NOW, actor="test")
        put_in_force(DRAFT, effective_from=BEGINNING, at=NOW, actor="test", reason="test")
        assert get_programme(cursor).latest == run.in_force + 1
        while run.state is State.RUNNING:
            run = take_on(cursor, shop, run.id, at=NOW)
    assert answer(shop, run).rules == found.rules


def test_what_makes_no_sense_is_refused_with_a_sentence(shop: Path) -> None:
    with open_cursor() as cursor:
        with pytest.raises(InvalidSimulation, match="ends before it begins"):
            begin(cursor, shop, Asked(DRAFT, since=NOW, until=NOW - timedelta(days=1)), at=NOW, actor="test")
        with pytest.raises(InvalidSimulation, match="sample"):
            begin(cursor, shop, Asked(DRAFT, sample=0.0), at=NOW, actor="test")
        with pytest.raises(InvalidProgramme):
            begin(cursor, shop, Asked("programme: x"), at=NOW, actor="test")
    for wrong in (
        Asked(DRAFT, worths={"points": "a lot"}),
        Asked(DRAFT, worths={"points": "-1"}),
        Asked(DRAFT, redemption=10_001),
    ):
        with pytest.raises(InvalidSimulation):
            check(wrong)
    with (
        open_cursor() as cursor,
        pytest.raises(InvalidSimulation, match=r"currency 'pts'\. They have score, points") as refused,
    ):
        begin(cursor, shop, Asked(DRAFT, worths={"points": "0.01", "pts": "0.01"}), at=NOW, actor="test")
    assert refused.value.details["known"] == "score, points"
    assert not list(shop.glob("runs/*"))
    run, _found = run_whole(shop, Asked(DRAFT))
    lake_folder().mkdir(parents=True, exist_ok=True)
    with pytest.raises(LakeNotThere):
        answer(shop, msgspec.structs.replace(run, asked=Asked(DRAFT, redemption=None)))


def test_levels_in_force_are_those_that_are_kept_and_the_draft_moves_members(shop: Path) -> None:
    levels = """tiers:
  qualify_on: score
  period: {calendar: year}
  levels:
    - {name: Blue, from: 0}
    - {name: Gold, from: 30}
"""
    put_in_force(FIRST + levels, effective_from=BEGINNING, at=NOW, actor="test", reason="test")
    Follower().turn(at=NOW, actor="test", should_stop=lambda: False)
    run, found = run_whole(shop, Asked(DRAFT + levels))
    with open_cursor() as cursor:
        rows = cursor.execute(
            "SELECT DISTINCT ON (customer_id) customer_id, tier FROM programmes_tierstay WHERE since <= %s "
            "ORDER BY customer_id, since DESC",
            (NOW,),
        ).fetchall()
    kept = dict(rows)
    last = {one.tier: one for one in found.tiers if (one.month.year, one.month.month) == (2026, 3)}
    assert {tier: line.before.value for tier, line in last.items()} == {
        tier: list(kept.values()).count(tier) for tier in ("Blue", "Gold")
    }
    moved = list_moved(shop, run)
    assert len(moved) == found.moved.value == last["Gold"].after.value - last["Gold"].before.value > 0
    assert {(before, after) for _customer, before, after in moved} == {("Blue", "Gold")}
    assert all(kept[customer] == "Blue" for customer, _before, _after in moved)


def test_a_history_with_nobody_in_it_is_read_again(db: None, settings: Any, tmp_path: Path) -> None:
    settings.CONFIGURATION = replace(settings.CONFIGURATION, data=tmp_path)
    install(timezone=ZONE, at=NOW, actor="test")
    put_in_force(FIRST, effective_from=BEGINNING, at=NOW, actor="test", reason="test")
    run_whole(simulation_folder(), Asked(DRAFT))
    receive([told("Order Completed", 1, NOW - timedelta(days=2), "1")], NOW)
    run, _found = run_whole(simulation_folder(), Asked(DRAFT), at=NOW + timedelta(minutes=1))
    again, _found = run_whole(simulation_folder(), Asked(DRAFT), at=NOW + timedelta(minutes=2))
    assert sum(run.copy.customers) == 1
    assert again.copy == run.copy, "one with somebody in it is used for an hour"
