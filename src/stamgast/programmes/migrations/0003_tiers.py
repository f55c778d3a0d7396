"""Tiers: from when on a customer holds which level, and when it is reviewed. Additive; no row is rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("programmes", "0002_drafts_and_withdrawals")]

    operations = [
        migrations.AddField(
            model_name="state",
            name="review_at",
            field=models.DateTimeField(help_text="when the tier is reviewed next", null=True),
        ),
        migrations.AddIndex(
            model_name="state",
            index=models.Index(
                condition=models.Q(("review_at__isnull", False)), fields=["review_at"], name="state_review"
            ),
        ),
        migrations.CreateModel(
            name="TierStay",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "bucket", "customer_id", "programme", "since", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("bucket", models.SmallIntegerField()),
                ("customer_id", models.UUIDField()),
                ("programme", models.TextField()),
                ("since", models.DateTimeField()),
                ("tier", models.TextField(null=True)),
                ("cause", models.TextField(help_text="reached, invited, reviewed or rules")),
                ("activity_id", models.UUIDField(null=True)),
                ("version", models.IntegerField()),
            ],
        ),
    ]
