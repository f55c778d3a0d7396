"""The measures of the pages of insights, in JSON: the same functions answer both."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
from django.http import HttpRequest
from ninja import Field, NinjaAPI, Query, Schema

from stamgast.insights.types import Period, Step, whole_weeks_before
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor
from stamgast.segments.queries import get_segment


class CohortStep(StrEnum):
    """Cohorts of a calendar month or an ISO week."""

    MONTH = "month"
    WEEK = "week"


class Counted(StrEnum):
    """Who bought in exactly that month or week, or in it or later."""

    ON = "on"
    OR_LATER = "or-later"


class MeasureQuery(Schema):
    """The days, both included: whole weeks that have ended, unless two days are named. And which customers."""

    weeks: int = Field(13, ge=1, le=520)
    first_day: date | None = None
    last_day: date | None = None
    segment: str | None = None
    by: CohortStep = CohortStep.MONTH
    count: Counted = Counted.ON


class MeasureShape(Schema):
    """A measure with the period that it is of. Amounts that end in ``_minor`` are in the smallest unit of the currency."""

    name: str
    first_day: date
    last_day: date
    segment: str | None
    currency: str
    measured_at: datetime
    measure: dict[str, Any]


def register(api: NinjaAPI) -> None:
    """Adds the routes."""
    api.get("/measures/{name}", response=MeasureShape, summary="One measure")(read_measure)


def read_measure(request: HttpRequest, name: str, asked: Query[MeasureQuery]) -> dict[str, Any]:
    """``retention``, ``cohorts``, ``repeat-purchase`` or ``best-customers``, for the customers of a segment or all of them.

    A last day that is not over yet is taken for the last that is.
    """
    # Imported on the first question: it takes seconds, which a process that starts should not wait for.
    from stamgast.flows.insights.asking import Question, open_insights
    from stamgast.flows.insights.measures import Cohorting, measure_by_name

    with open_cursor() as cursor:
        segment = get_segment(cursor, asked.segment).slug if asked.segment else None
    insights = open_insights(at=utc_now())
    last_whole_day = insights.summary.last_whole_day
    period = whole_weeks_before(last_whole_day + timedelta(days=1), asked.weeks)
    if asked.first_day or asked.last_day:
        last_day = min(asked.last_day or last_whole_day, last_whole_day)
        period = Period(asked.first_day or last_day, last_day)
    cohorting = Cohorting(Step(asked.by.value), asked.count is Counted.OR_LATER)
    measure = measure_by_name(insights, name, Question(period, segment), cohorting)
    return {
        "name": name,
        "first_day": period.first_day,
        "last_day": period.last_day,
        "segment": segment,
        "currency": insights.summary.currency,
        "measured_at": insights.summary.measured_at,
        "measure": msgspec.to_builtins(measure, str_keys=True),
    }
