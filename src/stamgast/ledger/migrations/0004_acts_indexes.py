"""What reads whole tables: checking the rules of 0003 and making indexes, while postings go on."""

from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = (("ledger", "0003_acts"),)

    operations = (
        ValidateConstraint("lot", "lot_pending_not_below_zero"),
        ValidateConstraint("lot", "lot_amounts_add_up"),
        AddIndexConcurrently(
            "lot",
            models.Index(condition=models.Q(("pending__gt", 0)), fields=["available_at"], name="lot_matures"),
        ),
        AddIndexConcurrently(
            "movement",
            models.Index(condition=models.Q(("act_id__isnull", False)), fields=["bucket", "act_id"], name="movement_act"),
        ),
    )
