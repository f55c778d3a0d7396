"""Every measure, as a function from Ibis tables to an Ibis table. No Django, no SQL text, no database of its own.

A measure returns one row with its ingredients and, where it is an estimate, ``value``, ``low`` and ``high``; a series
returns one row a day, week or month. The same expression runs on DuckDB and, past ``orders_in_zone``, on any backend of
Ibis. ``docs/measures.md`` tells them in words. The examples suppose ``import ibis``, ``import pyarrow as pa`` and the names of
``datetime``.
"""
