"""Tables of erasure. Private to the room."""

from django.db import models


class Erasure(models.Model):
    """One receipt. It names a customer by our own id only, which nothing outside knows."""

    id = models.UUIDField(primary_key=True)
    customer_id = models.UUIDField()
    anchor_id = models.UUIDField(unique=True, help_text="the identifier that its activities hang on from now on")
    at = models.DateTimeField()
    actor = models.TextField()
    reason = models.TextField()
    removed = models.JSONField(help_text="how much of what")
    lake_cleaned_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=("customer_id",), name="erasure_customer"),
            models.Index(fields=("at", "id"), name="erasure_at"),
        )


class Tombstone(models.Model):
    """A keyed digest of an identifier of somebody who was erased. It is never deleted.

    Who came back and is erased once more has a second one; of those that were not lifted there is one a digest.
    """

    pk = models.CompositePrimaryKey("digest", "erasure_id")
    digest = models.BinaryField()
    erasure_id = models.UUIDField()
    buried_at = models.DateTimeField()


class ErasureKey(models.Model):
    """The one key of the tombstones, wrapped with the installation's secret."""

    id = models.SmallIntegerField(primary_key=True)
    nonce = models.BinaryField()
    wrapped = models.BinaryField()
    check_bytes = models.BinaryField()


class ErasureTrace(models.Model):
    """An identifier's id that the lake may still hold, until its files were rewritten."""

    pk = models.CompositePrimaryKey("erasure_id", "anchor_id")
    erasure_id = models.UUIDField()
    anchor_id = models.UUIDField()


class ErasureLift(models.Model):
    """That the tombstones of an erasure keep nobody out any more. It is never deleted either."""

    erasure_id = models.UUIDField(primary_key=True)
    at = models.DateTimeField()
    actor = models.TextField()
    reason = models.TextField()
