"""A shop of any size, made in sets: what a page or a request has to find its way in when the shop is large.

Customers have a browser, a user id and an e-mail address each, and two years of activities that came in month by month, so
that one customer's rows lie as far apart as they do in life. Orders are worth a point; one customer in eight redeems
coupons, worth five, and is loyal. What is made is what the loop would have left behind, except that its hashes are empty:
it is there to be read, not to be audited.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import click
import psycopg

from stamgast.bench.scratch import migrate
from stamgast.kit.ids import bucket_of, derive_id
from stamgast.ledger.types import Account, MovementKind

CUSTOMERS = 1_000_000
ACTIVITIES_EACH = 50
ORDER_EVERY, LOYAL_EVERY = 5, 8
DAYS = 700
NAMES = ("Noor", "Daan", "Emma", "Sem", "Julia", "Lucas", "Mila", "Levi", "Tess", "Finn", "Sara", "Bram")
FAMILIES = ("de Jong", "Jansen", "de Vries", "van den Berg", "Bakker", "Visser", "Smit", "Meijer", "Mulder", "Bos")
Progress = Callable[[str], None]

SHOPPERS = "CREATE UNLOGGED TABLE bench_shopper (n int, id uuid, bucket int2, anchor uuid, email uuid, browser uuid)"

PEOPLE = """
INSERT INTO customers_customer (id, bucket, created_at, first_seen, last_seen)
SELECT id, bucket, %(first)s, %(first)s, %(last)s - n %% 1000000 * interval '1 second' FROM bench_shopper;
INSERT INTO customers_identifier (id, kind, value, first_at)
SELECT one.id, one.kind, one.value, %(first)s FROM bench_shopper, LATERAL (VALUES
    (anchor, 'user_id', n::text), (email, 'email', 'shopper' || n || '@example.org'), (browser, 'anonymous_id', 'browser-' || n)
) AS one (id, kind, value);
INSERT INTO customers_link (identifier_id, customer_id, began_at, actor, reason)
SELECT one, id, %(first)s, 'bench', 'first_seen' FROM bench_shopper, unnest(ARRAY[anchor, email, browser]) AS one;
INSERT INTO customers_evidence (first_id, second_id, first_at, activity_id, is_explicit)
SELECT anchor, one, %(first)s, gen_random_uuid(), false FROM bench_shopper, unnest(ARRAY[email, browser]) AS one;
INSERT INTO customers_trait (anchor_id, name, value, occurred_at, source, activity_id)
SELECT anchor, one.name, to_jsonb(one.value), %(first)s, 'web shop', gen_random_uuid() FROM bench_shopper, LATERAL (VALUES
    ('email', 'shopper' || n || '@example.org'),
    ('name', (%(names)s::text[])[1 + n %% 12] || ' ' || (%(families)s::text[])[1 + n / 12 %% 10])
) AS one (name, value)
"""

# The k-th activity of everybody, before the next of anybody.
ACTIVITIES = """
INSERT INTO activities_activity (
    id, source_id, type, kind, anchor_id, identifiers, occurred_at, received_at, order_id, amount_minor, currency,
    line_count, body
)
SELECT id, %(source)s, 'track', kind, anchor, jsonb_build_array('user_id:' || n), at, at + interval '1 second', order_id,
    amount, CASE WHEN amount IS NOT NULL THEN 'EUR' END, CASE WHEN amount IS NOT NULL THEN 1 ELSE 0 END,
    CASE WHEN amount IS NULL THEN format('{"type":"track","event":"%%s","userId":"%%s","messageId":"%%s"}', kind, n, id)
    ELSE format('{"type":"track","event":"%%s","userId":"%%s","messageId":"%%s","properties":{"order_id":"%%s","revenue":%%s,'
        '"currency":"EUR","products":[{"product_id":"%%s","category":"coffee","price":%%s,"quantity":1}]}}',
        kind, n, id, order_id, amount / 100.0, n %% 20000, amount / 100.0) END
FROM (
    SELECT n, anchor, gen_random_uuid() AS id,
        %(first)s + (%(k)s * %(step)s + n %% 1000 * %(step)s / 1000.0) * interval '1 day' AS at,
        CASE WHEN %(k)s %% %(order_every)s = 0 THEN 'Order Completed' WHEN n %% %(loyal_every)s = 0 THEN 'Coupon Redeemed'
            WHEN %(k)s %% 3 = 0 THEN 'Campaign Opened' ELSE 'Product Viewed' END AS kind,
        CASE WHEN %(k)s %% %(order_every)s = 0 THEN n || '-' || %(k)s END AS order_id,
        CASE WHEN %(k)s %% %(order_every)s = 0 THEN 500 + (n * 7919::bigint + %(k)s * 104729) %% 9500 END AS amount
    FROM bench_shopper
) AS one
"""

LEDGER = """
INSERT INTO ledger_batch (id, posted_at, rows, total, root, actor) VALUES (%(batch)s, %(last)s, 1, 1, '', 'bench');
INSERT INTO ledger_seal (sequence, batch_id, chain, sealed_at) VALUES (1, %(batch)s, '', %(last)s);
INSERT INTO ledger_movement (
    bucket, kind, debit, credit, programme_version, amount, effective_at, posted_at, movement_id, owner_id, batch_id, lot_id,
    activity_id, fingerprint, currency, rule, reason, actor
)
SELECT s.bucket, %(earn)s, %(programme)s, %(available)s, 1, CASE WHEN a.kind = 'Order Completed' THEN 1 ELSE 5 END,
    a.occurred_at, a.received_at, gen_random_uuid(), s.id, %(batch)s, a.id, a.id, '', 'score',
    CASE WHEN a.kind = 'Order Completed' THEN 'purchase' ELSE 'coupon' END, 'decided', 'bench'
FROM activities_activity AS a JOIN bench_shopper AS s ON s.anchor = a.anchor_id
WHERE a.kind IN ('Order Completed', 'Coupon Redeemed');
INSERT INTO ledger_lot (
    bucket, programme_version, revision, given, remaining, held, expired, used, owed, effective_at, expires_at, lot_id,
    owner_id, activity_id, currency, rule
)
SELECT bucket, 1, 1, amount, amount, 0, 0, 0, 0, effective_at, effective_at + interval '24 months', lot_id, owner_id,
    activity_id, currency, rule FROM ledger_movement;
INSERT INTO ledger_balance (bucket, owner_id, currency, available, lot_total)
SELECT bucket, owner_id, currency, sum(remaining), sum(remaining) FROM ledger_lot GROUP BY bucket, owner_id, currency;
INSERT INTO segments_stay (segment_id, customer_id, entered_at)
SELECT 'loyal-customers', owner_id, %(last)s FROM ledger_balance WHERE available > 100;
INSERT INTO segments_change (segment_id, customer_id, is_entry, occurred_at, recorded_at)
SELECT segment_id, customer_id, true, entered_at, entered_at FROM segments_stay
"""
TABLES = (
    "customers_customer", "customers_identifier", "customers_link", "customers_evidence", "customers_trait",
    "activities_activity", "ledger_movement", "ledger_lot", "ledger_balance", "segments_stay", "segments_change",
)  # fmt: skip


def say(step: str) -> None:
    """What is being made, on standard error."""
    click.echo(f"making the shop: {step}", err=True)


def make(
    address: str,
    *,
    customers: int = CUSTOMERS,
    activities_each: int = ACTIVITIES_EACH,
    at: datetime,
    progress: Progress = lambda step: None,
) -> None:
    """Migrates the database at ``address`` and fills it; the last activity is of ``at``. A million takes some minutes."""
    migrate(address)
    with psycopg.connect(address, autocommit=True) as database:
        _tune(database)
        with _without_indexes(database, progress):
            _fill(database, customers, activities_each, at, progress)
        progress("statistics")
        database.execute("DROP TABLE bench_shopper")
        database.execute("VACUUM (ANALYZE, FREEZE)")


def _tune(database: psycopg.Connection) -> None:
    """For this connection only: what is made here can be made again, and large sorts are all it does."""
    for setting in ("synchronous_commit = off", "maintenance_work_mem = '2GB'", "work_mem = '1GB'"):
        database.execute(f"SET {setting}")


def _fill(database: psycopg.Connection, customers: int, activities_each: int, at: datetime, progress: Progress) -> None:
    row = database.execute(
        "INSERT INTO activities_source (name, is_strict, created_at, created_by) VALUES ('Web shop', false, %s, 'bench') "
        "RETURNING id",
        (at,),
    ).fetchone()
    assert row is not None
    names = {
        "first": database.execute("SELECT %s::timestamptz - %s * interval '1 day'", (at, DAYS)).fetchone()[0],  # type: ignore[index]
        "last": at,
        "source": row[0],
        "step": DAYS / activities_each,
        "names": list(NAMES),
        "families": list(FAMILIES),
        "batch": derive_id("bench", "batch"),
        "earn": MovementKind.EARN.value,
        "programme": Account.PROGRAMME.value,
        "available": Account.AVAILABLE.value,
    }
    progress("customers")
    database.execute(SHOPPERS)
    with database.cursor() as cursor, cursor.copy("COPY bench_shopper FROM STDIN") as copy:
        # In the order of the day in which each comes by, so that what came in together lies together, as it does in life.
        for number in sorted(range(1, customers + 1), key=lambda number: number % 1000):
            user = derive_id("identifier", "user_id", str(number))
            customer = derive_id("customer", f"user_id:{number}")
            email = derive_id("identifier", "email", f"shopper{number}@example.org")
            browser = derive_id("identifier", "anonymous_id", f"browser-{number}")
            copy.write_row((number, customer, bucket_of(customer), user, email, browser))
    database.execute("ANALYZE bench_shopper")
    _run(database, PEOPLE, names)
    for k in range(activities_each):
        progress(f"activities {k + 1} of {activities_each}")
        _run(database, ACTIVITIES, {**names, "k": k, "order_every": ORDER_EVERY, "loyal_every": LOYAL_EVERY})
    progress("points")
    _run(database, LEDGER, names)


def _run(database: psycopg.Connection, statements: str, names: dict[str, object]) -> None:
    with psycopg.ClientCursor(database) as cursor:
        for statement in statements.split(";\n"):
            cursor.execute(statement, names)


@contextmanager
def _without_indexes(database: psycopg.Connection, progress: Progress) -> Iterator[None]:
    """Rows come in without indexes, which are made afterwards, each by one sort."""
    constraints = database.execute(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE contype IN ('p', 'u') AND conrelid::regclass::text = ANY(%s)",
        (list(TABLES),),
    ).fetchall()
    for table, name, _ in constraints:
        database.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    indexes = database.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = ANY(%s)", (list(TABLES),)
    ).fetchall()
    for name, _ in indexes:
        database.execute(f'DROP INDEX "{name}"')
    yield
    for table, name, definition in constraints:
        progress(f"index {name}")
        database.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
    for name, definition in indexes:
        progress(f"index {name}")
        database.execute(definition)
