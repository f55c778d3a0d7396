"""What rules give together."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from stamgast.programmes.documents import load
from stamgast.programmes.linting import lint

from .shop import CENTS, EUROS, document, order

AT = datetime(2026, 6, 1, tzinfo=UTC)


def of_paid(name, hundredths, **more):
    """Points at a cent each, for so many hundredths of what is paid."""
    return {**EUROS, "name": name, "give": {"points": {"amount": hundredths, "per": 1}}, **more}


def test_rules_that_together_give_more_than_is_paid_are_found_before_they_hold():
    """saleor #17453: 40 % and 70 % of the full price made goods free."""
    found = lint(load(document(of_paid("forty", 40), of_paid("seventy", 70))), at=AT, worths={"points": Decimal("0.01")})
    assert "above_value" in {finding.code for finding in found.findings}
    assert found.has_errors
    apart = lint(load(document(of_paid("forty", 40), of_paid("five", 5))), at=AT, worths={"points": Decimal("0.01")})
    assert not apart.has_errors


@pytest.mark.django_db
@pytest.mark.parametrize(("stacking", "given"), [("base", 30), ("standing", 40)])
def test_multipliers_stack_as_the_document_says_and_in_its_order(open_shop, stacking, given):
    """saleor #17453, #14920, #16768: what the second is counted on was said nowhere."""
    double = {"when": EUROS["when"], "multiply": {"points": 2}}
    rules = (EUROS, {"name": "one", **double}, {"name": "two", **double})
    shop = open_shop(document(*rules, stacking=stacking))
    shop.tell(order("o1", "10.00"))
    assert shop.points() == given


@pytest.mark.django_db
def test_nothing_is_ever_given_below_zero(open_shop):
    """medusa #8829: buy one and get one made an order negative."""
    shop = open_shop(document(CENTS, {**EUROS, "name": "double", "give": {"points": {"amount": 2, "per": 1}}}))
    shop.tell(order("o0", "5.00"))
    before = shop.points()
    shop.tell(
        order("o1", "-30.00"), order("o2", products=[{"price": "10.00", "quantity": 1}, {"price": "-25.00", "quantity": 1}])
    )
    assert (shop.points(), shop.balance().debt) == (before, 0)
