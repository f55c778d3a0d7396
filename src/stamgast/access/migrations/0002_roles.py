"""Everybody who could sign in before there were roles could do everything, and still can: an owner takes it from there."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("access", "0001_initial"),)

    operations = (
        migrations.AddField("staff", "role", models.TextField(default="owner"), preserve_default=False),
    )
