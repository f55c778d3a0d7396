"""Who stayed, left, came back and is new, in a period and in those before it."""

from datetime import date

import msgspec

from stamgast.flows.insights.asking import Insights, Question, figures
from stamgast.flows.measure import Figure
from stamgast.insights.bridge import bridge_over_time

PERIODS = 8


class Step(msgspec.Struct, frozen=True):
    """One period against the one before it: start − lost + reactivated + new = end."""

    first_day: date
    last_day: date
    start: int
    end: int
    retained: int
    lost: int
    reactivated: int
    new: int
    value: float | None
    low: float | None
    high: float | None


class Bridge(msgspec.Struct, frozen=True):
    """The periods, the earliest first, and the share that stayed with its change. The last is the one that was asked for."""

    steps: tuple[Step, ...]
    retention: Figure
    is_before_known: bool

    @property
    def now(self) -> Step:
        """The period that was asked for."""
        return self.steps[-1]

    @property
    def before(self) -> Step | None:
        """The one before it, when all of it lies in what was stored."""
        return self.steps[-2] if self.is_before_known else None


def measure_bridge(insights: Insights, question: Question) -> Bridge:
    """The bridge of the period and of up to seven before it, as far back as there is anything to tell."""

    def measure() -> Bridge:
        rows = insights.ask(bridge_over_time(insights.days(question), question.period, PERIODS))
        steps = msgspec.convert(rows, tuple[Step, ...])
        told = [step for step in steps[:-2] if step.start or step.end]
        now, before = rows[-1], rows[-2]
        is_known = insights.knows(question.period.before)
        retention = figures({"retention": now}, {"retention": before} if is_known else {})["retention"]
        return Bridge((*told, *steps[-2:]), retention, is_known)

    return insights.once(Bridge, (question,), measure)
