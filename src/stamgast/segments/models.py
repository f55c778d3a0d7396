"""Tables of segments. Private to the room: other rooms call ``operations`` and ``queries``."""

from django.db import models


class Segment(models.Model):
    """A named set of customers by condition. The slug is what addresses and the API use."""

    slug = models.TextField(primary_key=True)
    name = models.TextField(unique=True)
    condition = models.JSONField()
    created_at = models.DateTimeField()
    created_by = models.TextField()


class Stay(models.Model):
    """That a customer was in a segment, in event time: from the movement that brought them in to the one that took them out.

    The stays of a customer are a function of the whole history, so a late activity may move them; ``Change`` keeps what
    was known when.
    """

    pk = models.CompositePrimaryKey("segment_id", "customer_id", "entered_at")
    segment_id = models.TextField()
    customer_id = models.UUIDField()
    entered_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("segment_id", "customer_id"), name="stay_one_open", condition=models.Q(left_at__isnull=True)
            ),
        )
        indexes = (
            models.Index(fields=("customer_id",), name="stay_customer"),
            models.Index(
                fields=("segment_id", "entered_at", "customer_id"),
                name="stay_members",
                condition=models.Q(left_at__isnull=True),
            ),
            models.Index(fields=("segment_id", "entered_at"), name="stay_entered"),
            models.Index(fields=("segment_id", "left_at"), name="stay_left", condition=models.Q(left_at__isnull=False)),
        )


class Change(models.Model):
    """One entry or exit, recorded when it became known. Never edited."""

    id = models.BigAutoField(primary_key=True)
    segment_id = models.TextField()
    customer_id = models.UUIDField()
    is_entry = models.BooleanField()
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    cause = models.UUIDField(null=True, help_text="the movement that did it")

    class Meta:
        indexes = (
            models.Index(fields=("segment_id", "recorded_at"), name="change_recorded"),
            models.Index(fields=("segment_id", "occurred_at", "id"), name="change_occurred"),
        )
