"""What people keep of the list of customers, and with which of it their list begins."""

import django.db.models.deletion
from django.db import migrations, models

STAFF = "access.staff"


class Migration(migrations.Migration):
    dependencies = (("access", "0004_second_factor_and_sessions"),)

    operations = (
        migrations.CreateModel(
            name="SavedView",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("name", models.TextField()),
                ("asked", models.JSONField()),
                ("is_shared", models.BooleanField()),
                ("changed_at", models.DateTimeField()),
                ("changed_by", models.TextField()),
                (
                    "staff",
                    models.ForeignKey(
                        help_text="whose it is; of a shared one, who made it",
                        on_delete=django.db.models.deletion.CASCADE,
                        to=STAFF,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_shared", False)), fields=("staff", "name"), name="view_own_name"
                    ),
                    models.UniqueConstraint(condition=models.Q(("is_shared", True)), fields=("name",), name="view_shared_name"),
                ],
            },
        ),
        migrations.CreateModel(
            name="StartView",
            fields=[
                (
                    "staff",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, primary_key=True, serialize=False, to=STAFF
                    ),
                ),
                ("view", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="access.savedview")),
            ],
        ),
    )
