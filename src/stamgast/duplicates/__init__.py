"""Customers who are likely to be one person: found in batch by what their records have in common, and kept until people decide.

``matching`` is pure: from a table of records to pairs with a probability and what agrees. ``operations`` and ``queries`` keep
proposals and the runs that found them. Who is one customer is not decided here but by ``customers``, when a person says so.
``docs/algorithms/duplicates.md`` describes it all.
"""
