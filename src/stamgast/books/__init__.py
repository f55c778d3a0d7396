"""What the company's books need of the ledger: what a point is worth, journal entries, signed checkpoints, runs of the audit.

Holds no points: those are in ``ledger``. What is measured comes in as numbers from ``flows``.
"""
