"""What ``stamgast simulate`` prints."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stamgast.activities.operations import ensure_source, store
from stamgast.activities.queries import load_reader
from stamgast.activities.types import NewActivity
from stamgast.cli.simulate import _print
from stamgast.flows.decide_pending import decide_pending
from stamgast.flows.install import install
from stamgast.flows.simulation.answering import Answer, answer
from stamgast.flows.simulation.keeping import simulation_folder
from stamgast.flows.simulation.running import Asked, State, begin, take_on
from stamgast.kit.database import open_cursor, transaction
from stamgast.programmes.documents import default_document

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ZONE = "Europe/Amsterdam"
DOCUMENT = default_document(ZONE)


@pytest.fixture
def _shop(db: None, settings: Any, tmp_path: Path) -> None:
    """Two coupons that wait to be decided."""
    settings.CONFIGURATION = replace(settings.CONFIGURATION, data=tmp_path)
    install(timezone=ZONE, at=NOW, actor="test")
    with transaction() as cursor:
        source = ensure_source(cursor, "Shop", at=NOW, actor="test")
        reader = load_reader(cursor, currency="EUR", timezone=ZONE)
        for number in "12":
            said = {"type": "track", "event": "Coupon Redeemed", "messageId": number, "userId": number}
            read = reader.read_message(
                msgspec.json.encode(said | {"timestamp": NOW.isoformat()}), source=source, received_at=NOW, fallback_id=""
            )
            assert isinstance(read, NewActivity)
            store(cursor, [read], [])


def simulated(document: str = DOCUMENT) -> Answer:
    folder = simulation_folder()
    with open_cursor() as cursor:
        run = begin(cursor, folder, Asked(document, redemption=10_000), at=NOW, actor="test", is_fresh=True)
        while run.state is State.RUNNING:
            run = take_on(cursor, folder, run.id, at=NOW)
    return answer(folder, run)


@pytest.mark.usefixtures("_shop")
def test_it_says_what_waits_and_what_cannot_be_redeemed(capsys: pytest.CaptureFixture[str]) -> None:
    _print(simulated())
    told = capsys.readouterr().out
    assert "Went through 0 customers and 0 activities" in told
    assert "2 activities were waiting to be decided and did not count. Let `stamgast worker`" in told
    while decide_pending(at=NOW, actor="test", limit=10):
        pass
    _print(simulated(DOCUMENT.replace("spendable: false", "spendable: true")))
    told = capsys.readouterr().out
    assert "waiting" not in told
    assert "  Never redeemed in force: does not apply, for it is only counted and cannot be spent.\n" in told
    assert "  Never redeemed by the draft: 0.0%.\n" in told
