"""Stamgast turns buyers into regulars. ARCHITECTURE.md names the rooms and the three files to read first."""

__version__ = "0.1.0"
