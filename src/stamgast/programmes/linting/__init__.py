"""The linter of programme documents: what can be published and yet cannot be meant. Pure; knows no clock and no database.

- ``checks``: ``lint(document, …) -> Lint``, every finding with its line
- ``holding``: ``can_hold(condition)``: whether any activity can fit a condition
- ``clocks``: the hours that a zone's clock skips or has twice
- ``worth``: the most that a rule gives for what is paid
- ``words``: findings in English and Dutch
"""

from stamgast.programmes.linting.checks import lint
from stamgast.programmes.linting.types import Finding, Level, Lint
from stamgast.programmes.linting.words import say_finding

__all__ = ["Finding", "Level", "Lint", "lint", "say_finding"]
