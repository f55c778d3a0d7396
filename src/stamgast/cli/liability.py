"""``stamgast liability``: what is outstanding, what is expected of it, and the entries for the books."""

import csv
import sys
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

import click

from stamgast.cli.setting_up import ACTOR, database
from stamgast.kit.clock import utc_now
from stamgast.kit.progress import step

if TYPE_CHECKING:
    from stamgast.flows.measure_liability import Liability

MOMENT = click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"])
PRICE_OF = 1_000


@click.group("liability", invoke_without_command=True)
@click.option("--at", type=MOMENT, help="At a past moment, in the shop's zone unless it names one.")
@click.option("--known-at", type=MOMENT, help="As it was known at a past moment.")
@click.option(
    "--booked-by",
    type=click.Choice(["known", "happened"]),
    default="known",
    help="Whether months that are over stay as they were booked, or what was found out since stands where it happened.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--journal", "as_journal", is_flag=True, help="Print the journal entries as CSV.")
@click.pass_context
def command(
    context: click.Context, at: datetime | None, known_at: datetime | None, booked_by: str, as_json: bool, as_journal: bool
) -> None:
    """Say what points are outstanding, how many will be redeemed, and what the books put off for them."""
    if context.invoked_subcommand is not None:
        return
    with database("liability") as configuration:
        from zoneinfo import ZoneInfo

        import msgspec

        from stamgast.flows.export_lake import export, lake_folder
        from stamgast.flows.measure_liability import measure_liability
        from stamgast.insights.liability import Clock

        zone = ZoneInfo(configuration.timezone)
        with step("Bringing the lake up to date"):
            export(at=utc_now())
        with step("Adding up"):
            found = measure_liability(
                lake_folder(),
                now=utc_now(),
                zone=configuration.timezone,
                money=configuration.currency,
                at=_in_zone(at, zone),
                known_at=_in_zone(known_at, zone),
                booked_by=Clock[booked_by.upper()],
            )
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
    elif as_journal:
        _print_journal(found)
    else:
        _print(found, is_past=(at or known_at) is not None)


@command.command("value")
@click.argument("currency")
@click.option("--price", required=True, help=f"What {PRICE_OF:,} points are worth on their own, in the shop's money: 10.00.")
@click.option("--share", required=True, type=click.FloatRange(0, 100), help="How many percent are expected to be redeemed.")
@click.option("--fitted", is_flag=True, help="Let the history say the share where it is long enough.")
@click.option("--from", "valid_from", type=click.DateTime(["%Y-%m-%d"]), help="The day from which it holds; today.")
@click.option("--reason", required=True, help="Why, for who asks later.")
def value(currency: str, price: str, share: float, fitted: bool, valid_from: datetime | None, reason: str) -> None:
    """Decide what a currency is worth in the books, from a day on."""
    with database("liability value") as configuration:
        from zoneinfo import ZoneInfo

        from stamgast.books.operations import set_valuation
        from stamgast.kit.database import transaction
        from stamgast.kit.money import to_minor
        from stamgast.programmes.queries import find_programme

        now = utc_now()
        today = now.astimezone(ZoneInfo(configuration.timezone)).date()
        with transaction() as cursor:
            programme = find_programme(cursor)
            documents = programme.documents if programme else ()
            known = dict.fromkeys(name for document in documents for name in document.currencies)
            if currency not in known:
                raise click.BadParameter(f"No version has a currency {currency!r}. There are {', '.join(known)}.")
            decided = set_valuation(
                cursor,
                currency=currency,
                valid_from=valid_from.date() if valid_from else today,
                price_minor=to_minor(price, configuration.currency),
                share=round(share * 100),
                is_fitted=fitted,
                reason=reason,
                today=today,
                at=now,
                actor=ACTOR,
            )
    click.echo(f"From {decided.valid_from}, {PRICE_OF:,} {currency} are worth {price} {configuration.currency} in the books.")


def _in_zone(moment: datetime | None, zone: tzinfo) -> datetime | None:
    if moment is None or moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=zone)


def _print(found: "Liability", *, is_past: bool) -> None:
    from stamgast.kit.money import to_major

    if not found.currencies:
        click.echo("Nothing had been given by then." if is_past else "No points were ever given.")
    for one in found.currencies:
        expected = one.expectation
        click.echo(f"{one.currency}: {one.outstanding:,} outstanding.")
        if expected.share is not None:
            click.echo(
                f"  Redeemed in the end: {expected.share:.1%} of all that was given "
                f"({expected.low:.1%} to {expected.high:.1%}), by what was known at the end of {expected.through:%Y-%m}."
            )
        if one.deferred_minor is not None:
            click.echo(f"  In the books: {to_major(one.deferred_minor, found.money)} {found.money} put off.")


def _print_journal(found: "Liability") -> None:
    from stamgast.kit.money import to_major

    writer = csv.writer(sys.stdout)
    writer.writerow(("month", "points", "earned_in", "kind", "debit", "credit", "amount", "of_which_revision", "money"))
    for one in found.entries:
        amounts = [str(to_major(amount, found.money)) for amount in (one.amount_minor, one.revision_minor)]
        months = [f"{month:%Y-%m}" for month in (one.month, one.vintage)]
        writer.writerow((months[0], one.currency, months[1], one.kind, one.debit, one.credit, *amounts, found.money))
