"""What the company's books need of the ledger: what a point is worth, with whom it is settled, journal entries, signed
checkpoints, runs of the audit.

Holds no points: those are in ``ledger``. What is measured comes in as numbers from ``flows``.
"""
