"""``stamgast budget``: how much of what rules may give together is gone, when it will be, and ending a rule."""

import json
from datetime import datetime

import click

from stamgast.cli.setting_up import ACTOR, database
from stamgast.kit.clock import utc_now


@click.group("budget")
def command() -> None:
    """Budgets of rules over all members."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_all(as_json: bool) -> None:
    """Say how each budget stands and on which day it will be spent, with the 95 % interval."""
    now = utc_now()
    with database("budget list"):
        from stamgast.flows.watch_budgets import watch_budgets
        from stamgast.kit.database import open_cursor

        with open_cursor() as cursor:
            forecasts = watch_budgets(cursor, at=now)
    today = now.date()
    rows = [
        {
            "rule": one.budget.rule,
            "currency": one.budget.currency,
            "budget": one.budget.amount,
            "given": one.given,
            "left": one.left,
            "per_day": round(one.per_day, 2),
            "day": one.day.isoformat() if one.day else None,
            "earliest": one.earliest.isoformat() if one.earliest else None,
            "latest": one.latest.isoformat() if one.latest else None,
            "warns": one.warns(today),
        }
        for one in forecasts
    ]
    if as_json:
        click.echo(json.dumps({"budgets": rows}))
        return
    for row in rows:
        spent = f"spent on {row['day']} ({row['earliest']} to {row['latest'] or 'never'})" if row["day"] else "not spent soon"
        mark = "!" if row["warns"] else " "
        click.echo(f"{mark} {row['rule']}: {row['given']:,} of {row['budget']:,} {row['currency']} given; {spent}")
    if not rows:
        click.echo("No rule of the version in force has a budget.")


@command.command("close")
@click.argument("rule")
@click.option("--on", "last_day", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The last day on which it gives.")
@click.option("--reason", required=True, help="Why, for the record.")
def close(rule: str, last_day: datetime, reason: str) -> None:
    """Publish a version in which RULE ends with a day. Nothing that was given is taken back."""
    with database("budget close"):
        from stamgast.flows.watch_budgets import close_rule

        version = close_rule(rule, last_day=last_day.date(), at=utc_now(), actor=ACTOR, reason=reason)
    click.echo(f"Version {version.version} is in force: {rule!r} gives for the last time on {last_day.date().isoformat()}.")
