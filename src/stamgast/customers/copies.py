"""What is known of all customers at once, as queries for a driver that copies columns. For what looks at everybody in batch."""

from collections.abc import Collection

from stamgast.customers import rules


def traits_of_all(names: Collection[str], parts_of: str, parts: Collection[str]) -> str:
    """Every value of these traits with its customer; of the trait ``parts_of``, which is an object, each of these parts.

    Columns: customer_id, name, value, occurred_at, activity_id. Several values of one name are told; the latest counts.
    """
    listed = ", ".join(f"'{name}'" for name in names)
    taken = ", ".join(f"('{part}')" for part in parts)
    return f"""
        SELECT link.customer_id::text AS customer_id, trait.name, trait.value #>> '{{}}' AS value, trait.occurred_at,
          trait.activity_id::text AS activity_id
        FROM customers_trait AS trait
        JOIN customers_link AS link ON link.identifier_id = trait.anchor_id AND link.ended_at IS NULL
        WHERE trait.name IN ({listed})
        UNION ALL
        SELECT link.customer_id::text, '{parts_of}.' || part.name, trait.value ->> part.name, trait.occurred_at,
          trait.activity_id::text
        FROM customers_trait AS trait
        JOIN customers_link AS link ON link.identifier_id = trait.anchor_id AND link.ended_at IS NULL
        CROSS JOIN (VALUES {taken}) AS part (name)
        WHERE trait.name = '{parts_of}' AND jsonb_typeof(trait.value) = 'object'
    """


IDENTIFIERS_OF_ALL = f"""
    SELECT link.customer_id::text AS customer_id, identifier.kind, identifier.value, identifier.first_at AS seen_at
    FROM customers_link AS link JOIN customers_identifier AS identifier ON identifier.id = link.identifier_id
    WHERE link.ended_at IS NULL AND identifier.kind NOT IN ('{rules.USER_ID}', '{rules.ANONYMOUS_ID}')
    UNION ALL
    SELECT link.customer_id::text, identifier.kind, identifier.value, evidence.first_at
    FROM customers_link AS link
    JOIN customers_evidence AS evidence ON evidence.first_id = link.identifier_id
    JOIN customers_identifier AS identifier ON identifier.id = evidence.second_id
    WHERE link.ended_at IS NULL AND identifier.kind NOT IN ('{rules.USER_ID}', '{rules.ANONYMOUS_ID}')
"""
"""What each customer came in with, also where it points at somebody else: two on one e-mail address both show it."""

ALL_CUSTOMERS = "SELECT id::text AS customer_id FROM customers_customer WHERE merged_into IS NULL"
