"""Tables of programmes. Private to the room: other rooms call ``operations`` and ``queries``."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Version(models.Model):
    """One version of a programme's document, in force from a moment. Never edited."""

    pk = models.CompositePrimaryKey("programme", "version")
    programme = models.TextField()
    version = models.IntegerField()
    document = models.TextField()
    sha256 = models.TextField()
    effective_from = models.DateTimeField()
    published_at = models.DateTimeField()
    published_by = models.TextField()
    reason = models.TextField()


class State(models.Model):
    """What deciding on needs of what was decided for a customer. A cache: it can be made again from the activities."""

    pk = models.CompositePrimaryKey("bucket", "customer_id", "programme")
    bucket = models.SmallIntegerField()
    customer_id = models.UUIDField()
    programme = models.TextField()
    last_at = models.DateTimeField()
    last_activity_id = models.UUIDField()
    version = models.IntegerField(help_text="the newest version that was known when this was decided")
    counters = models.JSONField()
    review_at = models.DateTimeField(null=True, help_text="when the tier is reviewed next")
    reviewed_by = models.DateTimeField(null=True, help_text="by when reviews that were due are held; null without tiers")

    class Meta:
        indexes = (models.Index(fields=("review_at",), name="state_review", condition=models.Q(review_at__isnull=False)),)


class TierStay(models.Model):
    """From which moment on a customer holds which level, or none. Made again when the customer's history is decided again."""

    pk = models.CompositePrimaryKey("bucket", "customer_id", "programme", "since")
    bucket = models.SmallIntegerField()
    customer_id = models.UUIDField()
    programme = models.TextField()
    since = models.DateTimeField()
    tier = models.TextField(null=True)
    cause = models.TextField(help_text="reached, invited, reviewed or rules")
    activity_id = models.UUIDField(null=True)
    version = models.IntegerField()


class Withdrawal(models.Model):
    """That a version was taken back before it took effect. The version stays, and nothing is ever decided by it."""

    pk = models.CompositePrimaryKey("programme", "version")
    programme = models.TextField()
    version = models.IntegerField()
    at = models.DateTimeField()
    actor = models.TextField()
    reason = models.TextField()


class Draft(models.Model):
    """A document that somebody works on. Its text may be half done; what is sent to review is sound."""

    id = models.UUIDField(primary_key=True)
    programme = models.TextField()
    title = models.TextField()
    document = models.TextField()
    base = models.IntegerField(help_text="the newest version when it was begun, or taken along since")
    state = models.TextField()
    revision = models.IntegerField(help_text="grows with every change, so that nobody writes over what they have not seen")
    owner = models.TextField()
    editors = ArrayField(models.TextField(), help_text="who wrote any of it; none of them is the second person")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    changed_by = models.TextField()
    reason = models.TextField(help_text="what the last person who sent it on said of it")
    version = models.IntegerField(null=True, help_text="the version that it became")

    class Meta:
        indexes = (models.Index(fields=["programme", "state", "changed_at"], name="programmes_draft_state"),)


class Policy(models.Model):
    """What the shop asks of who publishes; at most one row."""

    id = models.SmallIntegerField(primary_key=True)
    needs_second_person = models.BooleanField()
