from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("ledger", "0004_acts_indexes"),)

    operations = (
        migrations.AddField(
            model_name="act",
            name="other_anchor_id",
            field=models.UUIDField(help_text="the identifier that says who that is now", null=True),
        ),
    )
