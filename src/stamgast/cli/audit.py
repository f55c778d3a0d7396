"""``stamgast audit``: proof that the ledger adds up and holds what replay gives."""

import json
from pathlib import Path

import click

from stamgast.cli.setting_up import database
from stamgast.kit.progress import progress


@click.command("audit")
@click.option("--against", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A checkpoint that must hold.")
@click.option("--public-key", help="The key that must have signed it, or a file with it, instead of the one kept here.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(against: Path | None, public_key: str | None, as_json: bool) -> None:
    """Prove the chain, the sums, the lots and the parity with replay; name the first row that is wrong."""
    if public_key and against is None:
        raise click.UsageError("A public key is for a checkpoint. Name its file with --against.")
    with database("audit"):
        from stamgast.books.signing import read_public_key
        from stamgast.flows import audit
        from stamgast.flows.checkpoint import compare_with_file
        from stamgast.kit.database import transaction
        from stamgast.ledger.queries import count_movements

        with transaction() as cursor, progress("Audit") as bar:
            # One moment for all checks, while the shop goes on.
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            trusted = read_public_key(public_key) if public_key else None
            findings = compare_with_file(cursor, against, trusted) if against else []
            findings += audit.run(lambda check, rows: bar.reach(rows))
            movements = count_movements(cursor)
    if as_json:
        rows = [{"check": finding.check, "subject": finding.subject, "sentence": finding.sentence} for finding in findings]
        click.echo(json.dumps({"is_clean": not findings, "movements": movements, "findings": rows}))
    elif findings:
        for finding in findings:
            click.echo(f"{finding.check}: {finding.sentence} ({finding.subject})")
    else:
        held = f" All that {against.name} says is still there." if against else ""
        click.echo(f"Clean: {movements:,} movements, and replay gives the same.{held}")
    if findings:
        raise SystemExit(1)
