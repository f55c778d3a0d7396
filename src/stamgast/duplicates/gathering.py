"""From what customers told to one record each, the latest of what is known. Pure but for the DuckDB in memory."""

import pyarrow as pa

from stamgast.customers import rules
from stamgast.duplicates.types import RECORD

ADDRESS = "address"
TOLD_AS = {
    "given": ("firstName", "first_name"),
    "surname": ("lastName", "last_name"),
    "name": ("name",),
    "born": ("birthday", "birth_date", "date_of_birth"),
    "street": ("street", "address.street"),
    "number": ("house_number", "address.number", "address.houseNumber", "address.house_number"),
    "postcode": ("postalCode", "postal_code", "postcode", "address.postalCode", "address.postal_code", "address.postcode"),
    "city": ("city", "address.city"),
    "email": ("email",),
    "phone": ("phone",),
    "national": ("national_number", "national_id"),
}
"""Under which names a trait says what is compared: Segment's reserved ones, in both spellings, and what shops call the rest."""
NATIONAL = ("national_number", "national_id")

TRAITS = tuple(name for names in TOLD_AS.values() for name in names if not name.startswith(f"{ADDRESS}."))
ADDRESS_PARTS = tuple(
    name.removeprefix(f"{ADDRESS}.") for names in TOLD_AS.values() for name in names if name.startswith(f"{ADDRESS}.")
)


def gather(customers: pa.Table, traits: pa.Table, identifiers: pa.Table, *, region: str | None) -> pa.Table:
    """One record a customer, from the three tables that ``customers.copies`` gives.

    E-mail addresses and telephone numbers are those that came in as identifiers, written one way already; where there is
    none, the trait is, written as ``customers.rules`` writes it. A card is the external id that was seen last.
    """
    import duckdb  # heavy, and needed by no page

    fields = pa.table(
        {
            "name": [name for names in TOLD_AS.values() for name in names],
            "field": [field for field, names in TOLD_AS.items() for _ in names],
        }
    )
    with duckdb.connect(":memory:") as database:
        database.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        for name, table in (("customers", customers), ("traits", traits), ("identifiers", identifiers), ("fields", fields)):
            database.register(name, table)
        told = ", ".join(f"max(value) FILTER (field = '{field}') AS {field}" for field in TOLD_AS)
        listed = ", ".join(f"'{kind}'" for kind in NATIONAL)
        database.execute(
            f"""
            CREATE TABLE told AS SELECT customer_id, {told} FROM (
                SELECT customer_id, field, arg_max(value, (occurred_at, activity_id, value)) AS value
                FROM traits JOIN fields USING (name) WHERE trim(value) <> '' GROUP BY customer_id, field
            ) GROUP BY customer_id;
            CREATE TABLE known AS SELECT customer_id,
                arg_max(value, (seen_at, value)) FILTER (kind = '{rules.EMAIL}') AS email,
                arg_max(value, (seen_at, value)) FILTER (kind = '{rules.PHONE}') AS phone,
                arg_max(value, (seen_at, value)) FILTER (kind IN ({listed})) AS national,
                arg_max(kind || ':' || value, (seen_at, value))
                    FILTER (kind NOT IN ('{rules.EMAIL}', '{rules.PHONE}', {listed})) AS card
            FROM identifiers GROUP BY customer_id;
            """
        )
        for kind in (rules.EMAIL, rules.PHONE):
            database.execute(
                f"SELECT DISTINCT told.{kind} FROM told LEFT JOIN known USING (customer_id) "
                f"WHERE told.{kind} IS NOT NULL AND known.{kind} IS NULL"
            )
            values = [row[0] for row in database.fetchall()]
            written = [rules.normalise_identifier(kind, value, region=region) for value in values]
            mapping = pa.table({"told": pa.array(values, pa.string()), "written": pa.array(written, pa.string())})
            database.register(f"{kind}_written", mapping)
        columns = {
            "id": "customer_id",
            "email": "coalesce(known.email, email_written.written)",
            "phone": "coalesce(known.phone, phone_written.written)",
            "card": "known.card",
            "national": "coalesce(known.national, told.national)",
        }
        selected = ", ".join(f"{columns.get(field, f'told.{field}')} AS {field}" for field in RECORD)
        records: pa.Table = database.sql(
            f"""
            SELECT {selected} FROM customers LEFT JOIN told USING (customer_id) LEFT JOIN known USING (customer_id)
            LEFT JOIN email_written ON email_written.told = told.email
            LEFT JOIN phone_written ON phone_written.told = told.phone
            ORDER BY customer_id
            """
        ).to_arrow_table()
        return records
