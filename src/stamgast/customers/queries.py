"""Reads of customers. Each takes the cursor of whatever transaction the caller has, and returns ``types``."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from psycopg.sql import SQL, Composable

from stamgast.customers import rules
from stamgast.customers.errors import CustomerNotFound
from stamgast.customers.searching import COUNT_FOUND, FEW_MATCHES, IS_FOUND, SOME_FOUND, prefixes_of
from stamgast.customers.types import Customer, CustomerSummary, Identifier, LinkedIdentifier, Profile, Reference, Trace, Trait
from stamgast.kit.database import Cursor, is_few
from stamgast.kit.paging import DEFAULT_PAGE, LARGEST_PAGE, InvalidCursor, Page, decode_cursor, page_of

MOST_COUNTED = 5_000
NOBODY = "No customer has this id or identifier. Write our id, or kind:value such as user_id:900."
_FEW_EXACT = 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def find_customer(cursor: Cursor, reference: str, *, region: str | None = None) -> Customer | None:
    """The customer of our own id or of an identifier such as ``user_id:900`` or ``email:a@example.org``.

    The identifier may be written in any way that intake understands. A merged customer answers as its survivor.
    """
    named = reference_of(reference, region=region)
    return find_customers(cursor, [named]).get(named)


def reference_of(text: str, *, region: str | None = None) -> Reference:
    """What a reference such as ``user_id:900`` or our own id names."""
    kind, value = rules.split_identifier(text)
    if not value:
        return Reference(None, _uuid_or_none(text))
    normalised = rules.normalise_identifier(kind, value, region=region)
    return Reference(None if normalised is None else rules.identifier_id(kind, normalised), None)


def find_customers(cursor: Cursor, references: Collection[Reference]) -> dict[Reference, Customer]:
    """The customer of each reference, of a merged one its survivor; references that name nobody are absent."""
    identifiers = [one.identifier for one in references if one.identifier is not None]
    owners = customers_of(cursor, identifiers) if identifiers else {}
    starts = {one: owners.get(one.identifier) if one.identifier else one.customer for one in references}
    wanted = list({start for start in starts.values() if start is not None})
    if not wanted:
        return {}
    cursor.execute(
        """
        WITH RECURSIVE survivors (start, id, merged_into, depth) AS (
            SELECT id, id, merged_into, 0 FROM customers_customer WHERE id = ANY(%b::uuid[])
            UNION ALL
            SELECT survivors.start, customer.id, customer.merged_into, survivors.depth + 1
            FROM survivors JOIN customers_customer AS customer ON customer.id = survivors.merged_into
            WHERE survivors.depth < 1000
        )
        SELECT survivors.start, customer.id, customer.created_at, customer.first_seen, customer.last_seen
        FROM survivors JOIN customers_customer AS customer USING (id) WHERE survivors.merged_into IS NULL
        """,
        (wanted,),
        prepare=is_few(len(wanted)),
    )
    found = {start: Customer(*row) for start, *row in cursor}
    return {one: found[start] for one, start in starts.items() if start in found}


def get_customer(cursor: Cursor, reference: str, *, region: str | None = None) -> Customer:
    """Like ``find_customer``; raises CustomerNotFound."""
    customer = find_customer(cursor, reference, region=region)
    if customer is None:
        raise CustomerNotFound(NOBODY)
    return customer


def get_profile(cursor: Cursor, reference: str, *, region: str | None = None) -> Profile:
    """A customer with identifiers and traits; raises CustomerNotFound."""
    customer = get_customer(cursor, reference, region=region)
    return Profile(customer, list_identifiers(cursor, customer.id), list_traits(cursor, customer.id))


def list_identifiers(cursor: Cursor, customer: UUID) -> list[LinkedIdentifier]:
    """The identifiers of a customer, strongest first."""
    return identifiers_of(cursor, [customer])[customer]


def identifiers_of(cursor: Cursor, customers: Collection[UUID]) -> dict[UUID, list[LinkedIdentifier]]:
    """The identifiers of each of these customers, strongest first; merged ones have none."""
    cursor.execute(
        """
        SELECT link.customer_id, identifier.id, identifier.kind, identifier.value, identifier.first_at, link.began_at
        FROM unnest(%b::uuid[]) AS wanted (id)
        JOIN customers_link AS link ON link.customer_id = wanted.id AND link.ended_at IS NULL
        JOIN customers_identifier AS identifier ON identifier.id = link.identifier_id
        """,
        (list(customers),),
        prepare=is_few(len(customers)),
    )
    linked: dict[UUID, list[LinkedIdentifier]] = {customer: [] for customer in customers}
    for customer, *row in cursor:
        linked[customer].append(LinkedIdentifier(*row))
    for identifiers in linked.values():
        identifiers.sort(key=lambda one: (rules.priority_of(one.kind), one.first_at, one.kind, one.value))
    return linked


def list_traits(cursor: Cursor, customer: UUID) -> list[Trait]:
    """The traits of a customer by name, the latest over all its identifiers; one that was last set to null is left out."""
    cursor.execute(
        """
        SELECT DISTINCT ON (trait.name) trait.name, trait.value::text, trait.source, trait.occurred_at, trait.activity_id
        FROM customers_link AS link JOIN customers_trait AS trait ON trait.anchor_id = link.identifier_id
        WHERE link.customer_id = %s AND link.ended_at IS NULL
        ORDER BY trait.name, trait.occurred_at DESC, trait.activity_id DESC
        """,
        (customer,),
    )
    return [Trait(name, msgspec.json.decode(value), *rest) for name, value, *rest in cursor if value != "null"]


def anchors_of(cursor: Cursor, customers: Collection[UUID], *, at: datetime | None = None) -> dict[UUID, list[UUID]]:
    """The ids of all identifiers that point at each customer, so that its activities can be found; merged ones have none.

    With ``at``, as was known at that moment.
    """
    then = "link.began_at <= %(at)s AND (link.ended_at IS NULL OR link.ended_at > %(at)s)"
    cursor.execute(
        f"""
        SELECT wanted.id, array_agg(link.identifier_id ORDER BY link.identifier_id)
        FROM unnest(%(customers)s::uuid[]) AS wanted (id)
        JOIN customers_link AS link ON link.customer_id = wanted.id AND {"link.ended_at IS NULL" if at is None else then}
        GROUP BY wanted.id
        """,
        {"customers": list(customers), "at": at},
    )
    return {customer: [] for customer in customers} | dict(cursor.fetchall())


def customers_of(cursor: Cursor, identifiers: Collection[UUID]) -> dict[UUID, UUID]:
    """The customer that each identifier points at now; unknown identifiers are absent."""
    cursor.execute(
        """
        SELECT link.identifier_id, link.customer_id
        FROM unnest(%b::uuid[]) AS wanted (id)
        JOIN customers_link AS link ON link.identifier_id = wanted.id AND link.ended_at IS NULL
        """,
        (list(identifiers),),
        prepare=is_few(len(identifiers)),
    )
    return dict(cursor.fetchall())


def trace_identifiers(cursor: Cursor, identifiers: Collection[UUID]) -> dict[UUID, Trace]:
    """Whom each identifier points at now, and whom it pointed at before they merged or came apart; unknown ones are absent."""
    cursor.execute(
        """
        SELECT link.identifier_id, link.customer_id, true FROM unnest(%(ids)b::uuid[]) AS wanted (id)
        JOIN customers_link AS link ON link.identifier_id = wanted.id AND link.ended_at IS NULL
        UNION
        SELECT link.identifier_id, link.customer_id, false FROM unnest(%(ids)b::uuid[]) AS wanted (id)
        JOIN customers_link AS link ON link.identifier_id = wanted.id AND link.ended_at IS NOT NULL
        """,
        {"ids": list(identifiers)},
        prepare=is_few(len(identifiers)),
    )
    links = cursor.fetchall()
    former: dict[UUID, set[UUID]] = {}
    for identifier, customer, is_now in links:
        if not is_now:
            former.setdefault(identifier, set()).add(customer)
    return {
        identifier: Trace(customer, frozenset(former.get(identifier, ()))) for identifier, customer, is_now in links if is_now
    }


def list_former(cursor: Cursor, identifiers: Collection[UUID]) -> set[UUID]:
    """The customers that any of these identifiers pointed at before."""
    cursor.execute(
        "SELECT DISTINCT customer_id FROM customers_link WHERE identifier_id = ANY(%s::uuid[]) AND ended_at IS NOT NULL",
        (list(identifiers),),
    )
    return {row[0] for row in cursor}


def list_customers(
    cursor: Cursor,
    *,
    search: str = "",
    region: str | None = None,
    after: str | None = None,
    limit: int = DEFAULT_PAGE,
) -> Page[CustomerSummary]:
    """Customers, last seen first. ``search`` is the beginning of an identifier, a name or an e-mail address."""
    limit = max(1, min(limit, LARGEST_PAGE))
    before = position_of(after) if after is not None else None
    customers = _select_customers(cursor, prefixes_of(search, region), before, limit + 1)
    rows = summarise(cursor, customers)
    return page_of(rows, limit, place_of)


def find_exact(cursor: Cursor, search: str, *, region: str | None = None) -> list[UUID]:
    """Whoever has exactly this number, card, address or telephone: those that a search means before all others."""
    typed = rules.storable(search).strip()[: rules.LONGEST_VALUE]
    if not typed:
        return []
    values = {typed, typed.lower(), rules.normalise_identifier(rules.PHONE, typed, region=region) or typed}
    cursor.execute(
        """
        SELECT DISTINCT link.customer_id FROM customers_identifier AS identifier
        JOIN customers_link AS link ON link.identifier_id = identifier.id AND link.ended_at IS NULL
        WHERE identifier.value = ANY(%s) ORDER BY link.customer_id LIMIT %s
        """,
        (sorted(values), _FEW_EXACT),
    )
    return [row[0] for row in cursor]


def keep_customers(cursor: Cursor, owners: Collection[UUID]) -> set[UUID]:
    """Those of these owners in the ledger who are customers; the pool of a household is none."""
    if not owners:
        return set()
    cursor.execute("SELECT id FROM customers_customer WHERE id = ANY(%s)", (list(owners),))
    return {row[0] for row in cursor}


def list_ids(cursor: Cursor, *, after: UUID, limit: int) -> list[UUID]:
    """Ids of customers, merged ones too, in order: for jobs that go through all of them. Begin after ``UUID(int=0)``."""
    cursor.execute("SELECT id FROM customers_customer WHERE id > %s ORDER BY id LIMIT %s", (after, limit))
    return [row[0] for row in cursor]


def count_customers(cursor: Cursor) -> int:
    """How many customers there are."""
    cursor.execute("SELECT count(*) FROM customers_customer WHERE merged_into IS NULL AND erased_at IS NULL")
    row = cursor.fetchone()
    return int(row[0]) if row else 0


def count_found(cursor: Cursor, search: str, *, region: str | None = None) -> tuple[int, bool]:
    """How many customers a search finds, and whether that is all: of a broad search only the first matches are looked at."""
    prefixes = prefixes_of(search, region)
    if not prefixes:
        return count_customers(cursor), True
    cursor.execute(COUNT_FOUND, {**prefixes, "few": MOST_COUNTED})
    customers, matches = cursor.fetchone() or (0, 0)
    return customers, matches < MOST_COUNTED


def count_seen(cursor: Cursor, *, since: datetime) -> tuple[int, int]:
    """How many customers did something since a moment, and how many of those for the first time."""
    cursor.execute(
        "SELECT count(*), count(*) FILTER (WHERE first_seen >= %(since)s) FROM customers_customer "
        "WHERE merged_into IS NULL AND last_seen >= %(since)s",
        {"since": since},
    )
    row = cursor.fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def summarise_customers(cursor: Cursor, customers: Collection[UUID]) -> list[CustomerSummary]:
    """The customers of these ids as lines of a list, in the order given; unknown ids are left out."""
    cursor.execute(
        "SELECT id, created_at, first_seen, last_seen FROM customers_customer WHERE id = ANY(%s)", (list(customers),)
    )
    found = {row[0]: Customer(*row) for row in cursor}
    return summarise(cursor, [found[key] for key in customers if key in found])


def summarise(cursor: Cursor, customers: Sequence[Customer]) -> list[CustomerSummary]:
    """The customers as lines of a list, in the order given."""
    keys = [customer.id for customer in customers]
    cursor.execute(
        """
        SELECT link.customer_id, identifier.id, identifier.kind, identifier.value, identifier.first_at
        FROM unnest(%s::uuid[]) AS wanted (id)
        JOIN customers_link AS link ON link.customer_id = wanted.id AND link.ended_at IS NULL
        JOIN customers_identifier AS identifier ON identifier.id = link.identifier_id
        """,
        (keys,),
    )
    known: dict[UUID, list[Identifier]] = {}
    for customer, *columns in cursor:
        known.setdefault(customer, []).append(Identifier(*columns))
    traits = _display_traits(cursor, keys)
    return [_summary_of(customer, known.get(customer.id, []), traits.get(customer.id, {})) for customer in customers]


def _summary_of(customer: Customer, known: Sequence[Identifier], traits: Mapping[str, str]) -> CustomerSummary:
    identifiers = sorted(known, key=rules.strength)
    email = next((one.value for one in identifiers if one.kind == rules.EMAIL), None) or traits.get("email")
    strongest = rules.identifier_text(identifiers[0].kind, identifiers[0].value) if identifiers else ""
    name = _name_from(traits)
    return CustomerSummary(customer.id, name, email, strongest, identifiers, customer.first_seen, customer.last_seen)


def _display_traits(cursor: Cursor, customers: Sequence[UUID]) -> dict[UUID, dict[str, str]]:
    cursor.execute(
        """
        SELECT DISTINCT ON (wanted.id, trait.name) wanted.id, trait.name, trait.value #>> '{}'
        FROM unnest(%s::uuid[]) AS wanted (id)
        JOIN customers_link AS link ON link.customer_id = wanted.id AND link.ended_at IS NULL
        JOIN customers_trait AS trait ON trait.anchor_id = link.identifier_id AND trait.name = ANY(%s)
        ORDER BY wanted.id, trait.name, trait.occurred_at DESC, trait.activity_id DESC
        """,
        (list(customers), list(rules.SEARCHED_TRAITS)),
    )
    traits: dict[UUID, dict[str, str]] = {}
    for customer, name, value in cursor:
        if value:
            traits.setdefault(customer, {})[name] = value
    return traits


def _name_from(traits: Mapping[str, str]) -> str | None:
    first = traits.get("firstName") or traits.get("first_name")
    last = traits.get("lastName") or traits.get("last_name")
    return traits.get("name") or " ".join(filter(None, (first, last))) or traits.get("username")


def _uuid_or_none(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def place_of(row: Customer | CustomerSummary) -> tuple[int, str]:
    """Where somebody stands in the list, for its cursor."""
    return (row.last_seen - _EPOCH) // _MICROSECOND, row.id.hex


def position_of(after: str) -> tuple[datetime, UUID]:
    """What ``place_of`` said, back from the cursor; raises InvalidCursor."""
    moment, customer = decode_cursor(after, int, str)
    try:
        return _EPOCH + int(moment) * _MICROSECOND, UUID(str(customer))
    except (ValueError, OverflowError):
        raise InvalidCursor("This cursor belongs to another list. Start again without it.") from None


_PAGE = SQL(
    """
    SELECT customer.id, customer.created_at, customer.first_seen, customer.last_seen
    FROM customers_customer AS customer WHERE {conditions}
    ORDER BY customer.last_seen DESC, customer.id DESC LIMIT %(limit)s
    """
)


def _select_customers(
    cursor: Cursor, prefixes: Mapping[str, object], before: tuple[datetime, UUID] | None, limit: int
) -> list[Customer]:
    arguments: dict[str, object] = {**prefixes, "limit": limit, "few": FEW_MATCHES + 1}
    conditions: list[Composable] = [SQL("customer.merged_into IS NULL AND customer.erased_at IS NULL")]
    if prefixes:
        cursor.execute(SOME_FOUND, arguments)
        arguments["found"] = [row[0] for row in cursor]
        # Few: fetch them all and sort. Many: walk the list from its top, where one that matches is never far.
        is_few = cursor.rowcount <= FEW_MATCHES
        conditions.append(SQL("customer.id = ANY(%(found)s::uuid[])") if is_few else IS_FOUND)
    if before is not None:
        arguments |= {"last_seen": before[0], "last_id": before[1]}
        conditions.append(SQL("(customer.last_seen, customer.id) < (%(last_seen)s, %(last_id)s)"))
    cursor.execute(_PAGE.format(conditions=SQL(" AND ").join(conditions)), arguments)
    return [Customer(*row) for row in cursor]
