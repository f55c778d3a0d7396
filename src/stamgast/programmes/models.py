"""Tables of programmes. Private to the room: other rooms call ``operations`` and ``queries``."""

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
