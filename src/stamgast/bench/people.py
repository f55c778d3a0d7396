"""Generated records of people as a shop knows them, with the duplicates that really are in it.

Of ten records one is a second record of somebody, with one to three things written otherwise, left out or changed since. Of
ten people four share a house with one other: the surname, the address, often the telephone, sometimes the e-mail address.
"""

import pyarrow as pa

SECOND_RECORDS = 0.1

GENERATED = """
CREATE MACRO chance(person, what) AS (hash(person, what) % 1000000) / 1000000.0;
CREATE MACRO pick(person, what, most) AS (pow(chance(person, what), 2) * most)::BIGINT;
CREATE MACRO syllable(number) AS
  ['ja','ko','de','ven','ber','ra','mi','sen','lo','ter','vis','no','ha','bo','ker','lin','pe','stra',
   'wil','dam'][(1 + number % 20)::BIGINT];
CREATE MACRO word(number) AS
  syllable(hash(number) % 997) || syllable(hash(number, 1) % 991) || syllable(hash(number, 2) % 983);
CREATE TABLE people AS
  SELECT i AS person, CASE WHEN chance(i, 'house') < 0.4 THEN i - i % 2 ELSE i END AS house,
    word(1000000 + pick(i, 'given', 1500)) AS given,
    strftime(DATE '1935-01-01' + (chance(i, 'born') * 27000)::INT, '%Y-%m-%d') AS born
  FROM range(CAST({records} * (1 - {seconds}) AS BIGINT)) AS t(i);
CREATE TABLE firsts AS
  SELECT person, given,
    CASE WHEN chance(house, 'prefix') < 0.2 THEN 'van den ' ELSE '' END || word(pick(house, 'family', 60000)) AS surname,
    born, word(pick(house, 'street', 4000) + 2000000) || 'straat' AS street,
    (1 + hash(house, 'number') % 220)::TEXT AS number,
    (1000 + hash(house, 'code') % 8999)::TEXT ||
      chr((65 + hash(house, 'x') % 26)::INT) ||
      chr((65 + hash(house, 'y') % 26)::INT) AS postcode,
    word(pick(hash(house, 'code') % 8999, 'city', 2000) + 3000000) AS city,
    CASE WHEN chance(person, 'shares email') < 0.1 THEN word(house + 5000000) || house || '@example.nl'
      WHEN chance(person, 'has email') < 0.85 THEN given || '.' || person || '@example.org' END AS email,
    CASE WHEN chance(person, 'has phone') < 0.6 THEN '+316' || lpad((hash(
      CASE WHEN chance(person, 'shares phone') < 0.3 THEN house ELSE person END, 'phone') % 100000000)::TEXT,
      8, '0') END AS phone,
    CASE WHEN chance(person, 'has card') < 0.3 THEN 'card_number:' || hash(person, 'card') END AS card
  FROM people;
CREATE TABLE seconds AS
  SELECT person, what, hash(person, 'second', what) % 10 AS change FROM (
    SELECT person, unnest(range(1 + (hash(person, 'how many') % 3)::BIGINT)) AS what FROM people
    WHERE person < CAST({records} * {seconds} AS BIGINT)
  );
CREATE TABLE changes AS SELECT person, bit_or(1 << change::INT) AS mask FROM seconds GROUP BY person;
CREATE TABLE generated AS
  SELECT 'a' || person AS id, person, given, surname, born, street, number, postcode, city, email, phone, card FROM firsts
  UNION ALL
  SELECT 'b' || person, person,
    CASE WHEN mask & 1 > 0 THEN left(given, 2) || substr(given, 4) ELSE given END,
    CASE WHEN mask & 2 > 0 THEN left(surname, length(surname) - 2) || right(surname, 1) ELSE surname END,
    CASE WHEN mask & 4 > 0 THEN NULL
      WHEN mask & 8 > 0 THEN substr(born, 9, 2) || '-' || substr(born, 6, 2) || '-' || left(born, 4)
      ELSE born END,
    CASE WHEN mask & 16 > 0 THEN word(person + 7000000) || 'laan' ELSE street END,
    CASE WHEN mask & 16 > 0 THEN '7' ELSE number END,
    CASE WHEN mask & 16 > 0 THEN '3511AB' ELSE postcode END,
    CASE WHEN mask & 16 > 0 THEN 'Utrecht' ELSE city END,
    CASE WHEN mask & 96 > 0 THEN NULL ELSE email END,
    CASE WHEN mask & 192 > 0 THEN NULL ELSE phone END,
    CASE WHEN mask & 256 > 0 THEN card END
  FROM changes JOIN firsts USING (person);
"""


def generate(records: int) -> pa.Table:
    """So many records, with the columns of ``duplicates.types.RECORD``; an id ends with the number of the person."""
    import duckdb

    with duckdb.connect(":memory:") as database:
        database.execute("SET enable_progress_bar = false")
        database.execute(GENERATED.format(records=records, seconds=SECOND_RECORDS))
        table: pa.Table = database.sql(
            "SELECT id, given, surname, NULL::TEXT AS name, born, street, number, postcode, city, email, phone, card, "
            "NULL::TEXT AS national FROM generated ORDER BY hash(id)"
        ).to_arrow_table()
        return table
