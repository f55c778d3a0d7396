"""Brings the lake up to date, and what is worked out of it for pages."""

import structlog
from django.conf import settings

from stamgast.flows.export_lake import clean, export, lake_folder
from stamgast.flows.measure import measure_home
from stamgast.flows.measure_liability import refresh_liability
from stamgast.flows.summarise import summarise, summary_folder
from stamgast.kit.clock import utc_now
from stamgast.lake.errors import LakeBusy

log = structlog.get_logger()


def refresh_lake() -> None:
    """Exports what is new, measures and summarises it here, so that the pages only read the answer."""
    configuration = settings.CONFIGURATION
    zone, currency = configuration.timezone, configuration.currency
    try:
        export(at=utc_now())
        clean(at=utc_now())
        measure_home(lake_folder(), now=utc_now(), zone=zone, currency=currency)
        summarise(lake_folder(), summary_folder(), zone=zone, currency=currency, at=utc_now())
        refresh_liability(lake_folder(), now=utc_now(), zone=zone, money=currency)
    except LakeBusy:
        log.info("lake_busy")
