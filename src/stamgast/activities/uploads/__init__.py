"""Files that somebody hands in by hand: where they lie, what was chosen for them, and how far their import got.

What a file means is the business of ``importers``; who runs the import is a flow's. A file stays for some days and then goes,
because it holds personal data; the row about it stays.
"""
