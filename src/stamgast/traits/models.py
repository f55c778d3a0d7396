"""Tables of computed traits. Private to the room: other rooms call ``operations`` and ``queries``."""

from django.db import models


class Trait(models.Model):
    """A trait by its name, with the version in force and of which version the values of all customers are."""

    name = models.TextField(primary_key=True)
    version = models.IntegerField()
    computed_version = models.IntegerField(null=True)
    computed_of = models.TextField(default="", help_text="the state of the lake and the day that the values are of")
    computed_at = models.DateTimeField(null=True)
    computed_seconds = models.FloatField(default=0)


class Version(models.Model):
    """One version of a definition. Never edited; without a document the trait was removed."""

    pk = models.CompositePrimaryKey("name", "version")
    name = models.TextField()
    version = models.IntegerField()
    document = models.JSONField(null=True)
    saved_at = models.DateTimeField()
    saved_by = models.TextField()
    reason = models.TextField()


class Value(models.Model):
    """The value of one customer when those of all were last worked out, in the column of its shape.

    Who has nothing that counts has no row. Days since the last are kept as the moment of the last, so that they pass by
    themselves. A cache: it can be made again from the activities.
    """

    pk = models.CompositePrimaryKey("trait", "customer_id")
    trait = models.TextField()
    customer_id = models.UUIDField()
    number = models.DecimalField(max_digits=38, decimal_places=0, null=True)
    text = models.TextField(null=True)
    moment = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=("trait", "number"), name="value_number", condition=models.Q(number__isnull=False)),
            models.Index(fields=("trait", "text"), name="value_text", condition=models.Q(text__isnull=False)),
            models.Index(fields=("trait", "moment"), name="value_moment", condition=models.Q(moment__isnull=False)),
        )
