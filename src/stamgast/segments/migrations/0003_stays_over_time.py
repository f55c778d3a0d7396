"""Entries and exits are counted over time from two indexes alone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("segments", "0002_change_occurred"),)

    operations = (
        migrations.AddIndex("stay", models.Index(fields=["segment_id", "entered_at"], name="stay_entered")),
        migrations.AddIndex(
            "stay",
            models.Index(
                fields=["segment_id", "left_at"], name="stay_left", condition=models.Q(("left_at__isnull", False))
            ),
        ),
    )
