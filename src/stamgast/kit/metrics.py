"""Prometheus metrics of all processes of an installation, gathered by whichever of them is asked.

A room declares its own, once, at the top of a module::

    RECEIVED = metrics.counter("stamgast_activities_received_total", "Activities stored.", "source", "outcome")
    RECEIVED.labels("till", "stored").inc(40)
    metrics.at_scrape("stamgast_pending_activities", "Activities that wait to be decided.", read_depth)

Counters and histograms live in files that the processes share, so they add up over web and worker, restarts included.
What the database knows (a depth, an age) is not counted but read when somebody asks.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector

from stamgast.kit.metric_files import FOLDER_VARIABLE

CONTENT_TYPE = CONTENT_TYPE_LATEST
LAG_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)
Reading = Iterable[tuple[Sequence[str], float]]
_scraped: dict[str, tuple[str, tuple[str, ...], Callable[[], Reading]]] = {}


def counter(name: str, purpose: str, *labels: str) -> Counter:
    """What only goes up. The name ends in ``_total``."""
    return Counter(name, purpose, labels)


def histogram(name: str, purpose: str, *labels: str, buckets: Sequence[float] = LAG_SECONDS) -> Histogram:
    """How a quantity is spread; the unit is last in its name."""
    return Histogram(name, purpose, labels, buckets=buckets)


def at_scrape(name: str, purpose: str, read: Callable[[], Reading], *labels: str) -> None:
    """A gauge that is read when somebody asks: ``read`` gives pairs of label values and number."""
    _scraped[name] = (purpose, labels, read)


def exposition() -> bytes:
    """All metrics in Prometheus' text format. Reads the database, so call it where blocking is allowed."""
    registry = REGISTRY
    if folder := os.environ.get(FOLDER_VARIABLE):
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=folder)  # type: ignore[no-untyped-call]
    gauges = CollectorRegistry()
    gauges.register(_Scraped())
    return generate_latest(registry) + generate_latest(gauges)


class _Scraped:
    def collect(self) -> Iterator[Metric]:
        for name, (purpose, labels, read) in _scraped.items():
            family = GaugeMetricFamily(name, purpose, labels=labels)
            for values, number in read():
                family.add_metric(values, number)
            yield family
