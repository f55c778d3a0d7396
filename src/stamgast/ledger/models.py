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
    act_id = models.UUIDField(null=True, help_text="the act that it belongs to; none where a programme decided")
    reference = models.TextField(null=True, help_text="which partner or charity")

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(amount__gt=0) & ~Q(debit=F("credit")), name="movement_moves_something"),
        )
        indexes = (
            models.Index(fields=("bucket", "owner_id", "effective_at"), name="movement_owner"),
            BrinIndex(fields=("posted_at",), autosummarize=True, name="movement_posted"),
            models.Index(fields=("bucket", "act_id"), name="movement_act", condition=Q(act_id__isnull=False)),
            models.Index(fields=("effective_at",), name="movement_settled", condition=Q(reference__isnull=False)),
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
    pending = models.BigIntegerField(db_default=0)
    available_at = models.DateTimeField(null=True, help_text="when what is pending becomes available")

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(given__gte=0, held__gte=0, expired__gte=0, used__gte=0, owed__gte=0, remaining__gte=F("held")),
                name="lot_not_below_zero",
            ),
            models.CheckConstraint(condition=Q(pending__gte=0), name="lot_pending_not_below_zero"),
            models.CheckConstraint(
                condition=Q(given=F("remaining") + F("pending") + F("expired") + F("used") - F("owed")),
                name="lot_amounts_add_up",
            ),
        )
        indexes = (
            models.Index(fields=("expires_at",), name="lot_due", condition=Q(remaining__gt=F("held"))),
            models.Index(fields=("available_at",), name="lot_matures", condition=Q(pending__gt=0)),
        )


class Act(models.Model):
    """What a person or a program asked for: done, or refused, and either way answered once and for ever. Inserted, never
    changed. Its id derives from owner and key, so that the key is unique with the owner."""

    pk = models.CompositePrimaryKey("bucket", "act_id")
    bucket = models.SmallIntegerField()
    kind = models.SmallIntegerField()
    act_id = models.UUIDField()
    owner_id = models.UUIDField(help_text="whose it was when it was done")
    anchor_id = models.UUIDField(null=True, help_text="the identifier whose link says whose it is now")
    subject_id = models.UUIDField(null=True, help_text="the hold or the spend that it is about")
    other_id = models.UUIDField(null=True, help_text="the other owner of a transfer")
    other_anchor_id = models.UUIDField(null=True, help_text="the identifier that says who that is now")
    content = models.BinaryField(help_text="digest of what was asked: the same key with another is refused")
    currency = models.TextField(db_collation="C")
    key = models.TextField(db_collation="C")
    reference = models.TextField(help_text="which partner or charity")
    asked = models.BigIntegerField()
    amount = models.BigIntegerField(help_text="what was done of it; zero when it was refused")
    available = models.BigIntegerField(help_text="what the owner had left after it")
    occurred_at = models.DateTimeField()
    posted_at = models.DateTimeField()
    reason = models.TextField()
    actor = models.TextField()
    refusal = models.TextField(help_text="the code of the refusal; empty when it was done")
    sentence = models.TextField()

    class Meta:
        indexes = (models.Index(fields=("bucket", "owner_id", "occurred_at"), name="act_owner"),)


class Use(models.Model):
    """What a spend or a hold has of a lot: held, or used. It follows its owner when customers merge and come apart."""

    pk = models.CompositePrimaryKey("bucket", "owner_id", "act_id", "lot_id")
    bucket = models.SmallIntegerField()
    owner_id = models.UUIDField()
    act_id = models.UUIDField()
    lot_id = models.UUIDField()
    held = models.BigIntegerField()
    used = models.BigIntegerField()

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(held__gte=0, used__gte=0), name="use_not_below_zero"),)


class Hold(models.Model):
    """An amount that is set aside until it is captured, released, or over."""

    pk = models.CompositePrimaryKey("bucket", "owner_id", "hold_id")
    bucket = models.SmallIntegerField()
    state = models.SmallIntegerField()
    owner_id = models.UUIDField()
    hold_id = models.UUIDField(help_text="the act that made it")
    currency = models.TextField(db_collation="C")
    amount = models.BigIntegerField()
    captured = models.BigIntegerField(db_default=0)
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(amount__gt=0, captured__gte=0, captured__lte=F("amount")), name="hold_captures_no_more"
            ),
        )
        indexes = (models.Index(fields=("ends_at",), name="hold_ends", condition=Q(ended_at__isnull=True)),)


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

    pk = models.CompositePrimaryKey("batch_id", "account", "reference", "currency", "day")
    batch_id = models.UUIDField()
    account = models.SmallIntegerField()
    reference = models.TextField(db_collation="C", db_default="", help_text="which partner or charity; empty for the others")
    currency = models.TextField(db_collation="C")
    day = models.DateField()
    debit = models.BigIntegerField()
    credit = models.BigIntegerField()

    class Meta:
        db_table = "ledger_contra_delta"


class ContraDaily(models.Model):
    """What all folded batches did to an account of the programme's side on one day (UTC, of the effective moment)."""

    pk = models.CompositePrimaryKey("account", "reference", "currency", "day")
    account = models.SmallIntegerField()
    reference = models.TextField(db_collation="C", db_default="", help_text="which partner or charity; empty for the others")
    currency = models.TextField(db_collation="C")
    day = models.DateField()
    debit = models.BigIntegerField()
    credit = models.BigIntegerField()

    class Meta:
        db_table = "ledger_contra_daily"


class AdjustmentLimit(models.Model):
    """How much one person may adjust or issue alone, of one customer on one day. A currency without a row has no limit."""

    currency = models.TextField(primary_key=True, db_collation="C")
    amount = models.BigIntegerField()

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(amount__gte=0), name="adjustment_limit_not_below_zero"),)


class AdjustmentProposal(models.Model):
    """An adjustment or an issue above the limit, which waits for a second person or was decided by one. Its id derives from who
    asked and their key."""

    id = models.UUIDField(primary_key=True)
    owner_id = models.UUIDField(help_text="whose it was when it was asked")
    anchor_id = models.UUIDField(null=True, help_text="the identifier whose link says whose it is now")
    currency = models.TextField(db_collation="C")
    amount = models.BigIntegerField(help_text="below zero: taken")
    expires_at = models.DateTimeField(null=True)
    reason = models.TextField(help_text="empty once the customer is erased")
    key = models.TextField(db_collation="C", help_text="of the act that it becomes")
    content = models.BinaryField(help_text="digest of what was asked: the same key with another is refused")
    asked_by = models.TextField()
    asked_at = models.DateTimeField()
    state = models.TextField()
    decided_by = models.TextField()
    decided_at = models.DateTimeField(null=True)
    decided_reason = models.TextField()
    act_id = models.UUIDField(null=True, help_text="the act that it became")
    partner = models.TextField(db_default="", help_text="who issues; empty for an adjustment")

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(state="waiting", decided_at__isnull=True, act_id__isnull=True)
                | Q(state="approved", decided_at__isnull=False, act_id__isnull=False)
                | Q(state="refused", decided_at__isnull=False, act_id__isnull=True),
                name="adjustment_waits_or_is_decided",
            ),
        )
        indexes = (
            models.Index(fields=("asked_at", "id"), name="adjustment_waiting", condition=Q(decided_at__isnull=True)),
            models.Index(fields=("decided_at", "id"), name="adjustment_decided", condition=Q(decided_at__isnull=False)),
            models.Index(fields=("anchor_id", "asked_at"), name="adjustment_anchor"),
            models.Index(fields=("owner_id",), name="adjustment_owner", condition=Q(anchor_id__isnull=True)),
            models.Index(fields=("act_id",), name="adjustment_act", condition=Q(act_id__isnull=False)),
            models.Index(fields=("key",), name="adjustment_issue", condition=~Q(partner="")),
        )
