"""The index that searches for customers by name and e-mail use. The names are those of ``rules.SEARCHED_TRAITS``."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("customers", "0001_initial")]

    operations = [
        migrations.RunSQL(
            """
            CREATE INDEX trait_search ON customers_trait (lower(left(value #>> '{}', 200)) text_pattern_ops)
            WHERE name IN ('email', 'firstName', 'first_name', 'lastName', 'last_name', 'name', 'username')
            """,
            "DROP INDEX trait_search",
        )
    ]
