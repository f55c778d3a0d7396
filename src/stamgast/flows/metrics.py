"""What Prometheus hears of the way from received to decided. Importing this declares it."""

from collections.abc import Iterable
from datetime import datetime

from stamgast.activities.queries import count_pending, find_oldest_pending
from stamgast.activities.refusal_queries import count_refusals
from stamgast.customers.identity import get_swallowers
from stamgast.kit import metrics
from stamgast.kit.clock import utc_now
from stamgast.kit.database import open_cursor
from stamgast.webhooks import metrics as _webhook_metrics  # noqa: F401  declares what the worker counts
from stamgast.webhooks.queries import count_waiting

LAG_SECONDS = metrics.histogram("stamgast_decided_lag_seconds", "From received to decided and committed, for each activity.")


def observe_decided(received_at: Iterable[datetime], at: datetime) -> None:
    """Counts activities that were received then and whose decisions were committed ``at``."""
    for moment in received_at:
        LAG_SECONDS.observe(max((at - moment).total_seconds(), 0.0))


def _read_depth() -> metrics.Reading:
    with open_cursor() as cursor:
        return [((), float(count_pending(cursor)))]


def _read_oldest_age() -> metrics.Reading:
    with open_cursor() as cursor:
        oldest = find_oldest_pending(cursor)
    return [((), max((utc_now() - oldest).total_seconds(), 0.0) if oldest else 0.0)]


def _read_refusals() -> metrics.Reading:
    with open_cursor() as cursor:
        return [((reason,), float(count)) for reason, count in count_refusals(cursor).items()]


def _read_swallowers() -> metrics.Reading:
    with open_cursor() as cursor:
        found = get_swallowers(cursor)
    return [((), float(found.total))] if found else []


metrics.at_scrape(
    "stamgast_swallowing_customers", "Customers with more identifiers than the rules call alarming.", _read_swallowers
)


def _read_webhooks() -> metrics.Reading:
    with open_cursor() as cursor:
        return [((), float(count_waiting(cursor)))]


metrics.at_scrape("stamgast_pending_activities", "Activities that wait to be decided.", _read_depth)
metrics.at_scrape("stamgast_pending_oldest_age_seconds", "How long the first of them has waited.", _read_oldest_age)
metrics.at_scrape("stamgast_refusals_waiting", "Refusals that wait to be corrected, by reason.", _read_refusals, "reason")
metrics.at_scrape("stamgast_webhooks_waiting", "Events that wait to be delivered, now or at a later attempt.", _read_webhooks)
