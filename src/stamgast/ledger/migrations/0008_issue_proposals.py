"""What waits for a second person may be an issue of a partner."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("ledger", "0007_adjustments"),)

    operations = (
        migrations.AddField(
            "adjustmentproposal",
            "partner",
            models.TextField(db_default="", help_text="who issues; empty for an adjustment"),
        ),
        migrations.AddIndex(
            "adjustmentproposal",
            models.Index(condition=models.Q(("partner", ""), _negated=True), fields=["key"], name="adjustment_issue"),
        ),
    )
