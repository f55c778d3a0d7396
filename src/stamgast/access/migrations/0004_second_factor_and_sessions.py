"""The second factor, links to choose a password by, and where people are signed in.

Who is signed in signs in once more, because a session now needs its row. The language of a person was never used and always
written as English; empty means what the browser asks for.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

STAFF = "access.staff"


class Migration(migrations.Migration):
    dependencies = (("access", "0003_limits_and_answers"), ("sessions", "0001_initial"))

    operations = (
        migrations.AddField(
            "staff", "totp_secret", models.BinaryField(help_text="sealed with the secret of the installation", null=True)
        ),
        migrations.AddField(
            "staff",
            "totp_step",
            models.BigIntegerField(help_text="the last half minute of which a code was taken", null=True),
        ),
        migrations.AlterField("staff", "language", models.TextField(default="", help_text="empty where the browser decides")),
        migrations.RunSQL("UPDATE access_staff SET language = '' WHERE language = 'en'", migrations.RunSQL.noop),
        migrations.CreateModel(
            name="RecoveryCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.BinaryField()),
                ("used_at", models.DateTimeField(null=True)),
                ("staff", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=STAFF)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("staff", "digest"), name="recovery_code_once")],
            },
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                ("digest", models.BinaryField(primary_key=True, serialize=False)),
                ("made_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("staff", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=STAFF)),
            ],
        ),
        migrations.CreateModel(
            name="Session",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("started_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                ("address", models.TextField()),
                ("agent", models.TextField()),
                ("staff", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=STAFF)),
            ],
        ),
        migrations.CreateModel(
            name="Policy",
            fields=[
                ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                (
                    "second_factor_roles",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), help_text="who needs a second factor", size=None
                    ),
                ),
            ],
        ),
        migrations.AddIndex("trail", models.Index(fields=["at", "id"], name="trail_at")),
        migrations.AddIndex("trail", models.Index(fields=["action", "at"], name="trail_action")),
    )
