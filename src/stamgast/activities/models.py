"""Tables of activities. Private to the room: other rooms call ``operations`` and ``queries``."""

from django.db import models


class Source(models.Model):
    """A system that sends activities."""

    id = models.SmallAutoField(primary_key=True)
    name = models.TextField(unique=True)
    is_strict = models.BooleanField(default=False, help_text="answers as RudderStack does, not as Segment does")
    created_at = models.DateTimeField()
    created_by = models.TextField()


class SourceKey(models.Model):
    """A write key of a source. Only its SHA-256 is kept; ``hint`` is what a person recognises it by."""

    id = models.UUIDField(primary_key=True)
    source = models.ForeignKey(Source, on_delete=models.CASCADE)
    digest = models.BinaryField(unique=True)
    hint = models.TextField()
    created_at = models.DateTimeField()
    created_by = models.TextField()
    revoked_at = models.DateTimeField(null=True)


class Kind(models.Model):
    """A kind of activity with the JSON Schema of its properties. A kind without a schema was met and not yet described."""

    name = models.TextField(primary_key=True)
    schema = models.JSONField(null=True)
    is_builtin = models.BooleanField(default=False)
    first_seen_at = models.DateTimeField(null=True)
    changed_by = models.TextField()


class Activity(models.Model):
    """One thing a customer did, as it was sent. Immutable.

    The id derives from the source and the message id, so that the same message is stored once, for ever.
    ``body`` is the message itself (null in an archived month: then it is in the lake); the other columns are read from it once.
    The table has one column more, which only the database fills: ``stored_in``, its place in the order of storing, by which the
    lake exports what is new.
    """

    id = models.UUIDField(primary_key=True)
    source_id = models.SmallIntegerField()
    type = models.TextField(help_text="identify, track, page, screen, group or alias")
    kind = models.TextField(help_text="the event name of a track call, else the type")
    anchor_id = models.UUIDField(help_text="the identifier of the highest priority that the message carries")
    identifiers = models.JSONField(help_text='normalised, anchor first: ["user_id:900", "email:a@example.org"]')
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    order_id = models.TextField(null=True)
    amount_minor = models.BigIntegerField(null=True)
    currency = models.TextField(null=True)
    line_count = models.IntegerField(default=0)
    body = models.TextField(null=True, help_text="null when it is in the archive only")

    class Meta:
        indexes = (
            models.Index(fields=("anchor_id", "occurred_at"), name="activity_anchor"),
            models.Index(fields=("source_id", "received_at"), name="activity_source"),
            models.Index(fields=("order_id",), name="activity_order", condition=models.Q(order_id__isnull=False)),
        )


class Archive(models.Model):
    """The messages of one month in a file of the lake: written, checked, and then taken out of the table."""

    month = models.TextField(primary_key=True, help_text="in which they were received, such as 2026-01")
    file = models.TextField(help_text="in the folder archive of the lake")
    rows = models.BigIntegerField()
    digest = models.TextField(help_text="of ids and messages, whatever their order")
    archived_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, help_text="when the last message had left the table")


class Pending(models.Model):
    """An activity that waits to be decided. The worker takes rows in the order in which things happened, and deletes them.

    In that order a year that is imported is decided once, going on from state to state; see decision 001.
    """

    pk = models.CompositePrimaryKey("occurred_at", "activity_id")
    occurred_at = models.DateTimeField()
    activity_id = models.UUIDField()
    received_at = models.DateTimeField()
    failed_at = models.DateTimeField(null=True, help_text="set aside, because deciding it broke; tried again at the next start")
    lane = models.SmallIntegerField(db_default=0, help_text="0 to 255, from the anchor: workers share the queue by it")


class Worker(models.Model):
    """A process that decides what waits, and when it last said so: those who say so share the queue."""

    id = models.UUIDField(primary_key=True)
    seen_at = models.DateTimeField()


class Refusal(models.Model):
    """What was sent and could not be accepted, whole, with the reason. It waits until it is sent again or dismissed."""

    id = models.UUIDField(primary_key=True)
    source_id = models.SmallIntegerField()
    received_at = models.DateTimeField()
    reason = models.TextField(help_text="a stable code")
    detail = models.TextField()
    body = models.TextField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.TextField(null=True)
    activity_id = models.UUIDField(null=True, help_text="what it became when it was sent again")

    class Meta:
        indexes = (
            models.Index(fields=("received_at", "id"), name="refusal_waiting", condition=models.Q(settled_at__isnull=True)),
        )


class Import(models.Model):
    """How far a file got that is imported by one mapping for one source. Written in the transaction that stores its rows.

    The id derives from the content of the file, the text of the mapping and the source, so that the same import, begun
    again, goes on where it stopped or is known to be finished.
    """

    id = models.UUIDField(primary_key=True)
    source_id = models.SmallIntegerField()
    file_name = models.TextField()
    file_digest = models.BinaryField(help_text="SHA-256")
    mapping_digest = models.BinaryField(help_text="SHA-256")
    begun_at = models.DateTimeField()
    begun_by = models.TextField()
    finished_at = models.DateTimeField(null=True)
    row_count = models.BigIntegerField(null=True, help_text="rows in the file")
    last_first_row = models.BigIntegerField(default=0, help_text="the first row of the last order that is done")
    rows_done = models.BigIntegerField(default=0)
    activities_new = models.BigIntegerField(default=0)
    activities_repeated = models.BigIntegerField(default=0)
    rows_rejected = models.BigIntegerField(default=0)
    rejects_bytes = models.BigIntegerField(default=0, help_text="of the file of rejects, what belongs to rows done")


class Upload(models.Model):
    """A file that somebody handed in to be imported: what was chosen for its columns, and how far it got.

    ``claim`` is who imports it; ``beat_at`` is when they last said so. Once ``removed_at`` is set there is no file any more.
    """

    id = models.UUIDField(primary_key=True)
    source = models.ForeignKey(Source, on_delete=models.PROTECT)
    name = models.TextField(help_text="of the file, as it was sent")
    size_bytes = models.BigIntegerField()
    sha256 = models.BinaryField()
    is_parquet = models.BooleanField()
    choices = models.JSONField()
    mapping = models.TextField(null=True, help_text="what the choices say, as YAML; null while they say too little")
    state = models.TextField()
    rows_done = models.BigIntegerField(default=0)
    rows_total = models.BigIntegerField(null=True)
    rows_refused = models.BigIntegerField(default=0)
    activities_new = models.BigIntegerField(default=0)
    activities_repeated = models.BigIntegerField(default=0)
    was_known = models.BooleanField(default=False, help_text="this file was imported by this mapping before")
    reasons = models.JSONField(default=dict, help_text="the commonest reasons of refused rows, and how many each")
    problem = models.JSONField(null=True, help_text="why it failed: code, details and message of the error")
    uploaded_at = models.DateTimeField()
    uploaded_by = models.TextField()
    started_by = models.TextField(null=True)
    begun_at = models.DateTimeField(null=True, help_text="when this run stored its first rows; rows_before were done then")
    rows_before = models.BigIntegerField(default=0)
    claim = models.UUIDField(null=True)
    beat_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(help_text="when somebody last did something with it, or it ended")
    removed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=("uploaded_at", "id"), name="upload_latest"),
            models.Index(fields=("changed_at",), name="upload_running", condition=models.Q(state="running")),
        )


class Shop(models.Model):
    """What the data was installed with, in one row: read from it, days and amounts mean what they meant."""

    id = models.SmallIntegerField(primary_key=True)
    timezone = models.TextField(help_text="the zone of its days")
    currency = models.TextField(help_text="of amounts that name none")
    installed_at = models.DateTimeField()
