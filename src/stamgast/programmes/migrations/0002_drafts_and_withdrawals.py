"""Drafts, versions taken back, and whether a second person publishes."""

import django.contrib.postgres.fields
from django.db import migrations, models

# A version that could be edited would not be one.
RIGHTS = """
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'stamgast_app') THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON programmes_version, programmes_withdrawal FROM stamgast_app;
    GRANT SELECT, INSERT ON programmes_version, programmes_withdrawal TO stamgast_app;
  END IF;
END
$$
"""


class Migration(migrations.Migration):
    # The role is made by the ledger.
    dependencies = [("programmes", "0001_initial"), ("ledger", "0002_storage_and_role")]

    operations = [
        migrations.CreateModel(
            name="Withdrawal",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "programme", "version", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("programme", models.TextField()),
                ("version", models.IntegerField()),
                ("at", models.DateTimeField()),
                ("actor", models.TextField()),
                ("reason", models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name="Draft",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("programme", models.TextField()),
                ("title", models.TextField()),
                ("document", models.TextField()),
                ("base", models.IntegerField(help_text="the newest version when it was begun, or taken along since")),
                ("state", models.TextField()),
                (
                    "revision",
                    models.IntegerField(
                        help_text="grows with every change, so that nobody writes over what they have not seen"
                    ),
                ),
                ("owner", models.TextField()),
                (
                    "editors",
                    django.contrib.postgres.fields.ArrayField(
                        models.TextField(), help_text="who wrote any of it; none of them is the second person"
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                ("changed_by", models.TextField()),
                ("reason", models.TextField(help_text="what the last person who sent it on said of it")),
                ("version", models.IntegerField(help_text="the version that it became", null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["programme", "state", "changed_at"], name="programmes_draft_state")],
            },
        ),
        migrations.CreateModel(
            name="Policy",
            fields=[
                ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("needs_second_person", models.BooleanField()),
            ],
        ),
        migrations.RunSQL(RIGHTS, migrations.RunSQL.noop),
    ]
