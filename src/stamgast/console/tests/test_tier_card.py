"""What the profile tells of a customer's level and cards, to who helps them."""

import html
import re
from datetime import timedelta

import pytest
from django.test import Client

from stamgast.access.operations import create_staff
from stamgast.access.types import Role
from stamgast.activities.types import Source
from stamgast.console.tests.conftest import PASSWORD, send
from stamgast.flows.publish import put_in_force
from stamgast.kit.clock import utc_now
from stamgast.kit.database import transaction

DOCUMENT = """\
programme: default
timezone: Europe/Amsterdam
currencies: {score: {}, stamps: {}, coffees: {}}
earn:
  - {name: purchase, when: {activity: Order Completed}, give: {score: 1, stamps: 1}}
tiers:
  qualify_on: score
  period: {rolling: 12 months}
  levels:
    - {name: Gold, from: 1, multiply: {stamps: 1.5}, benefits: {delivery: {en: free delivery, nl: gratis bezorging}}}
cards:
  - {name: coffee card, of: stamps, each: 10, give: {coffees: 1}}
"""


@pytest.fixture
def agent(staff: str, shop: Source) -> Client:
    now = utc_now()
    with transaction() as cursor:
        create_staff(cursor, email="a@example.org", name="Ada", password=PASSWORD, at=now, actor="test", role=Role.AGENT)
    put_in_force(DOCUMENT, effective_from=now - timedelta(hours=1), at=now, actor="staff:a", reason="levels")
    order = b'"event":"Order Completed","messageId":"z","properties":{"order_id":"9"}'
    send(shop, b'{"type":"track","userId":"900","timestamp":"%s",%s}' % (now.isoformat().encode(), order), at=now)
    client = Client()
    client.post("/sign-in", {"email": "a@example.org", "password": PASSWORD})
    return client


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", ["1.5 times as many stamps", "free delivery"]), ("nl", ["1,5 keer zoveel stempels", "gratis bezorging"])],
)
def test_an_agent_sees_what_the_level_brings(agent: Client, language: str, said: list[str]) -> None:
    answer = agent.get("/customers/user_id:900", headers={"Accept-Language": language})
    tier = html.unescape(answer.content.decode()).split('id="tier"')[1].split("</section>")[0]
    assert "Gold" in tier
    assert re.findall(r"<li>(.*?)</li>", tier) == said


@pytest.mark.parametrize(
    ("language", "levels", "said"),
    [
        ("en", "", "<strong>Gold</strong>"),
        ("nl", "", "<strong>Gold</strong>"),
        ("en", "    - {name: Platinum, from: 1000}\n", "<strong>Gold</strong> · 999 score more for Platinum."),
    ],
)
def test_the_till_says_the_level_and_what_the_next_one_needs(agent: Client, language: str, levels: str, said: str) -> None:
    now = utc_now()
    put_in_force(DOCUMENT.replace("cards:", levels + "cards:"), effective_from=now, at=now, actor="staff:a", reason="one more")
    text = html.unescape(agent.get("/till?q=900", headers={"Accept-Language": language}).content.decode())
    line = re.search(r'id="tier">(.*?)</p>', text)
    assert line
    assert line[1] == said


def test_pages_say_one_of_a_currency_as_the_programme_calls_it(agent: Client) -> None:
    now = utc_now()
    called = DOCUMENT.replace("coffees: {}", "coffees: {called: {en: [coffee, coffees], nl: [koffie, koffies]}}")
    put_in_force(called, effective_from=now, at=now, actor="staff:a", reason="its words")
    for language, told in (("en", "10 stamps make 1 coffee."), ("nl", "10 stempels leveren 1 koffie op.")):
        assert told in html.unescape(agent.get("/programme", headers={"Accept-Language": language}).content.decode())
