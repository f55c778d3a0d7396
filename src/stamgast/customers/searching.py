"""The SQL of a search: the beginning of an identifier, a name or an e-mail address. Reads only."""

from psycopg.sql import SQL, Literal

from stamgast.customers import rules

FEW_MATCHES = 2_000

_IDENTIFIER_MATCHES = SQL("(value LIKE %(typed)s OR value LIKE %(lower)s OR value LIKE %(phone)s)")
_TRAIT_TEXT = SQL("lower(left(value #>> '{}', 200))")
_TRAIT_MATCHES = SQL("name IN ({names}) AND {text} LIKE %(lower)s").format(
    names=SQL(", ").join(map(Literal, rules.SEARCHED_TRAITS)), text=_TRAIT_TEXT
)
# Matches are cut before they are joined, and traits are taken in the order of their index, which ends where enough are found:
# a letter that half of all names begin with is as quick as any.
_FOUND = SQL(
    """
    SELECT link.customer_id FROM (
        (SELECT id FROM customers_identifier WHERE {identifier_matches} LIMIT %(few)s)
        UNION ALL (SELECT anchor_id FROM customers_trait WHERE {trait_matches} ORDER BY {trait_text} USING ~<~ LIMIT %(few)s)
    ) AS matches JOIN customers_link AS link ON link.identifier_id = matches.id AND link.ended_at IS NULL
    """
).format(identifier_matches=_IDENTIFIER_MATCHES, trait_matches=_TRAIT_MATCHES, trait_text=_TRAIT_TEXT)
COUNT_FOUND = SQL("SELECT count(DISTINCT customer_id), count(*) FROM ({found}) AS found").format(found=_FOUND)
SOME_FOUND = SQL("SELECT customer_id FROM ({found}) AS found LIMIT %(few)s").format(found=_FOUND)
# Scalar subqueries and not EXISTS, which the planner may turn into a set of everything that matches.
IS_FOUND = SQL(
    """
    coalesce((
        SELECT true FROM customers_link AS link JOIN customers_identifier AS identifier ON identifier.id = link.identifier_id
        WHERE link.customer_id = customer.id AND link.ended_at IS NULL AND {identifier_matches} LIMIT 1
    ), (
        SELECT true FROM customers_link AS link JOIN customers_trait AS trait ON trait.anchor_id = link.identifier_id
        WHERE link.customer_id = customer.id AND link.ended_at IS NULL AND {trait_matches} LIMIT 1
    ), false)
    """
).format(identifier_matches=_IDENTIFIER_MATCHES, trait_matches=_TRAIT_MATCHES)


def prefixes_of(search: str, region: str | None) -> dict[str, object]:
    """The patterns of a search: as typed, in small letters, and as the telephone number that it may be. Empty: no search."""
    typed = rules.storable(search).strip()[: rules.LONGEST_VALUE]
    if not typed:
        return {}
    phone = rules.normalise_identifier(rules.PHONE, typed, region=region) or typed

    def pattern(text: str) -> str:
        return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"

    return {"typed": pattern(typed), "lower": pattern(typed.lower()), "phone": pattern(phone)}
