"""Tables of consent. Private to the room."""

from django.db import models


class ConsentChange(models.Model):
    """One change with its proof, on the identifier that it came in with, so that it follows the links. Never changed.

    The application's role may not change what it says: the migration takes that right away.
    """

    id = models.UUIDField(primary_key=True)
    anchor_id = models.UUIDField()
    purpose = models.TextField()
    channel = models.TextField()
    state = models.TextField(help_text="requested, given or withdrawn")
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    source = models.TextField()
    actor = models.TextField()
    reason = models.TextField()
    activity_id = models.UUIDField(null=True)
    language = models.TextField()
    text_version = models.IntegerField(null=True)
    text = models.TextField(help_text="what was shown")

    class Meta:
        indexes = (models.Index(fields=("anchor_id", "occurred_at"), name="consent_anchor"),)


class ConsentText(models.Model):
    """One version of what people are asked. Never edited: a new text is a new version."""

    pk = models.CompositePrimaryKey("purpose", "channel", "version")
    purpose = models.TextField()
    channel = models.TextField()
    version = models.IntegerField()
    texts = models.JSONField(help_text="by language")
    created_at = models.DateTimeField()
    created_by = models.TextField()
