"""Adjustments that wait for a second person, and the limits above which they do. Two new tables: nothing that is there changes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("ledger", "0006_settled"),)

    operations = (
        migrations.CreateModel(
            name="AdjustmentLimit",
            fields=[
                ("currency", models.TextField(db_collation="C", primary_key=True, serialize=False)),
                ("amount", models.BigIntegerField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount__gte", 0)), name="adjustment_limit_not_below_zero")
                ],
            },
        ),
        migrations.CreateModel(
            name="AdjustmentProposal",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("owner_id", models.UUIDField(help_text="whose it was when it was asked")),
                ("anchor_id", models.UUIDField(help_text="the identifier whose link says whose it is now", null=True)),
                ("currency", models.TextField(db_collation="C")),
                ("amount", models.BigIntegerField(help_text="below zero: taken")),
                ("expires_at", models.DateTimeField(null=True)),
                ("reason", models.TextField(help_text="empty once the customer is erased")),
                ("key", models.TextField(db_collation="C", help_text="of the act that it becomes")),
                ("content", models.BinaryField(help_text="digest of what was asked: the same key with another is refused")),
                ("asked_by", models.TextField()),
                ("asked_at", models.DateTimeField()),
                ("state", models.TextField()),
                ("decided_by", models.TextField()),
                ("decided_at", models.DateTimeField(null=True)),
                ("decided_reason", models.TextField()),
                ("act_id", models.UUIDField(help_text="the act that it became", null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("decided_at__isnull", True)), fields=["asked_at", "id"], name="adjustment_waiting"
                    ),
                    models.Index(
                        condition=models.Q(("decided_at__isnull", False)),
                        fields=["decided_at", "id"],
                        name="adjustment_decided",
                    ),
                    models.Index(fields=["anchor_id", "asked_at"], name="adjustment_anchor"),
                    models.Index(
                        condition=models.Q(("anchor_id__isnull", True)), fields=["owner_id"], name="adjustment_owner"
                    ),
                    models.Index(condition=models.Q(("act_id__isnull", False)), fields=["act_id"], name="adjustment_act"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("act_id__isnull", True), ("decided_at__isnull", True), ("state", "waiting")),
                            models.Q(("act_id__isnull", False), ("decided_at__isnull", False), ("state", "approved")),
                            models.Q(("act_id__isnull", True), ("decided_at__isnull", False), ("state", "refused")),
                            _connector="OR",
                        ),
                        name="adjustment_waits_or_is_decided",
                    )
                ],
            },
        ),
    )
