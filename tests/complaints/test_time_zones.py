"""Days on which a rule holds: whole days of the programme's zone, whoever saves them and however often."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from stamgast.kit.database import transaction
from stamgast.programmes.documents import load
from stamgast.programmes.drafts import begin_draft, edit_draft, get_draft
from stamgast.programmes.forms import rewrite, values_of

from .shop import EUROS, NOW, document, order

pytestmark = pytest.mark.django_db
YAML = """programme: default
timezone: America/New_York
currencies:
  points: {expires: {after: 12 months, at: end of day}}
earn:
  - name: summer
    when: {activity: Order Completed}
    from: 2026-05-01
    until: 2026-05-31  # the last day, whole
    give: {points: 5}
"""


@pytest.mark.parametrize(
    ("zone", "moment", "given"),
    [
        ("Europe/Amsterdam", "2026-05-20T23:59:59.999999+02:00", 1),
        ("Europe/Amsterdam", "2026-05-21T00:00:00+02:00", 0),
        ("Europe/Amsterdam", "2026-05-10T00:00:00+02:00", 1),
        ("Europe/Amsterdam", "2026-05-09T23:59:59.999999+02:00", 0),
        ("America/Los_Angeles", "2026-05-21T08:59:59+02:00", 1),
        ("America/Los_Angeles", "2026-05-21T09:00:00+02:00", 0),
        ("Asia/Kathmandu", "2026-05-20T18:14:59Z", 1),
        ("Asia/Kathmandu", "2026-05-20T18:15:00Z", 0),
    ],
)
def test_the_last_day_of_a_rule_belongs_to_it_whole_in_the_programmes_zone(open_shop, zone, moment, given):
    """s2member #612, mitxpro #991, EDD #7492, VirtoCommerce #956: it ended as its last day began, or in UTC."""
    shop = open_shop(document({**EUROS, "give": {"points": 1}, "from": "2026-05-10", "until": "2026-05-20"}, zone=zone))
    shop.tell(order("o1", "10.00", datetime.fromisoformat(moment).astimezone(UTC)))
    assert shop.points() == given


def test_a_day_of_a_cap_begins_at_the_local_midnight(open_shop):
    """OpenMage PR #4409: dates were compared in the zone of the server."""
    shop = open_shop(document({**EUROS, "cap": {"points": 10, "per": "day"}}))
    moments = ["2026-05-20T21:59:59Z", "2026-05-20T22:00:00Z", "2026-05-21T21:59:59Z"]
    for number, moment in enumerate(moments):
        shop.tell(order(f"o{number}", "8.00", datetime.fromisoformat(moment)))
    assert shop.points() == 8 + 10


def test_saving_a_programme_again_and_again_moves_no_date(open_shop):
    """woocommerce-android PR #16279: each save moved the date by the zone's hours, until it was another day."""
    open_shop(YAML)
    by = {"at": NOW, "actor": "test"}
    with transaction() as cursor:
        draft = begin_draft(cursor, programme="default", title="again", document=YAML, base=1, **by)
    for number in range(6):
        with transaction() as cursor:
            draft = get_draft(cursor, draft.id)
            read = load(draft.document)
            values = values_of(read)
            [rule] = values.rules
            gives = tuple(replace(give, amount=5 + (number + 1) % 2) for give in rule.gives)
            text = rewrite(read, replace(values, rules=(replace(rule, gives=gives),)))
            assert text.replace("points: 6", "points: 5") == YAML
            edit_draft(cursor, draft.id, revision=draft.revision, title="again", document=text, **by)
    assert get_draft_text(draft.id) == YAML


def get_draft_text(id_):
    with transaction() as cursor:
        return get_draft(cursor, id_).document


def test_publishing_the_same_again_changes_nothing(open_shop):
    """woocommerce-android PR #16279: saving without a change is a change."""
    shop = open_shop(YAML)
    shop.tell(order("o1", "10.00", datetime(2026, 5, 31, 23, tzinfo=UTC)))
    before = [(lot.given, lot.expires_at) for lot in shop.lots()]
    assert [shop.publish(YAML).version for _ in range(3)] == [2, 2, 2]
    assert [(lot.given, lot.expires_at) for lot in shop.lots()] == before
