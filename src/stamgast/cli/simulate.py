"""``stamgast simulate``: what a draft would have given, beside the programme in force, over the whole history."""

import csv
from collections.abc import Iterable
from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from stamgast.cli.import_ import STOPPED, stopping
from stamgast.cli.setting_up import ACTOR, database
from stamgast.kit.clock import utc_now
from stamgast.kit.progress import progress, step

if TYPE_CHECKING:
    from stamgast.flows.simulation.answering import Answer, Pair
    from stamgast.flows.simulation.running import Run
    from stamgast.insights.sampling import Estimate

DAY = click.DateTime(["%Y-%m-%d"])
FITTED = "fitted"


def _redemption(context: click.Context, parameter: click.Parameter, value: str) -> int | None:
    """A share from 0 to 1 in hundredths of a percent; None for ``fitted``."""
    if value == FITTED:
        return None
    try:
        share = round(float(value) * 10_000)
    except (ValueError, OverflowError):
        share = -1
    if not 0 <= share <= 10_000:
        raise click.BadParameter(f"{value!r} is neither a share from 0 to 1 nor {FITTED!r}.")
    return share


@click.command("simulate")
@click.argument("draft", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--sample", type=click.FloatRange(0.01, 1), default=1.0, help="The share of customers to go through: 0.1.")
@click.option("--from", "since", type=DAY, help="The day on which the draft takes effect, and from which is counted.")
@click.option("--until", type=DAY, help="The last day that is counted; today.")
@click.option(
    "--redemption",
    callback=_redemption,
    default="0.8",
    show_default=True,
    metavar=f"SHARE|{FITTED}",
    help="The share that is redeemed, or 'fitted' to what was.",
)
@click.option("--value", "values", multiple=True, metavar="CURRENCY=MONEY", help="What one of a currency costs: points=0.01.")
@click.option("--fresh", is_flag=True, help="Read the history anew, though it was read within the hour.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--csv", "folder", type=click.Path(path_type=Path, file_okay=False), help="Write tables as CSV to this folder.")
@click.pass_context
def command(
    context: click.Context,
    draft: Path,
    sample: float,
    since: datetime | None,
    until: datetime | None,
    redemption: int | None,
    values: tuple[str, ...],
    fresh: bool,
    as_json: bool,
    folder: Path | None,
) -> None:
    """Replay a draft over what customers did, beside the programme in force. Nothing is changed.

    Without --from the draft takes the place of every version, as if it had always held. A sample is chosen by a hash of ids,
    always the same one; its figures are estimates of all, with an interval.
    """
    from stamgast.programmes.reading import read_file

    worths = dict(value.partition("=")[::2] for value in values)
    text = read_file(draft)
    with database("simulate") as configuration, stopping() as stop:
        import msgspec

        from stamgast.flows.simulation.answering import answer
        from stamgast.flows.simulation.keeping import simulation_folder
        from stamgast.flows.simulation.running import Asked, State, begin, take_on
        from stamgast.flows.simulation.worths import check
        from stamgast.kit.database import open_cursor

        zone, place = ZoneInfo(configuration.timezone), simulation_folder()
        asked = Asked(
            text,
            since=since.replace(tzinfo=zone) if since else None,
            until=datetime.combine(until.date(), time.max, zone) if until else None,
            sample=sample,
            redemption=redemption,
            worths=worths,
        )
        check(asked)
        if asked.redemption is None:
            from stamgast.flows.export_lake import export

            with step("Bringing the lake up to date"):
                export(at=utc_now())
        with open_cursor() as cursor:
            run = begin(cursor, place, asked, at=utc_now(), actor=ACTOR, is_fresh=fresh)
            with progress("Going through customers", sum(run.copy.customers[: run.last_bucket])) as bar:
                while run.state is State.RUNNING and not stop.is_set():
                    run = take_on(cursor, place, run.id, at=utc_now())
                    bar.reach(run.looked_at)
        if not run.done:
            click.echo("Stopped before anything was known.", err=True)
            context.exit(STOPPED)
        found = answer(place, run)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            _write_tables(folder, place, run, found)
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
    else:
        _print(found)
    if run.state is State.RUNNING:
        click.echo("Stopped. What is told is of the customers that were gone through.", err=True)
        context.exit(STOPPED)


def _print(found: "Answer") -> None:
    from stamgast.kit.money import to_major

    def money(minor: int) -> str:
        return f"{to_major(minor, found.money):,} {found.money}"

    some = f" {found.looked_at:,} of" if found.is_estimate else ""
    click.echo(f"Went through{some} {found.customers:,} customers and {found.activities:,} activities in {found.seconds} s.")
    if found.waiting:
        told = "1 activity was" if found.waiting == 1 else f"{found.waiting:,} activities were"
        click.echo(
            f"When the history was read, {told} waiting to be decided and did not count. "
            "Let `stamgast worker` or `stamgast serve` run until nothing waits, then simulate again with --fresh."
        )
    if found.is_estimate:
        click.echo("Figures are estimates of all customers; between brackets the 95 % interval.")
    for one in found.currencies:
        click.echo(f"{one.currency}: {_beside(one.given)} given.")
        if one.cost_minor is not None:
            click.echo(
                f"  Cost: {money(one.cost_minor.before.value)} in force, {money(one.cost_minor.after.value)} by the draft."
            )
        click.echo(f"  Outstanding at the end: {_beside(one.outstanding)}.")
        for name, is_spendable, share in (
            ("in force", one.is_spendable_before, one.breakage_before),
            ("by the draft", one.is_spendable_after, one.breakage_after),
        ):
            if not is_spendable:
                click.echo(f"  Never redeemed {name}: does not apply, for it is only counted and cannot be spent.")
            elif share is not None:
                between = "" if share.low == share.high else f" ({share.low:.1%} to {share.high:.1%})"
                click.echo(f"  Never redeemed {name}: {share.value:.1%}{between}.")
        if not one.is_firm:
            click.echo("  The history is too short, or says too little, for a behaviour that is fitted to it: state a share.")
    for rule in found.rules:
        click.echo(f"  {rule.rule}: {_beside(rule.points)} {rule.currency}")
    click.echo(f"Loyal customers: {_told(found.loyal_before)} in force, {_told(found.loyal_after)} by the draft.")
    if found.tiers:
        click.echo(f"{_told(found.moved)} members hold another level at the end.")
    click.echo(f"{_told(found.gaining)} customers get more, {_told(found.losing)} get less.")


def _beside(pair: "Pair") -> str:
    return f"{_told(pair.before)} in force, {_told(pair.after)} by the draft"


def _told(one: "Estimate") -> str:
    return f"{one.value:,}" if one.is_exact else f"{one.value:,} ({one.low:,} to {one.high:,})"


PAIR = (
    "before",
    "before_low",
    "before_high",
    "after",
    "after_low",
    "after_high",
    "difference",
    "difference_low",
    "difference_high",
)


def _pair(pair: "Pair | None") -> list[object]:
    sides = (pair.before, pair.after, pair.difference) if pair is not None else ()
    return [number for one in sides for number in (one.value, one.low, one.high)] or [""] * len(PAIR)


def _limits(one: "Estimate") -> tuple[int, int, int]:
    return one.value, one.low, one.high


def _write_tables(folder: Path, place: Path, run: "Run", found: "Answer") -> None:
    """Each table in a file. Costs are in minor units."""
    from stamgast.flows.simulation.answering import currencies_of_people, list_people

    months = [(currency.currency, month) for currency in found.currencies for month in currency.months]
    for name in ("given", "redeemed", "expired", "outstanding"):
        rows = [[currency, f"{one.month:%Y-%m}", *_pair(getattr(one, name))] for currency, one in months]
        _write(folder / f"{name}.csv", ["currency", "month", *PAIR], rows)
    ahead = [(currency.currency, month) for currency in found.currencies for month in currency.ahead]
    for name in ("redeemed", "expired", "outstanding"):
        rows = [[currency, f"{one.month:%Y-%m}", *_pair(getattr(one, name))] for currency, one in ahead]
        _write(folder / f"{name}_ahead.csv", ["currency", "month", *PAIR], rows)
    rules = [[one.rule, one.currency, *_pair(one.points), *_pair(one.cost_minor)] for one in found.rules]
    _write(folder / "rules.csv", ["rule", "currency", *PAIR, *(f"cost_minor_{name}" for name in PAIR)], rules)
    shares = [
        [one.currency, side, *(share or ("", "", ""))]
        for one in found.currencies
        for side, share in (("before", one.breakage_before), ("after", one.breakage_after))
    ]
    _write(folder / "breakage.csv", ["currency", "programme", "share", "low", "high"], shares)
    levels = [[one.tier, f"{one.month:%Y-%m}", *_limits(one.before), *_limits(one.after)] for one in found.tiers]
    _write(folder / "levels.csv", ["level", "month", *PAIR[:6]], levels)
    names = ("loyal_before", "loyal_after", "entering", "leaving", "gaining", "losing", "moved")
    counts = [(getattr(found, name), name) for name in names]
    _write(folder / "customers.csv", ["what", "value", "low", "high"], [[n, one.value, one.low, one.high] for one, n in counts])
    people = [
        [currency, one.customer, one.before, one.after, one.after - one.before]
        for currency in currencies_of_people(place, run)
        for is_gaining in (True, False)
        for one in list_people(place, run, currency=currency, is_gaining=is_gaining, limit=found.customers)[0]
    ]
    _write(folder / "people.csv", ["currency", "customer_id", "before", "after", "difference"], people)


def _write(path: Path, heads: list[str], rows: Iterable[list[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(heads)
        writer.writerows(rows)
