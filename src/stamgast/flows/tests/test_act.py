"""Acts of real customers: segments follow, a merge carries what they chose and its opposite gives it back."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import transaction as django_transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stamgast.customers.erasure.errors import CustomerErased
from stamgast.customers.errors import CustomerChanged
from stamgast.customers.queries import get_customer, reference_of
from stamgast.flows.act import Asking, Doing, act, act_together, do_together, find_owner, require_spendable
from stamgast.flows.audit import run as run_audit
from stamgast.flows.erase import erase
from stamgast.flows.merge_customers import merge_customers
from stamgast.flows.tests.conftest import BY, NOW, coupon, make_spendable, order, tell
from stamgast.flows.unmerge_customers import withdraw_judgement
from stamgast.kit.database import open_cursor, transaction
from stamgast.ledger.acts import Adjust, Capture, Donate, Hold, Reverse, Spend, Transfer
from stamgast.ledger.checkpoints import compare_with_checkpoint, take_checkpoint
from stamgast.ledger.errors import ActKeyReused, CurrencyNotSpendable, HoldEnded, InsufficientBalance, InvalidAct, LedgerError
from stamgast.ledger.queries import get_balances

pytestmark = pytest.mark.django_db
ANNA, CARD = "user_id:anna", "card_number:7001"


def ask(customer, kind, key, **values):
    def asked(owner, anchor):
        return kind(owner_id=owner, anchor_id=anchor, key=key, reason="asked", occurred_at=NOW, **values)

    return act(customer, asked, at=NOW, actor="test")


def spend(customer, amount, key="spend"):
    return ask(customer, Spend, key, currency="score", amount=amount)


def balance(customer):
    with open_cursor() as cursor:
        found = get_balances(cursor, get_customer(cursor, customer).id)
        return next((row.available, row.held, row.debt) for row in found if row.currency == "score")


def everything():
    """Available, held and debt of everybody who is not part of another, and that the audit finds nothing."""
    assert run_audit(lambda check, done: None) == []
    with open_cursor() as cursor:
        cursor.execute(
            """SELECT b.owner_id, b.currency, b.available, b.pending, b.held, b.debt FROM ledger_balance b
            WHERE (b.available, b.pending, b.held, b.debt) <> (0, 0, 0, 0) ORDER BY 1, 2"""
        )
        return cursor.fetchall()


def timelines():
    with open_cursor() as cursor:
        cursor.execute(
            """SELECT owner_id, currency, effective_at, sum(CASE WHEN credit = 11 THEN amount ELSE -amount END)
            FROM ledger_movement WHERE debit = 11 OR credit = 11 GROUP BY 1, 2, 3
            HAVING sum(CASE WHEN credit = 11 THEN amount ELSE -amount END) <> 0 ORDER BY 1, 2, 3"""
        )
        return cursor.fetchall()


def uses():
    with open_cursor() as cursor:
        cursor.execute(
            """SELECT owner_id, act_id, sum(held), sum(used) FROM ledger_use WHERE held > 0 OR used > 0
            GROUP BY owner_id, act_id ORDER BY owner_id, act_id"""
        )
        return cursor.fetchall()


def test_a_spend_leaves_a_segment_and_its_reversal_comes_back(shop):
    tell(*[coupon(100 + n, 5, userId="anna") for n in range(12)])
    before, _, _ = balance(ANNA)
    assert before > 100
    assert segments() == ["loyal-customers"]
    spent = spend(ANNA, before - 10)
    assert segments() == []
    ask(ANNA, Reverse, "back", spend_id=spent.act_id)
    assert segments() == ["loyal-customers"]
    everything()


def segments():
    with open_cursor() as cursor:
        cursor.execute("SELECT segment_id FROM segments_stay WHERE customer_id = %s AND left_at IS NULL", (customer_id(ANNA),))
        return [row[0] for row in cursor]


def test_a_refusal_is_an_error_and_is_kept(shop):
    with pytest.raises(InsufficientBalance) as refused:
        spend(CARD, 1_000_000)
    tell(coupon(200, 1, userId="anna"))
    with pytest.raises(InsufficientBalance) as again:
        spend(CARD, 1_000_000)
    assert str(again.value) == str(refused.value)
    with open_cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ledger_act WHERE refusal = 'insufficient_balance'")
        assert cursor.fetchone() == (1,)


@pytest.mark.parametrize("pair", [(ANNA, CARD), (CARD, ANNA)])
def test_what_was_answered_is_answered_again_after_a_merge_and_after_it_was_taken_back(shop, pair):
    """A till that lost the answer asks again, by whatever it knew then; meanwhile the customer became another."""
    by_own_id, by_anna = str(customer_id(CARD)), str(customer_id(ANNA))
    asked = [
        lambda: spend(ANNA, 10, "1"),
        lambda: spend(CARD, 20, "1"),
        lambda: spend(by_own_id, 3, "own"),
        lambda: ask(CARD, Transfer, "gift", currency="score", amount=5, receiver_id=UUID(by_anna)),
    ]
    before = [each() for each in asked]
    effect = merge_customers(*pair, reason="her card", **BY)
    together = [lambda: spend(ANNA, 2, "2"), lambda: spend(CARD, 4, "3")]
    before += [each() for each in together]
    left = balance(ANNA)
    for each, answer in zip([*asked[:3], *together], [*before[:3], *before[4:]], strict=True):
        assert each() == replace(answer, is_repeat=True)
    with pytest.raises(ActKeyReused):
        spend(CARD, 21, "1")
    assert (balance(ANNA), balance(CARD)) == (left, left)
    withdraw_judgement(effect.judgement.id, reason="a mistake", **BY)
    left = balance(ANNA), balance(CARD)
    for each, answer in zip([*asked, *together], before, strict=True):
        assert each() == replace(answer, is_repeat=True)
    assert (balance(ANNA), balance(CARD)) == left


def test_a_transfer_is_answered_again_when_its_receiver_became_part_of_another(shop):
    tell(coupon(400, 3, userId="bob"))
    gift = ask("user_id:bob", Transfer, "gift", currency="score", amount=5, receiver_id=customer_id(CARD))
    merge_customers(ANNA, CARD, reason="her card", **BY)
    again = ask("user_id:bob", Transfer, "gift", currency="score", amount=5, receiver_id=customer_id(CARD))
    assert again == replace(gift, is_repeat=True)
    assert balance("user_id:bob") == (0, 0, 0)


@pytest.mark.parametrize("kind", [Spend, Hold, Donate, Transfer])
def test_nothing_is_done_of_who_was_erased(shop, kind):
    """By our own id they are still found, for the books."""
    anna = str(customer_id(ANNA))
    more = {
        Hold: {"lasts": timedelta(hours=1)},
        Donate: {"charity": "forest"},
        Transfer: {"receiver_id": customer_id(CARD)},
    }.get(kind, {})
    spent = spend(anna, 5, "before")
    held = ask(anna, Hold, "held", currency="score", amount=5, lasts=timedelta(hours=1))
    erase(anna, reason="asked", at=NOW, actor="test")
    left = balance(anna)
    with pytest.raises(CustomerErased):
        ask(anna, kind, "after", currency="score", amount=1, **more)
    with pytest.raises(CustomerErased):
        ask(anna, Reverse, "back", spend_id=spent.act_id)
    with pytest.raises(CustomerErased):
        ask(anna, Capture, "capture", hold_id=held.act_id)
    with pytest.raises(CustomerErased):
        ask(CARD, Transfer, "gift", currency="score", amount=1, receiver_id=UUID(anna))
    assert balance(anna) == left
    assert spend(anna, 5, "before") == replace(spent, is_repeat=True), "what was answered is answered again"


def test_an_erasure_between_finding_and_doing_is_seen(shop):
    with open_cursor() as cursor:
        owner = find_owner(cursor, ANNA)
    said = {"key": "late", "reason": "asked", "occurred_at": NOW, "currency": "score", "amount": 1}
    one = Spend(owner_id=owner.id, anchor_id=owner.anchor_id, **said)
    erase(ANNA, reason="asked", at=NOW, actor="test")
    with transaction() as cursor:
        [answer] = do_together(cursor, [Doing(one, NOW, "test")])
    assert isinstance(answer, CustomerChanged)


def test_a_checkpoint_holds_over_a_merge_and_its_opposite(shop):
    spend(ANNA, 30, "anna")
    ask(CARD, Adjust, "sorry", currency="score", amount=20, expires_at=NOW + timedelta(days=9))
    ask(ANNA, Transfer, "gift", currency="score", amount=3, receiver_id=customer_id(CARD))
    with transaction() as cursor:
        checkpoint = take_checkpoint(cursor, at=NOW + timedelta(days=2))
        assert sum(count for _, count, _ in checkpoint.acts) == 3
    effect = merge_customers(ANNA, CARD, reason="her card", **BY)
    withdraw_judgement(effect.judgement.id, reason="a mistake", **BY)
    merge_customers(CARD, ANNA, reason="her card after all", **BY)
    with transaction() as cursor:
        assert compare_with_checkpoint(cursor, checkpoint) == []
    everything()


@pytest.mark.parametrize("pair", [(ANNA, CARD), (CARD, ANNA)])
def test_merge_carries_what_both_chose_and_its_opposite_gives_it_back(shop, pair):
    spend(ANNA, 30, "anna")
    spend(CARD, 45, "card")
    ask(CARD, Donate, "tree", currency="score", amount=2, charity="forest")
    ask(ANNA, Adjust, "sorry", currency="score", amount=20)
    ask(CARD, Adjust, "wrong", currency="score", amount=-1)
    ask(ANNA, Transfer, "gift", currency="score", amount=3, receiver_id=customer_id(CARD))
    held = ask(CARD, Hold, "hold", currency="score", amount=4, lasts=timedelta(days=9))
    apart = everything(), timelines(), uses()
    each = [balance(ANNA), balance(CARD)]
    merged = merge_customers(*pair, reason="one person", **BY)
    together = balance(ANNA)
    assert together == tuple(sum(part) for part in zip(*each, strict=True))
    everything()
    withdraw_judgement(merged.judgement.id, reason="not so", **BY)
    assert everything() == apart[0]
    assert timelines() == apart[1]
    assert uses() == apart[2]
    assert ask(CARD, Capture, "capture", hold_id=held.act_id).amount == 4
    everything()


def customer_id(customer):
    with open_cursor() as cursor:
        return get_customer(cursor, customer).id


def test_what_was_held_and_spent_before_a_merge_is_captured_and_reversed_after_it(shop):
    spent = spend(CARD, 40)
    held = ask(CARD, Hold, "hold", currency="score", amount=7, lasts=timedelta(days=9))
    merge_customers(ANNA, CARD, reason="one person", **BY)
    before = balance(ANNA)
    assert ask(ANNA, Capture, "capture", hold_id=held.act_id, amount=5).amount == 5
    with pytest.raises(HoldEnded):
        ask(ANNA, Capture, "again", hold_id=held.act_id)
    assert ask(CARD, Reverse, "reverse", spend_id=spent.act_id).amount == 40
    assert balance(CARD) == (before[0] + 2 + 40, 0, 0)
    everything()


def test_what_one_spent_of_both_is_owed_by_that_one_after_they_come_apart(shop):
    anna, card = balance(ANNA)[0], balance(CARD)[0]
    merged = merge_customers(ANNA, CARD, reason="one person", **BY)
    together = balance(ANNA)[0]
    spend(CARD, together - 1)
    withdraw_judgement(merged.judgement.id, reason="not so", **BY)
    assert balance(ANNA) == (anna, 0, 0)
    assert balance(CARD) == (0, 0, together - 1 - card)
    everything()
    tell(*[coupon(300 + n, 0, anonymousId="d1") for n in range(2)])
    assert balance(CARD)[2] < together - 1 - card, "the next earnings pay for it"
    everything()


AMOUNTS = st.integers(1, 70)
CHOICES = st.lists(
    st.tuples(
        st.sampled_from((ANNA, CARD)),
        st.sampled_from(("spend", "donate", "up", "down", "gift", "hold", "capture", "reverse", "return", "earn")),
        AMOUNTS,
    ),
    max_size=7,
)


def choose(choices, prefix):
    """Does what can be done of these, and returns the holds and spends there are."""
    for number, (customer, what, amount) in enumerate(choices):
        key = f"{prefix} {number}"
        with suppress(LedgerError):
            if what == "return":
                tell({**order(900, 9, "A1", userId="anna"), "event": "Order Refunded", "messageId": key})
            elif what == "earn":
                tell(coupon(f"{prefix}{number}", amount, **({"userId": "anna"} if customer == ANNA else {"anonymousId": "d1"})))
            elif what in ("capture", "reverse"):
                with open_cursor() as cursor:
                    cursor.execute(
                        "SELECT act_id, kind FROM ledger_act WHERE kind IN (1, 2, 8) AND refusal = '' ORDER BY act_id"
                    )
                    acts = cursor.fetchall()
                if acts and what == "capture":
                    ask(customer, Capture, key, hold_id=acts[amount % len(acts)][0])
                elif acts:
                    ask(customer, Reverse, key, spend_id=acts[amount % len(acts)][0], grace=timedelta(days=3))
            else:
                kind, values = {
                    "spend": (Spend, {}),
                    "donate": (Donate, {"charity": "forest"}),
                    "up": (Adjust, {"expires_at": NOW + timedelta(days=amount)}),
                    "down": (Adjust, {}),
                    "gift": (Transfer, {"receiver_id": customer_id(CARD if customer == ANNA else ANNA)}),
                    "hold": (Hold, {"lasts": timedelta(days=9)}),
                }[what]
                ask(customer, kind, key, currency="score", amount=-amount if what == "down" else amount, **values)


def worth():
    """What everybody has together, less what they owe."""
    return sum(row[2] + row[3] + row[4] - row[5] for row in everything())


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(before=CHOICES, between=CHOICES, after=CHOICES, is_turned=st.booleans())
def test_whatever_is_chosen_balances_hold_through_merges_and_their_opposite(shop, before, between, after, is_turned):
    with django_transaction.atomic():
        choose(before, "before")
        apart = everything(), timelines(), worth()
        merged = merge_customers(*((CARD, ANNA) if is_turned else (ANNA, CARD)), reason="one person", **BY)
        assert worth() == apart[2]
        with django_transaction.atomic():
            withdraw_judgement(merged.judgement.id, reason="not so", **BY)
            now = everything()
            assert [(*row[:2], row[2] + row[4] - row[5]) for row in now] == [
                (*row[:2], row[2] + row[4] - row[5]) for row in apart[0]
            ]
            django_transaction.set_rollback(True)
        choose(between, "between")
        everything()
        withdraw_judgement(merged.judgement.id, reason="not so", **BY)
        everything()
        choose(after, "after")
        everything()
        django_transaction.set_rollback(True)


def test_what_may_be_spent_is_said_by_the_version_in_force(shop):
    tomorrow = NOW + timedelta(days=1)
    make_spendable(tomorrow)
    with open_cursor() as cursor:
        owner, anchor, *_ = find_owner(cursor, "user_id:anna")

        def spend(key, at):
            return Spend(owner_id=owner, anchor_id=anchor, key=key, currency="score", amount=1, reason="test", occurred_at=at)

        require_spendable(cursor, spend("later", tomorrow))
        with pytest.raises(CurrencyNotSpendable):
            require_spendable(cursor, spend("now", NOW))
    done = act("user_id:anna", lambda owner, anchor: spend("done", NOW), at=NOW, actor="test")
    assert not done.is_repeat
    with open_cursor() as cursor:
        require_spendable(cursor, spend("done", NOW))


def test_one_act_that_cannot_be_leaves_the_others_together(db, shop):
    def asking(amount, at):
        def asked(owner, anchor):
            return Adjust(owner_id=owner, anchor_id=anchor, key=f"{amount}", reason="r", occurred_at=at, currency="score",
                          amount=amount)  # fmt: skip

        return Asking(reference_of(ANNA), asked, NOW, "test")

    before, _held, _debt = balance(ANNA)
    one, impossible, nothing, other = act_together(
        [asking(5, NOW), asking(6, NOW + timedelta(hours=1)), asking(0, NOW), asking(7, NOW)]
    )
    assert isinstance(impossible, InvalidAct)
    assert isinstance(nothing, InvalidAct)
    assert (one.amount, other.amount, balance(ANNA)[0]) == (5, 7, before + 12)
