"""The baseline of the ledger's benches: a plain ledger as one SQL function, one transfer and one commit at a time. Two accounts
locked in order, two entries, two balances, none below zero."""

import random
import time
from typing import Any

import psycopg

SCHEMA = """
CREATE TABLE plain_account (id bigint PRIMARY KEY, balance bigint NOT NULL CHECK (balance >= 0)) WITH (fillfactor = 80);
CREATE TABLE plain_entry (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account_id bigint NOT NULL, amount bigint NOT NULL,
  balance bigint NOT NULL, created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX plain_entry_account ON plain_entry (account_id, id);
CREATE FUNCTION plain_transfer(debit bigint, credit bigint, moved bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE left_over bigint; arrived bigint;
BEGIN
  PERFORM 1 FROM plain_account WHERE id IN (debit, credit) ORDER BY id FOR UPDATE;
  UPDATE plain_account SET balance = balance - moved WHERE id = debit RETURNING balance INTO left_over;
  UPDATE plain_account SET balance = balance + moved WHERE id = credit RETURNING balance INTO arrived;
  INSERT INTO plain_entry (account_id, amount, balance) VALUES (debit, -moved, left_over), (credit, moved, arrived);
END $$;
"""


class OneByOne:
    """The function with its accounts, on one connection."""

    def __init__(self, database: "psycopg.Connection[Any]", *, accounts: int, seed: int) -> None:
        self.database, self.accounts, self.chance = database, accounts, random.Random(seed)
        with database.transaction():
            database.execute(SCHEMA)
            database.execute("INSERT INTO plain_account SELECT n, 1000000 FROM generate_series(1, %s) AS n", (accounts,))

    def transfers_per_second(self, seconds: float) -> float:
        """Transfers between random accounts, each committed."""
        done, began = 0, time.perf_counter()
        while (took := time.perf_counter() - began) < seconds:
            pair = self.chance.sample(range(1, self.accounts + 1), 2)
            with self.database.transaction():
                self.database.execute("SELECT plain_transfer(%s, %s, 1)", pair)
            done += 1
        return done / took
