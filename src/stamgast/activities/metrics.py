"""What intake counts, for Prometheus."""

from stamgast.kit import metrics

ACTIVITIES = metrics.counter("stamgast_intake_activities_total", "Activities that came in, by what became of them.", "result")
REFUSALS = metrics.counter("stamgast_intake_refusals_total", "Messages refused, by reason.", "reason")
REQUESTS = metrics.counter("stamgast_intake_requests_total", "Requests to intake, by status.", "status")
COMMIT_SECONDS = metrics.histogram(
    "stamgast_intake_commit_seconds",
    "How long one group of messages takes to be stored and committed.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)

NEW = ACTIVITIES.labels("new")
REPEATED = ACTIVITIES.labels("repeated")
