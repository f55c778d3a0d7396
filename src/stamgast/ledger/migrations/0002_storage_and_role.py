"""What Django's models cannot say: room for updates on balances, and what the application's role may do.

The role belongs to the cluster, so it may be there already. Where the migrating user may not make roles, this says so and
goes on; `docs/operation.md` names what to grant by hand.
"""

from django.db import migrations

FILLFACTOR = "ALTER TABLE ledger_balance SET (fillfactor = 80)"

ROLE = """
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'stamgast_app') THEN
    BEGIN
      CREATE ROLE stamgast_app NOLOGIN;
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN NULL;
      WHEN insufficient_privilege THEN
        RAISE NOTICE 'The role stamgast_app could not be made: %. Movements are not protected from edits.', SQLERRM;
        RETURN;
    END;
  END IF;
  IF NOT pg_has_role(current_user, 'stamgast_app', 'MEMBER') THEN
    BEGIN
      EXECUTE format('GRANT stamgast_app TO %I', current_user);
    EXCEPTION WHEN insufficient_privilege THEN
      RAISE NOTICE 'The role stamgast_app could not be granted to %.', current_user;
    END;
  END IF;
  GRANT USAGE ON SCHEMA public TO stamgast_app;
  GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO stamgast_app;
  GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO stamgast_app;
  ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO stamgast_app;
  ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO stamgast_app;
  REVOKE UPDATE, DELETE, TRUNCATE ON ledger_movement, ledger_batch, ledger_seal FROM stamgast_app;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = (("ledger", "0001_initial"),)

    operations = (
        migrations.RunSQL(FILLFACTOR, "ALTER TABLE ledger_balance RESET (fillfactor)"),
        migrations.RunSQL(ROLE, migrations.RunSQL.noop),
    )
