"""What pages usually ask is answered before, and read by processes that never asked the summary."""

from dataclasses import replace

import pytest

from stamgast.flows import summarise
from stamgast.flows.export_lake import export
from stamgast.flows.insights.asking import Insights, Question, open_insights
from stamgast.flows.insights.bridge import measure_bridge
from stamgast.flows.insights.cohorts import measure_cohorts
from stamgast.flows.insights.repeat import measure_repeat
from stamgast.flows.insights.usual import answer_usual
from stamgast.flows.tests.test_measure import NOW
from stamgast.flows.tests.test_measure import folder as folder  # the fixture
from stamgast.insights.types import Step, whole_weeks_before


def test_the_usual_is_answered_once_for_every_process(folder, settings, monkeypatch):
    settings.CONFIGURATION = replace(settings.CONFIGURATION, data=folder.parent, timezone="Europe/Amsterdam", currency="EUR")
    export(at=NOW, folder=folder)
    question = Question(whole_weeks_before(NOW.date(), 13))
    asked = [
        lambda insights: measure_bridge(insights, question),
        lambda insights: measure_cohorts(insights, question, Step.MONTH, is_or_later=True),
        lambda insights: measure_repeat(insights, question),
    ]
    found = [measure(open_insights(at=NOW)) for measure in asked]
    answer_usual(at=NOW)

    def refuse(insights, measure):
        raise AssertionError("this was answered before")

    summarise._opened.clear()  # as in another process
    monkeypatch.setattr(Insights, "ask", refuse)
    assert [measure(open_insights(at=NOW)) for measure in asked] == found
    with pytest.raises(AssertionError):
        measure_bridge(open_insights(at=NOW), Question(question.period, "loyal-customers"))
