"""The measures of the pages by name, for whoever asks without a page. Each answers with what its page is made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from stamgast.flows.insights.asking import Insights, Question
from stamgast.flows.insights.best import measure_best
from stamgast.flows.insights.bridge import measure_bridge
from stamgast.flows.insights.cohorts import measure_cohorts
from stamgast.flows.insights.repeat import measure_repeat
from stamgast.insights.errors import MeasureNotFound
from stamgast.insights.types import Step


@dataclass(frozen=True, slots=True)
class Cohorting:
    """What cohorts are made of, and what counts as coming back. The other measures do not look at it."""

    step: Step = Step.MONTH
    is_or_later: bool = False


MEASURES: Mapping[str, Callable[[Insights, Question, Cohorting], msgspec.Struct]] = {
    "retention": lambda insights, question, _cohorting: measure_bridge(insights, question),
    "cohorts": lambda insights, question, cohorting: measure_cohorts(
        insights, question, cohorting.step, is_or_later=cohorting.is_or_later
    ),
    "repeat-purchase": lambda insights, question, _cohorting: measure_repeat(insights, question),
    "best-customers": lambda insights, question, _cohorting: measure_best(insights, question),
}


def measure_by_name(insights: Insights, name: str, question: Question, cohorting: Cohorting) -> msgspec.Struct:
    """What the page of that name shows; raises MeasureNotFound."""
    if name not in MEASURES:
        raise MeasureNotFound(f"There is no measure {name[:60]!r}. The measures are: {', '.join(MEASURES)}.")
    return MEASURES[name](insights, question, cohorting)
