"""Who was erased may come back: their tombstones stay, and beside them stands that they were lifted."""

from django.db import migrations, models

RIGHTS = """
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'stamgast_app') THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON customers_erasurelift FROM stamgast_app;
    GRANT SELECT, INSERT ON customers_erasurelift TO stamgast_app;
  END IF;
END
$$
"""
KEY = "ALTER TABLE customers_tombstone DROP CONSTRAINT customers_tombstone_pkey, ADD PRIMARY KEY (digest, erasure_id)"
KEY_BEFORE = "ALTER TABLE customers_tombstone DROP CONSTRAINT customers_tombstone_pkey, ADD PRIMARY KEY (digest)"


class Migration(migrations.Migration):
    dependencies = (("customers", "0009_swallowing"),)

    operations = (
        migrations.CreateModel(
            name="ErasureLift",
            fields=[
                ("erasure_id", models.UUIDField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("actor", models.TextField()),
                ("reason", models.TextField()),
            ],
        ),
        migrations.RunSQL(RIGHTS, migrations.RunSQL.noop),
        # Django cannot change a key to one of two columns; there are as many rows as erased people have identifiers.
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(KEY, KEY_BEFORE)],
            state_operations=[
                migrations.DeleteModel("Tombstone"),
                migrations.CreateModel(
                    name="Tombstone",
                    fields=[
                        ("pk", models.CompositePrimaryKey("digest", "erasure_id", blank=True, editable=False, primary_key=True, serialize=False)),
                        ("digest", models.BinaryField()),
                        ("erasure_id", models.UUIDField()),
                        ("buried_at", models.DateTimeField()),
                    ],
                ),
            ],
        ),
    )
