"""How much of the revenue hangs on how few of the customers."""

import msgspec

from stamgast.flows.insights.asking import Insights, Question, figures
from stamgast.flows.measure import Figure
from stamgast.insights.pareto import pareto_curve
from stamgast.insights.revenue import revenue, top_share

PERCENT = 20


class Percent(msgspec.Struct, frozen=True):
    """What the best so many percent of the customers bring in."""

    percent: int
    customers: int
    revenue_minor: int
    least_minor: int
    value: float


class Best(msgspec.Struct, frozen=True):
    """The curve, and what it rests on. ``half`` is the first percent that brings in half of the revenue."""

    currency: str
    top_share: Figure
    curve: tuple[Percent, ...]
    customers: int
    customers_before: int | None
    orders: int
    revenue_minor: int
    revenue_before_minor: int | None

    @property
    def half(self) -> Percent | None:
        """The first percent that brings in at least half."""
        return next((point for point in self.curve if point.value >= 0.5), None)


def measure_best(insights: Insights, question: Question) -> Best:
    """The Pareto curve of the period, in the shop's currency."""

    def measure() -> Best:
        period, currency = question.period, insights.summary.currency
        bought = insights.purchases(question).mutate(is_return=False)
        now, before = (insights.ask(top_share(bought, each, currency))[0] for each in (period, period.before))
        is_known = insights.knows(period.before)
        sold = insights.ask(revenue(bought, period, currency))[0]
        return Best(
            currency=currency,
            top_share=figures({"top": now}, {"top": before} if is_known else {})["top"],
            curve=msgspec.convert(insights.ask(pareto_curve(bought, period, currency)), tuple[Percent, ...]),
            customers=now["customers"],
            customers_before=before["customers"] if is_known else None,
            orders=sold["orders"],
            revenue_minor=sold["value"],
            revenue_before_minor=before["revenue_minor"] if is_known else None,
        )

    return insights.once(Best, (question,), measure)
