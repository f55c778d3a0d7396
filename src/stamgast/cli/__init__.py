"""The ``stamgast`` command: one file a subcommand, imported when it is called, so that ``--help`` is quick."""

import difflib
import importlib
import json
import sys

import click

from stamgast import __version__

# name → where it is, and its line in the help
COMMANDS = {
    "serve": ("serve", "Start everything: database, web and worker."),
    "web": ("web", "Start one web process."),
    "worker": ("worker", "Start one worker process."),
    "migrate": ("migrate", "Bring the database to this version."),
    "doctor": ("doctor", "Say what is wrong and how to mend it."),
    "backup": ("backup", "Copy everything into one file, while it runs."),
    "restore": ("restore", "Put a backup back, or check one."),
    "archive": ("archive", "Move messages of months long past to the lake."),
    "audit": ("audit", "Prove that the ledger adds up."),
    "checkpoint": ("checkpoint", "Write what the ledger holds to a signed file."),
    "liability": ("liability", "Points outstanding, and entries for the books."),
    "import": ("import_", "Import activities from CSV or Parquet files."),
    "export": ("export", "Write everything that is known of one person."),
    "erase": ("erase", "Take one person out of everything."),
    "duplicates": ("duplicates", "Look for customers who are likely one person."),
    "source": ("source", "Sources and their write keys."),
    "identity": ("identity", "Rules of who is one customer, and what others would do."),
    "key": ("key", "API keys for scripts."),
    "webhook": ("webhook", "Tell other systems what happens here."),
    "staff": ("staff", "People who sign in to the console."),
    "programme": ("programme", "Check, compare, publish and export programme documents."),
    "budget": ("budgets", "Budgets of rules over all members."),
    "replay": ("replay", "Replay activities from files through a programme document."),
    "simulate": ("simulate", "See what a draft would have given, beside the programme in force."),
    "bench": ("bench", "Measure speeds, each against a baseline."),
    "demo": ("demo", "Load a year of a real chain's purchases and look around."),
}


class LazyGroup(click.Group):
    """Knows its commands by name; imports the one that is called. Turns refusals into one sentence and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"stamgast.cli.{COMMANDS[cmd_name][0]}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and (close := difflib.get_close_matches(name, COMMANDS, 1)):
            ctx.fail(f"There is no command {name!r}. Did you mean {close[0]!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, purpose) for name, (_, purpose) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            from stamgast.cli.refusals import refusal_of

            refusal = refusal_of(error)
            if refusal is None:
                raise
            if "--json" in sys.argv:
                click.echo(json.dumps({"error": {"code": refusal.code, "kind": refusal.kind, "message": refusal.message}}))
            click.echo(f"stamgast: {refusal.message}", err=True)
            ctx.exit(refusal.exit_code)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="stamgast")
def main() -> None:
    """Turns buyers into regulars. Settings come from the environment: docs/settings.md."""
