"""The page of budgets: how each stands, its warning elsewhere, and closing a rule on a day."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client

from stamgast.activities.types import Source
from stamgast.console.budget_words import budget_rows, budgets_title, forecast_sentence
from stamgast.flows.publish import put_in_force
from stamgast.flows.watch_budgets import Watched
from stamgast.kit.database import open_cursor
from stamgast.programmes.budgets import Budget, Forecast, forecast
from stamgast.programmes.queries import get_programme

TODAY = date(2026, 3, 10)
BUDGET = Budget("coupon", "score", 100)


def watched(*given: tuple[date, int]) -> Watched:
    return Watched(forecast(BUDGET, given, TODAY), given, None)


def daily(amount: int, days: int) -> list[tuple[date, int]]:
    return [(TODAY - timedelta(days=back), amount + back % 2) for back in range(days, 0, -1)]


@pytest.mark.parametrize(
    ("given", "state", "title"),
    [
        ([], "lasts", "1 budget, and it lasts"),
        (daily(1, 5), "lasts", "1 budget, and it lasts"),
        (daily(5, 10), "spent within two weeks", "1 budget asks for attention"),
        (daily(3, 24), "nearly spent", "1 budget asks for attention"),
        (daily(10, 20), "spent", "1 budget asks for attention"),
    ],
)
def test_a_budget_is_in_one_of_four_states(given: list[tuple[date, int]], state: str, title: str) -> None:
    one = watched(*given)
    (row,) = budget_rows([one], TODAY)
    assert (row["state"][0], budgets_title([one], TODAY)) == (state, title)
    assert len(row["picture"].table.rows) == len(given)
    assert bool(row["picture"].spec) == bool(given)


def test_each_forecast_has_its_sentence() -> None:
    day = timedelta(days=1)
    said = [
        forecast_sentence(Forecast(BUDGET, 110, 0.0, TODAY, TODAY, TODAY)),
        forecast_sentence(Forecast(BUDGET, 100, 0.0, TODAY, TODAY, TODAY)),
        forecast_sentence(Forecast(BUDGET, 10, 0.0, None, None, None)),
        forecast_sentence(Forecast(BUDGET, 10, 0.001, None, None, None)),
        forecast_sentence(Forecast(BUDGET, 10, 1.0, None, TODAY, None)),
        forecast_sentence(Forecast(BUDGET, 10, 1.0, TODAY + day, TODAY, None)),
        forecast_sentence(Forecast(BUDGET, 10, 1.0, TODAY, TODAY, TODAY)),
        forecast_sentence(Forecast(BUDGET, 10, 1.0, TODAY + day, TODAY, TODAY + 9 * day)),
    ]
    assert len(set(said)) == len(said)
    assert said[-1] == "It will be spent on 11 Mar 2026, going on like this: between 10 Mar 2026 and 19 Mar 2026."


def test_a_rule_is_closed_on_a_day_from_the_page(signed_in: Client, shop: Source) -> None:
    assert "No rule has a budget" in signed_in.get("/programme/budgets").content.decode()
    assert signed_in.get("/programme/budgets/warning").content.decode().strip() == ""
    now = datetime.now(UTC)
    with open_cursor() as cursor:
        text = get_programme(cursor).versions[0].document
    budgeted = text.replace("give: {score: 5}", "give: {score: 5}\n    budget: {score: 5}")
    put_in_force(budgeted, effective_from=now, at=now, actor="test", reason="no more than this")
    page = signed_in.get("/programme/budgets").content.decode()
    assert "1 budget asks for attention" in page
    assert "Coupon: 100" in signed_in.get("/programme/budgets/warning").content.decode()
    last_day = (now + timedelta(days=3)).date()
    for wrong in ({"last_day": "soon", "reason": "x"}, {"last_day": last_day.isoformat(), "reason": " "},
                  {"last_day": "2020-01-01", "reason": "x"}):  # fmt: skip
        signed_in.post("/programme/budgets/close", {"rule": "coupon", **wrong})
        with open_cursor() as cursor:
            assert get_programme(cursor).latest == 2
    sent = {"rule": "coupon", "last_day": last_day.isoformat(), "reason": "It is spent"}
    assert signed_in.post("/programme/budgets/close", sent).status_code == 302
    with open_cursor() as cursor:
        newest = get_programme(cursor).versions[-1]
    assert (newest.version, newest.published_by, newest.reason) == (3, "staff:owner@example.org", "It is spent")
    assert f'until: "{last_day.isoformat()}"' in newest.document
    assert "The rule ends on" in signed_in.get("/programme/budgets").content.decode()
