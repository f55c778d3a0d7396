"""That somebody was erased: the receipt, and tombstones by which what comes in later for them is known. Not who they were.

What is taken out of which room is orchestrated in ``flows/erase.py``.
"""
