"""The timeline of a profile: by kind, source and days, page after page with or without a script, and as cheap at its end."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from stamgast.activities.operations import create_source
from stamgast.activities.types import Source
from stamgast.console.tests.conftest import send
from stamgast.console.tests.test_views import counted
from stamgast.kit.database import transaction

PROFILE = "/customers/user_id:900"
NOW = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)


@pytest.fixture
def busy(signed_in: Client, shop: Source) -> Client:
    """Customer 900 opened the app on sixty days, the last yesterday, and was at a till in between."""
    with transaction() as cursor:
        till, _key = create_source(cursor, "till", at=NOW, actor="test")
    opened = [
        b'{"type":"track","userId":"900","messageId":"app%d","event":"App Opened","timestamp":"%s"}'
        % (number, (NOW - timedelta(days=number)).isoformat().encode())
        for number in range(1, 61)
    ]
    send(shop, *opened, at=datetime.now(UTC))
    swipe = b'{"type":"track","userId":"900","messageId":"swipe","event":"Card Swiped","timestamp":"%s"}'
    send(till, swipe % (NOW - timedelta(days=30)).isoformat().encode(), at=datetime.now(UTC))
    return signed_in


def titles(text: str) -> list[str]:
    return re.findall(r'class="sg-title">([^<]*)<', text)


def following(text: str) -> tuple[str, str] | None:
    found = re.search(r'<a class="btn btn-quiet btn-sm" href="([^"]+)" hx-get="([^"]+)"', text)
    return (html.unescape(found[1]).partition("#")[0], html.unescape(found[2])) if found else None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("kind=Card+Swiped", ["Showed the card"]),
        ("source=till", ["Showed the card"]),
        ("source=till&kind=App+Opened", []),
        (f"from={(NOW - timedelta(days=30)).date()}&to={(NOW - timedelta(days=29)).date()}", ["app", "app", "Showed the card"]),
        (f"to={(NOW - timedelta(days=60)).date()}", ["app"]),
        (f"from={(NOW - timedelta(days=59)).date()}&to={(NOW - timedelta(days=60)).date()}", ["app", "app"]),
    ],
)
def test_each_filter_shows_what_it_says(busy: Client, query: str, expected: list[str]) -> None:
    text = busy.get(f"{PROFILE}?{query}").content.decode()
    wanted = ["Opened the app" if title == "app" else title for title in expected]
    assert sorted(titles(text)) == sorted(wanted)
    assert sorted(titles(busy.get(f"{PROFILE}/timeline?{query}").content.decode())) == sorted(wanted)
    if not expected:
        assert "Nothing like that happened." in text


def test_what_is_not_this_customers_is_left_out_and_each_part_can_be_taken_out(busy: Client) -> None:
    text = busy.get(f"{PROFILE}?kind=Nonsense&source=nobody&from=yesterday").content.decode()
    assert len(titles(text)) == 25
    text = busy.get(f"{PROFILE}?kind=App+Opened&source=web+shop&from=2026-01-31").content.decode()
    taken = html.unescape(text)
    addresses = re.findall(r'href="[^"?]*(\?[^"#]*)#timeline-title" aria-label="Take out: ([^"]+)"', taken)
    assert addresses == [
        ("?source=web+shop&from=2026-01-31", "Opened the app"),
        ("?kind=App+Opened&from=2026-01-31", "web shop"),
        ("?kind=App+Opened&source=web+shop", "on 31 Jan 2026 or later"),
    ]


@pytest.mark.parametrize("has_script", [True, False])
def test_pages_follow_each_other_to_the_end_with_and_without_a_script(busy: Client, has_script: bool) -> None:
    text = busy.get(f"{PROFILE}?kind=App+Opened").content.decode()
    seen = titles(text)
    sizes = [len(seen)]
    while (more := following(text)) is not None:
        text = busy.get(more[1] if has_script else more[0]).content.decode()
        sizes.append(len(titles(text)))
        seen += titles(text)
    assert sizes == [25, 25, 10]
    assert set(seen) == {"Opened the app"}


def test_the_last_page_asks_as_much_as_the_first(busy: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(address: str) -> tuple[int, str]:
        with counted(monkeypatch) as statements:
            text = busy.get(address, headers={"HX-Request": "true"}).content.decode()
        return len(statements), text

    first, text = asked(f"{PROFILE}/timeline")
    counts = [first]
    while (more := following(text)) is not None:
        count, text = asked(more[1])
        counts.append(count)
    assert len(counts) == 3
    assert max(counts) <= first <= 8
