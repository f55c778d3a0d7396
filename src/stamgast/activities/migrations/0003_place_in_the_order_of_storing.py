"""Places in the order of storing survive a restore: see stamgast/lake/places.py. Nothing that is stored changes."""

from django.db import migrations

FORWARDS = """
CREATE OR REPLACE FUNCTION stamgast_place_offset() RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN 0::bigint;
ALTER TABLE activities_activity ALTER COLUMN stored_in
    SET DEFAULT ((pg_current_xact_id()::text::bigint + stamgast_place_offset())::text)::xid8;
"""
BACKWARDS = """
ALTER TABLE activities_activity ALTER COLUMN stored_in SET DEFAULT pg_current_xact_id();
DROP FUNCTION stamgast_place_offset();
"""


class Migration(migrations.Migration):
    dependencies = (("activities", "0002_import"),)

    operations = (migrations.RunSQL(FORWARDS, BACKWARDS),)
