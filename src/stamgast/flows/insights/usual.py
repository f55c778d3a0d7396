"""Answers what pages usually ask, before anybody does."""

from datetime import datetime, timedelta

from stamgast.flows.insights.asking import Question, open_insights
from stamgast.flows.insights.best import measure_best
from stamgast.flows.insights.bridge import measure_bridge
from stamgast.flows.insights.cohorts import measure_cohorts
from stamgast.flows.insights.repeat import measure_repeat
from stamgast.insights.types import USUAL_WEEKS, Step, whole_weeks_before


def answer_usual(*, at: datetime) -> None:
    """Every page for each period that it offers, over all customers. What is on the disk already is left as it is."""
    insights = open_insights(at=at, is_kept_for_all=True)
    if insights.summary.first_day is None:
        return
    for weeks in USUAL_WEEKS:
        question = Question(whole_weeks_before(insights.summary.last_whole_day + timedelta(days=1), weeks))
        measure_bridge(insights, question)
        measure_repeat(insights, question)
        measure_best(insights, question)
        for is_or_later in (False, True):
            measure_cohorts(insights, question, Step.MONTH, is_or_later=is_or_later)
