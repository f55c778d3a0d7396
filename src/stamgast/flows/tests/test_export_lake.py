"""The export's own driver reaches the database as the application does."""

import pytest
from adbc_driver_postgresql import dbapi
from django.db import connection

from stamgast.flows.export_lake import database_address
from stamgast.kit.database import act_as_application

pytestmark = pytest.mark.django_db


def test_a_driver_that_is_given_an_address_has_the_rights_and_settings_of_the_application(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = {"options": "-cstatement_timeout=70s", **connection.settings_dict["OPTIONS"]}
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    monkeypatch.setattr(connection, "close", lambda: None)
    act_as_application()
    with dbapi.connect(database_address()) as database, database.cursor() as cursor:
        cursor.execute("SELECT current_user::text, current_setting('plan_cache_mode'), current_setting('statement_timeout')")
        assert cursor.fetchone() == ("stamgast_app", "force_generic_plan", "70s")
