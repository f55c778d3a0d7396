"""Whom an identifier pointed at before is asked with every act, so that one that was answered before a merge is known again."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = (("customers", "0010_lift"),)

    operations = (
        AddIndexConcurrently(
            model_name="link",
            index=models.Index(fields=["identifier_id"], name="link_former", condition=models.Q(("ended_at__isnull", False))),
        ),
    )
