"""Messages of months long past may be in the archive only. Nothing that is stored changes: no row is rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("activities", "0003_place_in_the_order_of_storing"),)

    operations = (
        migrations.AlterField("activity", "body", models.TextField(null=True, help_text="null when it is in the archive only")),
        migrations.CreateModel(
            name="Archive",
            fields=[
                ("month", models.TextField(primary_key=True, help_text="in which they were received, such as 2026-01", serialize=False)),
                ("file", models.TextField(help_text="in the folder archive of the lake")),
                ("rows", models.BigIntegerField()),
                ("digest", models.TextField(help_text="of ids and messages, whatever their order")),
                ("archived_at", models.DateTimeField()),
                ("removed_at", models.DateTimeField(null=True, help_text="when the last message had left the table")),
            ],
        ),
    )
