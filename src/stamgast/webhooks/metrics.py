"""What sending counts, for Prometheus."""

from stamgast.kit import metrics

ATTEMPTS = metrics.counter(
    "stamgast_webhooks_attempts_total", "Attempts to deliver an event, by what became of them.", "result"
)
DELIVERED = ATTEMPTS.labels("delivered")
FAILED = ATTEMPTS.labels("failed")
