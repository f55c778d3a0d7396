"""Balances, movements and lots of every currency, and the audit of them. Why something was given is only a reference here."""
