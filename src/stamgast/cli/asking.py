"""Commands that ask for what they were not given, and that say what to give where nobody is there to answer."""

import sys
from typing import Any

import click


class AskingCommand(click.Command):
    """Without a terminal, what its options would ask for is missing: then it says which, and how to give it.

    ``instead`` is such a command line, whole.
    """

    def __init__(self, *arguments: Any, instead: str, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._instead = instead

    def make_context(self, *arguments: Any, **named: Any) -> click.Context:
        """Reads the options, asking for what is missing."""
        try:
            return super().make_context(*arguments, **named)
        except click.Abort:
            raise self._abort() from None

    def invoke(self, ctx: click.Context) -> Any:
        """Does it, which may ask too."""
        try:
            return super().invoke(ctx)
        except click.Abort:
            raise self._abort() from None

    def _abort(self) -> Exception:
        if sys.stdin is not None and sys.stdin.isatty():
            return click.Abort()  # somebody was there, and did not want to
        click.echo(err=True)  # the question stands unanswered on its line
        return click.UsageError(f"There is no terminal to ask at, so say everything in the command:\n\n  {self._instead}")
