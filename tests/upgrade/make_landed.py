"""Makes ``landed.sql`` and ``landed.json``: a small shop as the release that landed last keeps it, and what is true of it.

Run it with the code of that release, in an environment that has its packages, each time that a release lands:

    git worktree add /tmp/landed RELEASE
    PYTHONPATH=/tmp/landed/src python tests/upgrade/make_landed.py

The test brings the result to the version of the day. Only what that version reads anyway is written here: nothing is imported
from the tests.
"""

import json
import os
import random
import subprocess
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

NOW = datetime(2026, 7, 1, 9, tzinfo=UTC)
HERE = Path(__file__).parent
SECRET = "only-for-the-tools-and-long-enough-to-be-accepted-as-one"
"""Erased people are known by a key that is locked with it."""
KEPT_AS_THEY_ARE = {
    "activities_activity": "id, source_id, type, kind, anchor_id, identifiers, occurred_at, received_at, order_id, body",
    "activities_refusal": "id, reason, detail, body, settled_at",
    "activities_source": "id, name, is_strict",
    "activities_sourcekey": "id, source_id, digest",
    "customers_link": "identifier_id, customer_id, began_at, ended_at, reason",
    "ledger_movement": "movement_id, owner_id, kind, currency, debit, credit, amount, effective_at, activity_id, rule",
    "ledger_seal": "sequence, batch_id",
    "ledger_balance": "owner_id, currency, available",
    "segments_stay": "segment_id, customer_id, entered_at, left_at",
    "access_staff": "email, name, password",
    "access_apikey": "id, name, digest",
    "programmes_version": "programme, version, document, effective_from",
    "customers_judgement": "id, one_id, other_id, is_same, made_at, withdrawn_at",
    "customers_ruleset": "id, document",
    "customers_household_told": "anchor_id, told_id, household",
    "customers_consentchange": "id, anchor_id, purpose, channel, state, occurred_at, source, text",
    "customers_erasure": "id, customer_id, anchor_id, at, reason, removed",
    "customers_tombstone": "digest, erasure_id, buried_at",
    "webhooks_endpoint": "id, name, url, kinds",
    "webhooks_event": "id, kind, occurred_at, body",
    "access_trail": "at, actor, action, subject",
    "ledger_act": "act_id, owner_id, kind, content, currency, key, asked, amount, available, refusal, sentence",
    "ledger_hold": "hold_id, owner_id, state, amount, captured, ends_at, ended_at",
    "ledger_use": "owner_id, act_id, lot_id, held, used",
    "ledger_lot": "lot_id, owner_id, given, remaining, pending, held, used, expired, owed, expires_at, available_at",
    "programmes_tierstay": "customer_id, since, tier, cause, activity_id",
    "programmes_draft": "id, title, document, state, editors",
    "traits_version": "name, version, document",
}
"""By table the columns whose every value an upgrade has to keep."""


def main() -> None:
    """The shop, then the dump, then the facts."""
    with tempfile.TemporaryDirectory(prefix="landed-") as folder:
        Path(folder).chmod(0o755)
        os.environ |= {
            "STAMGAST_DATA": folder,
            "STAMGAST_SECRET_KEY": SECRET,
            "DJANGO_SETTINGS_MODULE": "stamgast.settings",
        }
        from stamgast.kit.embedded import EmbeddedServer, programs

        server = EmbeddedServer(Path(folder) / "postgres", is_durable=False)
        server.start()
        try:
            fill()
            facts = read_facts()
            dump = [programs() / "pg_dump", "--no-owner", "--dbname", server.url()]
            text = subprocess.run(dump, check=True, capture_output=True, text=True).stdout
        finally:
            server.stop()
    (HERE / "landed.sql").write_text(text)
    (HERE / "landed.json").write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n")


def fill() -> None:
    """Half a year of a shop and a till: visitors who sign in, refunds, repeats, late ones, refusals, some that still wait."""
    import django

    django.setup()
    import msgspec
    from django.core.management import call_command

    from stamgast.access.operations import create_key, create_staff
    from stamgast.activities.messages import Reader
    from stamgast.activities.operations import create_source, store
    from stamgast.activities.queries import load_catalogue
    from stamgast.activities.types import Refused
    from stamgast.flows.decide_pending import decide_pending, settle_now
    from stamgast.flows.install import install
    from stamgast.kit.database import transaction
    from stamgast.ledger.operations import fold, seal

    call_command("migrate", verbosity=0)
    install(timezone="Europe/Amsterdam", at=NOW - timedelta(days=200), actor="install")
    with transaction() as cursor:
        sources = [create_source(cursor, name, at=NOW, actor="ada")[0] for name in ("Web shop", "Till")]
        reader = Reader(load_catalogue(cursor), currency="EUR", region="NL")
        create_staff(cursor, email="ada@example.org", name="Ada", password="three blue herons", at=NOW, actor="ada")
        create_key(cursor, "report", ["customers:read"], at=NOW, actor="ada")

    def come_in(messages: list[dict[str, object]], at: datetime) -> None:
        read = [
            reader.read_message(msgspec.json.encode(one), source=sources[i % 2], received_at=at, fallback_id=f"{at}-{i}")
            for i, one in enumerate(messages)
        ]
        with transaction() as cursor:
            store(
                cursor, [one for one in read if not isinstance(one, Refused)], [one for one in read if isinstance(one, Refused)]
            )

    dice = random.Random(1)
    for day in range(0, 180, 5):
        at = NOW - timedelta(days=180 - day)
        come_in([message(dice, f"{day}-{i}", at) for i in range(9)], at)
        while decide_pending(at=at, actor="worker", limit=50):
            pass
        settle_now(at=at, actor="worker")
        with transaction() as cursor:
            seal(cursor, at=at)
            fold(cursor)
        if day == 90:
            publish_more(at)
        if day == 120:
            know()
        if day >= 130:
            choose(f"day-{day}", at)
    come_in([message(dice, f"last-{i}", NOW) for i in range(7)], NOW)


def know() -> None:
    """What people do about customers: merge, take back, say of households and consent, erase, and hear of it elsewhere."""
    from stamgast.customers.consent.types import ConsentState
    from stamgast.flows.apply_identity_rules import put_in_force
    from stamgast.flows.erase import erase
    from stamgast.flows.merge_customers import merge_customers
    from stamgast.flows.set_consent import Told, tell_consent
    from stamgast.flows.set_household import set_household
    from stamgast.flows.unmerge_customers import withdraw_judgement
    from stamgast.kit.database import transaction
    from stamgast.webhooks.operations.endpoints import create_endpoint
    from stamgast.webhooks.types import Reach

    said = {"at": NOW - timedelta(days=58), "actor": "staff:ada@example.org", "reason": "they told us"}
    with transaction() as cursor:
        kinds = ["segment.entered", "segment.left", "customer.merged"]
        create_endpoint(
            cursor,
            name="Till",
            url="https://hooks.example.org/",
            kinds=kinds,
            reach=Reach(),
            random=b"r" * 32,
            at=NOW,
            actor="ada",
        )
    with transaction() as cursor:
        cursor.execute("SELECT 'user_id:' || value FROM customers_identifier WHERE kind = 'user_id' ORDER BY value OFFSET 1")
        one, two, three, four, five, six, *_ = [name for (name,) in cursor]
    merge_customers(one, two, **said)
    withdraw_judgement(merge_customers(three, four, **said).judgement.id, **said)
    set_household(five, "4711", **said)
    told = Told(ConsentState.GIVEN, source="till", actor="staff:ada@example.org", occurred_at=NOW, text="May we write?")
    with transaction() as cursor:
        tell_consent(cursor, five, "newsletter", "email", told, at=NOW, secret="not-needed-here")
    put_in_force({"limits": {"user_id": 1}, "blocked": {"email": ["info@example.org"]}}, **said)
    erase(six, **said)


PROGRAMME = """
programme: default
timezone: Europe/Amsterdam
currencies:
  score: {expires: {after: 24 months, at: exact}, spendable: false}
  points: {expires: {after: 3 months, at: end of month}, pending: 7 days}
  stamps: {spendable: false}
  coffees: {expires: {after: 60 days}}
earn:
  - {name: purchase, when: {all: [{field: kind, in: [Order Completed, Till Sale]}, {field: amount, over: 0}]}, give: {score: 1}}
  - {name: coupon, when: {activity: Coupon Redeemed}, give: {score: 5, stamps: 1}}
  - {name: money, when: {activity: Order Completed}, give: {points: {amount: 1, per: 1.00}}, cap: {points: 60, per: day}}
  - {name: each third, when: {activity: Order Completed}, every: 3, give: {points: 20}}
  - {name: three weeks, when: {activity: Order Completed}, streak: {count: 3, per: week}, give: {points: 15}}
  - {name: Tuesdays, when: {field: weekday, is: tuesday}, multiply: {points: 2}}
cards:
  - {name: coffee card, of: stamps, each: 3, give: {coffees: 1}}
tiers:
  qualify_on: {spend: {activity: Order Completed}}
  period: {calendar: quarter}
  grace: 10 days
  levels:
    - {name: Blue, from: 0}
    - {name: Gold, from: 150, multiply: {points: 1.5}}
"""


def publish_more(at: datetime) -> None:
    """A programme with points that wait, a card and tiers, a draft of the next one, and a trait that is computed."""
    from stamgast.flows.publish import publish_programme
    from stamgast.kit.database import transaction
    from stamgast.programmes.drafts import begin_draft
    from stamgast.traits.definition import read_definition
    from stamgast.traits.operations import save_trait

    said = {"at": at, "actor": "staff:ada@example.org"}
    publish_programme(PROGRAMME, effective_from=at, reason="points", progress=lambda done, total: None, **said)
    spent = {"name": "spent", "label": "Spent", "when": {"activity": "Order Completed"}, "aggregate": "sum", "of": "amount"}
    with transaction() as cursor:
        text = PROGRAMME.replace("from: 150", "from: 200")
        begin_draft(cursor, programme="default", title="Gold for more", document=text, base=1, **said)
        save_trait(cursor, read_definition(spent, zone="Europe/Amsterdam", currency="EUR"), after=None, **said)


def choose(key: str, at: datetime) -> None:
    """What customers do with their points, whoever has some: spend, set aside, take back, pass on, and ask for too much."""
    from stamgast.kit.database import open_cursor, transaction
    from stamgast.ledger.acts import Act, Capture, Hold, Reverse, Spend, Transfer
    from stamgast.ledger.operations import perform

    with open_cursor() as cursor:
        cursor.execute(
            "SELECT owner_id FROM ledger_balance WHERE currency = 'points' AND available > 9 ORDER BY owner_id LIMIT 4"
        )
        owners = [owner for (owner,) in cursor]
    for owner, other in zip(owners, owners[1:] + owners[:1], strict=True):
        what = {"owner_id": owner, "reason": "at the till", "occurred_at": at}
        coins = what | {"currency": "points"}
        spend = Spend(key=f"{key}-spend", amount=4, **coins)
        hold = Hold(key=f"{key}-hold", amount=3, lasts=timedelta(hours=48), **coins)
        asked: list[Act] = [spend, hold, Hold(key=f"{key}-other", amount=2, lasts=timedelta(days=9), **coins)]
        asked += [
            Spend(key=f"{key}-much", amount=9_999, **coins),
            Capture(key=f"{key}-capture", hold_id=hold.id, amount=2, **what),
        ]
        if other != owner:
            asked += [Transfer(key=f"{key}-gift", amount=1, receiver_id=other, **coins)]
        asked += [Reverse(key=f"{key}-back", spend_id=spend.id, amount=1, **what)]
        with transaction() as cursor:
            perform(cursor, asked, at=at, actor="api:till")


def message(dice: random.Random, number: str, at: datetime) -> dict[str, object]:
    """One of what a shop sends, by chance."""
    person = 0 if dice.random() < 0.4 else dice.randrange(24)  # one who becomes loyal
    when = at - timedelta(hours=dice.choice([1, 2, 30, 24 * 40]))
    one: dict[str, object] = {"messageId": number, "type": "track", "timestamp": when.isoformat(), "userId": f"u{person}"}
    order = {"order_id": f"o{dice.randrange(200)}", "revenue": f"{dice.randrange(9000) / 100:.2f}", "currency": "EUR"}
    match dice.randrange(10):
        case 0:
            return one | {"type": "page", "userId": None, "anonymousId": f"visitor-{person % 9}", "name": "Home"}
        case 1:
            traits = {"email": f"u{person}@example.org", "name": f"Person {person} ☕", "city": dice.choice(["Delft", "Ede"])}
            return one | {"type": "identify", "anonymousId": f"visitor-{person % 9}", "traits": traits}
        case 2:
            return one | {"event": "Order Refunded", "properties": {"order_id": order["order_id"], "total": "1.00"}}
        case 3 | 4:
            return one | {"event": "Coupon Redeemed", "properties": {"coupon_id": f"c{number}"}}
        case 5:
            return one | {"event": "Order Completed", "properties": {"revenue": "no amount"}}
        case _:
            return one | {"event": "Order Completed", "properties": order}


def read_facts() -> dict[str, object]:
    """What has to be true after the upgrade: rows, digests of what may not change, and the measures."""
    from stamgast.flows.export_lake import export, lake_folder

    export(at=NOW)
    return {"rows": rows(), "digests": digests(), "measures": measures(lake_folder())}


def rows() -> dict[str, int]:
    """How many rows each table has."""
    from stamgast.kit.database import open_cursor

    with open_cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1")
        tables = [name for (name,) in cursor.fetchall()]
        return {table: cursor.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()[0] for table in tables}


def digests() -> dict[str, str]:
    """A digest of every value that has to stay, by table."""
    from stamgast.kit.database import open_cursor

    found = {}
    with open_cursor() as cursor:
        for table, columns in KEPT_AS_THEY_ARE.items():
            query = f"SELECT md5(string_agg(kept::text, '|' ORDER BY kept::text)) FROM (SELECT {columns} FROM {table}) AS kept"
            found[table] = cursor.execute(query.encode()).fetchone()[0]
    return found


def measures(folder: Path) -> dict[str, object]:
    """The figures of the home page."""
    from stamgast.flows.measure import measure_home

    home = measure_home(folder, now=NOW, zone="Europe/Amsterdam", currency="EUR")
    numbers = ("revenue_minor", "revenue_before_minor", "customers", "orders", "zero_orders", "returns", "returned_minor")
    rates = ("retention", "repeat_purchase_rate", "purchase_frequency", "average_order_value_minor", "top20_revenue_share")
    bridge = [
        home.bridge.start,
        home.bridge.retained,
        home.bridge.lost,
        home.bridge.reactivated,
        home.bridge.new,
        home.bridge.end,
    ]
    return (
        {name: getattr(home, name) for name in numbers}
        | {name: round(getattr(home, name).value or 0, 9) for name in rates}
        | {"bridge": bridge}
    )


if __name__ == "__main__":
    main()
