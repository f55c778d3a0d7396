"""``stamgast audit``: proof that the ledger adds up and holds what replay gives."""

import json

import click

from stamgast.cli.setting_up import database
from stamgast.kit.progress import progress


@click.command("audit")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(as_json: bool) -> None:
    """Prove the chain, the sums, the lots and the parity with replay; name the first row that is wrong."""
    with database("audit"):
        from stamgast.flows import audit
        from stamgast.kit.database import transaction
        from stamgast.ledger.queries import count_movements

        with transaction() as cursor, progress("Audit") as bar:
            # One moment for all checks, while the shop goes on.
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            findings = audit.run(lambda check, rows: bar.reach(rows))
            movements = count_movements(cursor)
    if as_json:
        rows = [{"check": finding.check, "subject": finding.subject, "sentence": finding.sentence} for finding in findings]
        click.echo(json.dumps({"is_clean": not findings, "movements": movements, "findings": rows}))
    elif findings:
        for finding in findings:
            click.echo(f"{finding.check}: {finding.sentence} ({finding.subject})")
    else:
        click.echo(f"Clean: {movements:,} movements, and replay gives the same.")
    if findings:
        raise SystemExit(1)
