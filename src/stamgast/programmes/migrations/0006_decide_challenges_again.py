"""An empty text is no value of a challenge now: members of programmes with challenges are decided again by the worker."""

from django.db import migrations

# Of who was given already, what was counted is not kept any more: so all of them, and not those who hold an empty text.
DECIDE_AGAIN = """
UPDATE programmes_state AS s SET version = 0
WHERE EXISTS (SELECT FROM programmes_version v WHERE v.programme = s.programme AND v.document LIKE '%different%')
"""


class Migration(migrations.Migration):
    dependencies = [
        ("programmes", "0005_decide_returns_again"),
    ]

    operations = [migrations.RunSQL(DECIDE_AGAIN, migrations.RunSQL.noop)]
