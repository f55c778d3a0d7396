"""Entries and exits are read in the order in which they happened."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("segments", "0001_initial"),)

    operations = (
        migrations.AddIndex(
            model_name="change",
            index=models.Index(fields=["segment_id", "occurred_at", "id"], name="change_occurred"),
        ),
    )
