"""Profiles, identifiers and the links between them over time. What customers *did* lives in ``activities``."""
