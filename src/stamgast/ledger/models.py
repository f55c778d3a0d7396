"""Tables of the ledger. Private to the room: other rooms call ``operations`` and ``queries``.

Currencies are compared byte by byte (collation C), because they are part of keys and of the order of locks. Every hot key
begins with ``bucket``, the first two bytes of the owner's id modulo 1,024. No foreign keys: the ids derive
from what they refer to. Each index pays for itself on the way of a posting; decision 021 says which were left out.
"""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q


class Balance(models.Model):
    """What an owner has of a currency. The database itself holds that none is below zero and that lots add up to it."""

    pk = models.CompositePrimaryKey("bucket", "owner_id", "currency")
    bucket = models.SmallIntegerField()
    owner_id = models.UUIDField()
    currency = models.TextField(db_collation="C")
    available = models.BigIntegerField(db_default=0)
    pending = models.BigIntegerField(db_default=0)
    held = models.BigIntegerField(db_default=0)
    debt = models.BigIntegerField(db_default=0)
    lot_total = models.BigIntegerField(db_default=0)
    version = models.BigIntegerField(db_default=0)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(available__gte=0) & Q(pending__gte=0) & Q(held__gte=0) & Q(debt__gte=0),
                name="balance_not_below_zero",
            ),
            models.CheckConstraint(condition=Q(lot_total=F("available") + F("held")), name="balance_is_its_lots"),
        )


class Movement(models.Model):
    """One amount from one account to another. Inserted, never changed: the application's role has no right to."""

    pk = models.CompositePrimaryKey("bucket", "movement_id")
    bucket = models.SmallIntegerField()
    kind = models.SmallIntegerField()
    debit = models.SmallIntegerField()
    credit = models.SmallIntegerField()
    programme_version = models.IntegerField(null=True)
    amount = models.BigIntegerField()
    effective_at = models.DateTimeField(help_text="when what it stands for happened")
    posted_at = models.DateTimeField(help_text="when it was written")
    movement_id = models.UUIDField()
    owner_id = models.UUIDField()
    batch_id = models.UUIDField()
    lot_id = models.UUIDField(null=True)
    activity_id = models.UUIDField(null=True)
    fingerprint = models.BinaryField()
    currency = models.TextField(db_collation="C")
    rule = models.TextField()
    reason = models.TextField()
    actor = models.TextField()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(amount__gt=0) & ~Q(debit=F("credit")), name="movement_moves_something"),
        )
        indexes = (
            models.Index(fields=("bucket", "owner_id", "effective_at"), name="movement_owner"),
            BrinIndex(fields=("posted_at",), autosummarize=True, name="movement_posted"),
        )


class Lot(models.Model):
    """What one cause gave and what became of it. Keyed by owner first, so that one index finds it and lists its owner's."""

    pk = models.CompositePrimaryKey("bucket", "owner_id", "lot_id")
    bucket = models.SmallIntegerField()
    programme_version = models.IntegerField()
    revision = models.IntegerField(help_text="how often it changed: part of the ids of its movements")
    given = models.BigIntegerField()
    remaining = models.BigIntegerField()
    held = models.BigIntegerField()
    expired = models.BigIntegerField()
    used = models.BigIntegerField()
    owed = models.BigIntegerField()
    effective_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    lot_id = models.UUIDField()
    owner_id = models.UUIDField()
    activity_id = models.UUIDField()
    currency = models.TextField(db_collation="C")
    rule = models.TextField()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(given__gte=0, held__gte=0, expired__gte=0, used__gte=0, owed__gte=0, remaining__gte=F("held")),
                name="lot_not_below_zero",
            ),
            models.CheckConstraint(
                condition=Q(given=F("remaining") + F("expired") + F("used") - F("owed")), name="lot_adds_up"
            ),
        )
        indexes = (models.Index(fields=("expires_at",), name="lot_due", condition=Q(remaining__gt=F("held"))),)


class Batch(models.Model):
    """The movements that were posted together, with a hash over them."""

    id = models.UUIDField(primary_key=True)
    posted_at = models.DateTimeField()
    rows = models.IntegerField()
    total = models.BigIntegerField()
    root = models.BinaryField()
    actor = models.TextField()


class Unsealed(models.Model):
    """A batch that waits for its place in the chain."""

    batch_id = models.UUIDField(primary_key=True)
    posted_at = models.DateTimeField()


class Seal(models.Model):
    """The place of a batch in the chain: SHA-256 over the previous link, the batch's id and its root."""

    sequence = models.BigIntegerField(primary_key=True)
    batch_id = models.UUIDField(unique=True)
    chain = models.BinaryField()
    sealed_at = models.DateTimeField()


class Head(models.Model):
    """The one row that a sealer locks: the end of the chain."""

    id = models.SmallIntegerField(primary_key=True)
    sequence = models.BigIntegerField()
    chain = models.BinaryField()


class ContraDelta(models.Model):
    """What one batch did to an account of the programme's side on one day: inserted, and folded later. No hot rows."""

    pk = models.CompositePrimaryKey("batch_id", "account", "currency", "day")
    batch_id = models.UUIDField()
    account = models.SmallIntegerField()
    currency = models.TextField(db_collation="C")
    day = models.DateField()
    debit = models.BigIntegerField()
    credit = models.BigIntegerField()

    class Meta:
        db_table = "ledger_contra_delta"


class ContraDaily(models.Model):
    """What all folded batches did to an account of the programme's side on one day (UTC, of the effective moment)."""

    pk = models.CompositePrimaryKey("account", "currency", "day")
    account = models.SmallIntegerField()
    currency = models.TextField(db_collation="C")
    day = models.DateField()
    debit = models.BigIntegerField()
    credit = models.BigIntegerField()

    class Meta:
        db_table = "ledger_contra_daily"
