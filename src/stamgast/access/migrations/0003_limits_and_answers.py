"""The pace of each key, and the answers to writes that are sent again."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("access", "0002_roles"),)

    operations = (
        migrations.AddField("apikey", "limit_per_minute", models.IntegerField(default=6_000), preserve_default=False),
        migrations.CreateModel(
            name="KeyUse",
            fields=[
                ("key_id", models.UUIDField(primary_key=True, serialize=False)),
                ("tokens", models.FloatField()),
                ("is_refused", models.BooleanField(help_text="whether the last request found no token")),
                ("last_used_at", models.DateTimeField()),
            ],
        ),
        migrations.RunSQL("ALTER TABLE access_keyuse SET (fillfactor = 20)", migrations.RunSQL.noop),
        migrations.CreateModel(
            name="Answer",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey("key_id", "name", blank=True, editable=False, primary_key=True, serialize=False),
                ),
                ("key_id", models.UUIDField()),
                ("name", models.TextField(help_text="what the script calls its write: the Idempotency-Key")),
                ("fingerprint", models.BinaryField(help_text="SHA-256 of method, address and body")),
                ("status", models.IntegerField(null=True)),
                ("body", models.BinaryField(null=True)),
                ("at", models.DateTimeField()),
            ],
            options={"indexes": [models.Index(fields=["at"], name="answer_at")]},
        ),
    )
