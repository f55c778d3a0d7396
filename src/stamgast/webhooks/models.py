"""Tables of webhooks. Private to the room: other rooms call ``operations`` and ``queries``."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Endpoint(models.Model):
    """Where events are sent. Each sending signs with the secrets, so they are kept; sealed with the installation's own."""

    id = models.UUIDField(primary_key=True)
    name = models.TextField(unique=True)
    url = models.TextField()
    kinds = ArrayField(models.TextField())
    secret = models.BinaryField()
    former_secret = models.BinaryField(null=True)
    former_secret_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    created_by = models.TextField()
    disabled_at = models.DateTimeField(null=True)
    disabled_reason = models.TextField(default="")
    failing_since = models.DateTimeField(null=True, help_text="the first attempt that failed since the last that did not")


class Event(models.Model):
    """A fact that somebody asked to be told, word for word as it is sent. Written in the transaction of the fact."""

    id = models.UUIDField(primary_key=True)
    kind = models.TextField()
    occurred_at = models.DateTimeField()
    created_at = models.DateTimeField()
    body = models.TextField()

    class Meta:
        indexes = (models.Index(fields=("created_at",), name="event_created"),)


class Delivery(models.Model):
    """One event for one endpoint. A process that takes it writes its claim and moves ``due_at`` to the end of its lease."""

    id = models.BigAutoField(primary_key=True)
    event_id = models.UUIDField()
    endpoint_id = models.UUIDField()
    state = models.TextField()
    due_at = models.DateTimeField()
    attempts = models.IntegerField(default=0, help_text="since it was last sent, or sent again, by hand")
    claim = models.UUIDField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("event_id", "endpoint_id"), name="delivery_once"),)
        indexes = (
            models.Index(fields=("endpoint_id", "due_at"), name="delivery_due", condition=models.Q(state="waiting")),
            models.Index(fields=("endpoint_id", "created_at", "id"), name="delivery_log"),
            models.Index(fields=("endpoint_id", "state", "created_at", "id"), name="delivery_state"),
        )


class Attempt(models.Model):
    """One attempt to deliver, and the beginning of what was answered."""

    id = models.BigAutoField(primary_key=True)
    delivery_id = models.BigIntegerField()
    at = models.DateTimeField()
    status = models.IntegerField(null=True)
    problem = models.TextField()
    response = models.TextField()
    milliseconds = models.IntegerField()

    class Meta:
        indexes = (models.Index(fields=("delivery_id", "at"), name="attempt_delivery"),)
