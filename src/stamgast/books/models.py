"""Tables of the books. Private to the room: other rooms call ``operations`` and ``queries``."""

from django.db import models
from django.db.models import Q


class Valuation(models.Model):
    """What a currency is worth from a day on. Inserted, never changed: what was decided once stays readable."""

    id = models.UUIDField(primary_key=True)
    currency = models.TextField(db_collation="C")
    valid_from = models.DateField()
    price_minor = models.BigIntegerField(help_text="of a thousand points, in minor units of the shop's money")
    share = models.IntegerField(help_text="how many of 10,000 points are expected to be redeemed")
    is_fitted = models.BooleanField(help_text="whether the history goes before the share, where it is long enough")
    decided_at = models.DateTimeField()
    actor = models.TextField()
    reason = models.TextField()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(price_minor__gte=0, share__gte=0, share__lte=10_000), name="valuation_possible"),
        )


class Partner(models.Model):
    """A partner or charity, by the code under which the ledger keeps what moved with it. Closed, never removed."""

    code = models.TextField(primary_key=True, db_collation="C")
    kind = models.TextField()
    name = models.TextField()
    added_at = models.DateTimeField()
    added_by = models.TextField()
    closed_at = models.DateTimeField(null=True, help_text="since when nothing more is done with it; null while it is active")
    closed_by = models.TextField(default="")


class SigningKey(models.Model):
    """The one key with which checkpoints are signed, sealed with the installation's secret."""

    id = models.SmallIntegerField(primary_key=True)
    sealed = models.BinaryField()
    public = models.BinaryField()
    made_at = models.DateTimeField()


class AuditRun(models.Model):
    """One run of the audit that somebody asked for. At most one is open."""

    id = models.UUIDField(primary_key=True)
    wanted_at = models.DateTimeField()
    wanted_by = models.TextField()
    is_open = models.BooleanField(default=True)
    is_stopping = models.BooleanField(default=False)
    begun_at = models.DateTimeField(null=True)
    beat_at = models.DateTimeField(null=True, help_text="when whoever works on it last said so; null while nobody does")
    ended_at = models.DateTimeField(null=True)
    phase = models.TextField(default="")
    done = models.BigIntegerField(default=0)
    movements = models.BigIntegerField(default=0)
    findings = models.JSONField(null=True, help_text="none when it did not end; empty when the ledger is sound")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("is_open",), name="audit_one_open", condition=Q(is_open=True)),)
        indexes = (models.Index(fields=("wanted_at",), name="audit_wanted"),)
