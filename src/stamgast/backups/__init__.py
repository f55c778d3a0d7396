"""Copies of a whole installation in one file: made while it runs, checked by restoring, put back in one piece.

``making`` writes, ``restoring`` reads; ``container`` knows the file and ``programs`` knows PostgreSQL's own programs. What the
tables mean is known to the rooms they come from: see decision 091.
"""
