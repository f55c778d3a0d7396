from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("books", "0001_initial"),)

    operations = (
        migrations.CreateModel(
            name="Partner",
            fields=[
                ("code", models.TextField(db_collation="C", primary_key=True, serialize=False)),
                ("kind", models.TextField()),
                ("name", models.TextField()),
                ("added_at", models.DateTimeField()),
                ("added_by", models.TextField()),
                (
                    "closed_at",
                    models.DateTimeField(
                        help_text="since when nothing more is done with it; null while it is active", null=True
                    ),
                ),
                ("closed_by", models.TextField(default="")),
            ],
        ),
    )
