"""An index of the movements that name a partner or charity, made while postings go on."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = (("ledger", "0005_other_anchor"),)

    operations = (
        AddIndexConcurrently(
            "movement",
            models.Index(condition=models.Q(("reference__isnull", False)), fields=["effective_at"], name="movement_settled"),
        ),
    )
