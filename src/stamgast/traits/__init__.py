"""Computed traits: what is worked out of a customer's activities by a condition and an aggregate.

A definition is data; it is compiled to closures for one customer and to an Ibis expression for sets, and both give the same
values. Which activities are whose, and what is left of an order after its refunds, comes in as rows: ``flows/history``.
Traits that somebody told are not here but in ``customers``.
"""
