"""What intake counts, for Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

ACTIVITIES = Counter("stamgast_intake_activities", "Activities that came in, by what became of them.", ["result"])
REFUSALS = Counter("stamgast_intake_refusals", "Messages refused, by reason.", ["reason"])
REQUESTS = Counter("stamgast_intake_requests", "Requests to intake, by status.", ["status"])
QUEUED_MESSAGES = Gauge("stamgast_intake_queued_messages", "Messages not yet committed.", multiprocess_mode="livesum")
QUEUED_BYTES = Gauge("stamgast_intake_queued_bytes", "Bytes of requests not yet answered.", multiprocess_mode="livesum")
COMMIT_SECONDS = Histogram(
    "stamgast_intake_commit_seconds",
    "How long one group of messages takes to be stored and committed.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)

NEW = ACTIVITIES.labels("new")
REPEATED = ACTIVITIES.labels("repeated")
