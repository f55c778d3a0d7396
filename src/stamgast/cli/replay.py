"""``stamgast replay``: what activities in files are worth by a programme document. Needs no database and no settings."""

import contextlib
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stamgast.kit.progress import progress

if TYPE_CHECKING:
    import pyarrow as pa


@click.command("replay")
@click.argument("document", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("activities", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="The Parquet file for the decisions.")
@click.option("--json", "as_json", is_flag=True, help="What was given, by currency and rule, as JSON.")
def command(document: Path, activities: Path, out: Path | None, as_json: bool) -> None:
    """Replay ACTIVITIES, a Parquet file or a folder of them, through DOCUMENT.

    Stopped on the way (Ctrl-C), it leaves no half a file behind.
    """
    from stamgast.programmes import load, replay

    began = time.monotonic()
    programme = load(document)
    given: dict[str, Counter[str]] = {}
    decisions = looked_at = 0
    with progress("Replaying") as bar, _writer(out) as write:

        def report(done: int, total: int) -> None:
            nonlocal looked_at
            looked_at = done
            bar.reach(done, total)

        for table in replay(programme, activities, report=report):
            write(table)
            decisions += table.num_rows
            sums = table.group_by(["currency", "rule"]).aggregate([("amount", "sum")])
            for row in sums.to_pylist():
                given.setdefault(row["currency"], Counter())[row["rule"]] += row["amount_sum"]
    told: dict[str, Any] = {
        "programme": programme.name,
        "activities": looked_at,
        "decisions": decisions,
        "given": {currency: dict(sorted(rules.items())) for currency, rules in sorted(given.items())},
        "seconds": round(time.monotonic() - began, 3),
    }
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    click.echo(f"{looked_at:,} activities gave {decisions:,} times.")
    for currency, rules in told["given"].items():
        click.echo(f"{currency}: {sum(rules.values()):,}")
        for rule, amount in rules.items():
            click.echo(f"  {rule}: {amount:,}")


@contextlib.contextmanager
def _writer(out: Path | None) -> Iterator[Any]:
    """Writes tables to a file that is there when all of it is."""
    if out is None:
        yield lambda table: None
        return
    import pyarrow.parquet as pq

    half = out.with_name(f"{out.name}.part")
    writer: pq.ParquetWriter | None = None

    def write(table: "pa.Table") -> None:
        nonlocal writer
        if writer is None:
            writer = pq.ParquetWriter(half, table.schema)
        writer.write_table(table)

    try:
        yield write
        if writer is None:  # no activities are no decisions, and a file that says so
            from stamgast.programmes.types import DECISIONS

            write(DECISIONS.empty_table())
        assert writer is not None
        writer.close()
        half.replace(out)
    finally:
        if writer is not None:
            writer.close()
        half.unlink(missing_ok=True)
