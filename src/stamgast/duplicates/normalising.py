"""How records are written before they are compared, as DuckDB expressions over the columns of ``types.RECORD``.

Names lose case, accents, punctuation and the prefixes that one form asks for apart and another does not; dates become eight
digits; a street that holds its number gives it away. What is only a form's default counts as not known.
"""

_PREFIX = (
    "van|von|de|den|der|dem|het|ten|ter|te|in|op|aan|bij|voor|uit|zur|zum|la|le|les|du|des|di|da|del|della|do|dos|el|al|bin|ibn"
)
_PREFIX_OF_SURNAME = f"{_PREFIX}|t|s|d"  # which before a given name are initials
PLACEHOLDER_DATES = ("19000101", "19700101", "00010101", "99991231")


def _letters(column: str) -> str:
    """Small letters without accents; what is neither letter nor digit parts words, an apostrophe does not."""
    plain = f"regexp_replace(strip_accents(lower({column})), '[''’`´.]', '', 'g')"
    return f"nullif(trim(regexp_replace({plain}, '[^\\p{{L}}\\p{{N}}]+', ' ', 'g')), '')"


def _without_prefixes(column: str, prefix: str) -> str:
    """``van den berg``, and ``berg van den`` as telephone books write it, are ``berg``; ``de`` alone stays."""
    stripped = f"regexp_replace({column}, '^(({prefix}) )+', '')"
    return f"nullif(replace(regexp_replace({stripped}, '( ({prefix}))+$', ''), ' ', ''), '')"


def _date(column: str) -> str:
    """Year, month and day as eight digits, from ``1975-04-09…``, ``9-4-1975`` or ``19750409``; else what digits there are."""
    iso = f"regexp_extract({column}, '^(\\d{{4}})\\D?(\\d{{2}})\\D?(\\d{{2}})', ['y', 'm', 'd'])"
    local = f"regexp_extract({column}, '^(\\d{{1,2}})\\D(\\d{{1,2}})\\D(\\d{{4}})', ['d', 'm', 'y'])"
    said = f"""CASE
        WHEN {iso}.y <> '' THEN {iso}.y || {iso}.m || {iso}.d
        WHEN {local}.y <> '' THEN {local}.y || lpad({local}.m, 2, '0') || lpad({local}.d, 2, '0') END"""
    placeholders = ", ".join(f"'{one}'" for one in PLACEHOLDER_DATES)
    return f"(SELECT CASE WHEN said NOT IN ({placeholders}) THEN said END FROM (SELECT {said} AS said))"


NORMALISED = f"""
    WITH words AS (
        SELECT id, {_letters("given")} AS given_words, {_letters("surname")} AS surname_words, {_letters("name")} AS name_words,
            {_letters("street")} AS street_words, {_letters("number")} AS number_words, {_letters("city")} AS city,
            nullif(regexp_replace(upper(postcode), '[^A-Z0-9]', '', 'g'), '') AS postcode,
            {_date("trim(born)")} AS born, nullif(trim(email), '') AS email, nullif(trim(phone), '') AS phone,
            nullif(trim(card), '') AS card, nullif(regexp_replace(upper(national), '[^A-Z0-9]', '', 'g'), '') AS national
        FROM records
    ), parts AS (
        SELECT *,
            coalesce(given_words, CASE WHEN surname_words IS NULL
                THEN nullif(split_part(name_words, ' ', 1), '') END) AS forename,
            coalesce(surname_words, CASE WHEN given_words IS NULL
                THEN nullif(trim(substr(name_words, 1 + length(split_part(name_words, ' ', 1)))), '') END) AS family,
            regexp_extract(street_words, '^(.*) (\\d+ ?[a-z]{{0,4}})$', ['street', 'number']) AS after_street,
            regexp_extract(street_words, '^(\\d+ ?[a-z]?) (\\D.*)$', ['number', 'street']) AS before_street
        FROM words
    )
    SELECT id,
        {_without_prefixes("forename", _PREFIX)} AS given, {_without_prefixes("family", _PREFIX_OF_SURNAME)} AS surname, born,
        replace(CASE WHEN number_words IS NOT NULL THEN street_words
            ELSE coalesce(nullif(after_street.street, ''), nullif(before_street.street, ''), street_words) END, ' ', ''
        ) AS street,
        replace(coalesce(number_words, nullif(after_street.number, ''), nullif(before_street.number, '')), ' ', ''
        ) AS number,
        postcode, replace(city, ' ', '') AS city, email, phone, card, national
    FROM parts
"""
"""Reads ``records`` and gives one row a record, with the columns that are compared."""
