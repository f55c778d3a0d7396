"""Orders that came back whole, and refunds, count for nothing now: whose they are is decided again by the worker."""

from django.db import migrations

# A state of version 0 is one that no version was known to: nothing goes on from it, and every version is followed.
DECIDE_AGAIN = """
UPDATE programmes_state SET version = 0
WHERE customer_id IN (
  SELECT l.customer_id FROM activities_activity a JOIN customers_link l ON l.identifier_id = a.anchor_id AND l.ended_at IS NULL
  WHERE a.kind IN ('Order Refunded', 'Order Cancelled', 'Till Return', 'Order Updated')
)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("programmes", "0004_reviewed_by"),
        ("activities", "0001_initial"),
        ("customers", "0001_initial"),
    ]

    operations = [migrations.RunSQL(DECIDE_AGAIN, migrations.RunSQL.noop)]
