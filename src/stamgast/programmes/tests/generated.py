"""Generated programmes and activities, for the properties of deciding."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from stamgast.programmes.programme import Programme, compile_programme
from stamgast.programmes.types import ACTIVITIES, Version

ZONES = st.sampled_from(["UTC", "Europe/Amsterdam", "America/St_Johns", "Pacific/Apia", "America/Sao_Paulo", "Asia/Kathmandu"])
KINDS = ["Order Completed", "Till Sale", "Coupon Redeemed", "página"]
REFERRING = ["Order Refunded", "Till Return", "Order Cancelled", "Order Updated"]
CATEGORIES = ["coffee", "tea", "Coffee", "☕"]
CURRENCIES = ["points", "stamps", "score"]
EDGES = [  # midnights, ends of months, gaps and overlaps of the zones above
    datetime(2024, 2, 29, 22, 59, 59, 999_999, UTC),
    datetime(2024, 2, 29, 23, 0, 0, 0, UTC),
    datetime(2024, 3, 31, 0, 59, 59, 0, UTC),
    datetime(2024, 3, 31, 1, 0, 0, 0, UTC),
    datetime(2024, 10, 27, 0, 30, 0, 0, UTC),
    datetime(2024, 10, 27, 1, 30, 0, 0, UTC),
    datetime(2006, 10, 29, 2, 30, 30, 0, UTC),
    datetime(2006, 10, 29, 2, 31, 30, 0, UTC),
    datetime(2011, 12, 30, 9, 59, 59, 0, UTC),
    datetime(2011, 12, 30, 10, 0, 1, 0, UTC),
    datetime(2018, 11, 4, 2, 59, 59, 0, UTC),
    datetime(2018, 11, 4, 3, 0, 1, 0, UTC),
]
MOMENTS = st.one_of(
    st.sampled_from(EDGES),
    st.builds(lambda edge, seconds: edge + timedelta(seconds=seconds), st.sampled_from(EDGES), st.integers(-7200, 7200)),
    st.builds(lambda days: datetime(2024, 2, 27, 21, 0, tzinfo=UTC) + timedelta(hours=days), st.integers(0, 200)),
    st.datetimes(datetime.fromisoformat("2004-01-01"), datetime.fromisoformat("2030-01-01"), timezones=st.just(UTC)),
)
MINOR = (
    st.none()
    | st.integers(-500, 5000)
    | st.integers(0, 200).map(lambda whole: whole * 50)
    | st.sampled_from([10**15, 10**15 - 1])
)
LINES = st.fixed_dictionaries(
    {
        "product_id": st.none() | st.sampled_from(["1", "2"]),
        "category": st.none() | st.sampled_from(CATEGORIES),
        "quantity": st.none() | st.integers(0, 5),
        "amount_minor": MINOR,
    }
)
PROPERTIES = st.dictionaries(
    st.sampled_from(["size", "gift"]), st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["L", "", 0.5, "1"])
)


def activities(most: int = 25) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Activities of a few customers, each id once, in order."""
    one = st.fixed_dictionaries(
        {
            "activity_id": st.binary(min_size=16, max_size=16),
            "customer_id": st.sampled_from([bytes([0] * 15 + [1]), bytes([0xFF] * 15 + [0]), bytes([0x80] * 16)]),
            "occurred_at": MOMENTS,
            "kind": st.sampled_from([*KINDS, *KINDS, *REFERRING]),
            "source": st.sampled_from(["till", "web"]),
            "amount_minor": MINOR,
            "currency": st.sampled_from(["EUR", "EUR", "JPY", "KWD", "CLF", None]),
            "order_id": st.none() | st.just("7"),
            "properties": st.none() | PROPERTIES.map(json.dumps),
            "lines": st.none() | st.lists(LINES, max_size=3),
            "birth_month": st.none() | st.sampled_from([1, 2, 3, 10, 11, 12]),
            "is_returned": st.sampled_from([None, False, False, True]),
        }
    )
    return st.lists(one, max_size=most, unique_by=lambda row: row["activity_id"]).map(in_order)


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (row["customer_id"], row["occurred_at"], row["activity_id"]))


WHENS = st.recursive(
    st.sampled_from([*KINDS, *KINDS, *REFERRING]).map(lambda kind: {"activity": kind})
    | st.lists(st.sampled_from([*KINDS, *REFERRING]), min_size=1).map(lambda kinds: {"field": "kind", "in": kinds})
    | st.sampled_from(["over", "at_least", "under", "at_most"]).flatmap(
        lambda word: st.sampled_from([0, 10, 0.5, 12.345]).map(lambda number: {"field": "amount", word: number})
    )
    | st.sampled_from(CATEGORIES).map(lambda category: {"any_line": {"category": category}})
    | st.integers(0, 3).map(lambda quantity: {"any_line": {"field": "quantity", "at_least": quantity}})
    | st.sampled_from(["saturday", "sunday", "monday"]).map(lambda day: {"field": "weekday", "is": day})
    | st.integers(0, 23).map(lambda hour: {"field": "hour", "at_most": hour})
    | st.sampled_from([{"field": "properties.size", "is": "L"}, {"field": "properties.gift", "exists": True}])
    | st.just({"field": "date", "at_least": "2024-02-29"})
    | st.sampled_from(
        [{"birthday_month": True}, {"field": "birthday_month", "is_not": True}, {"field": "birthday_month", "missing": True}]
    ),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts})
        | st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts})
        | inner.map(lambda part: {"not": part})
    ),
    max_leaves=3,
)
PER = st.sampled_from([1, 1.5, 10, 0.05, 0.333, 2.5, 100])
QUANTITIES = st.fixed_dictionaries(
    {
        "amount": st.integers(1, 5),
        "per": st.sampled_from([1, 2, 3]),
        "of": st.just("quantity") | st.sampled_from(CATEGORIES).map(lambda category: {"quantity": {"category": category}}),
    }
)
GIVES = (
    st.integers(1, 7)
    | QUANTITIES
    | st.fixed_dictionaries(
        {"amount": st.integers(1, 5) | st.just(10**9), "per": PER},
        optional={
            "of": st.just("amount") | st.sampled_from(CATEGORIES).map(lambda category: {"lines": {"category": category}})
        },
    )
)
DURATIONS = st.sampled_from(["24 months", "1 month", "1 year", "365 days", "2 weeks", "90 seconds", "36 hours", "13 months"])
EXPIRES = st.fixed_dictionaries({"after": DURATIONS}, optional={"at": st.sampled_from(["exact", "end of day", "end of month"])})


BOUNDS = st.sampled_from(["2006-10-29", "2011-12-30 12:00", "2018-11-04", "2024-03-31 02:30", "2024-03-01", "2024-10-27 02:30"])
PENDING = st.sampled_from(["14 days", "90 seconds", "3 weeks", "1 month"])


FACTORS = st.sampled_from([2, 1.5, 1.25, 3, 1.01, 2.75])
VALUES = st.sampled_from(["source", "properties.size", "properties.gift", "order_id"])
TURNS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.integers(1, 3).map(lambda count: {"nth": count}),
    st.integers(1, 4).map(lambda count: {"every": count}),
    st.builds(
        lambda count, per: {"streak": {"count": count, "per": per}},
        st.integers(1, 3),
        st.sampled_from(["day", "week", "month"]),
    ),
    st.builds(
        lambda count, field, per: {"challenge": {"count": count, "different": field, "per": per}},
        st.integers(2, 3),
        VALUES,
        st.sampled_from(["day", "week", "month", "year", "lifetime"]),
    ),
)


LEVELS = st.fixed_dictionaries({"name": st.just("x")}, optional={"multiply": st.just({"points": 1.5}) | st.just({"score": 2})})


@st.composite
def tiers(draw: st.DrawFn) -> dict[str, Any]:
    """Tiers with levels in order, of which some are by invitation."""
    levels: list[dict[str, Any]] = []
    threshold = draw(st.sampled_from([0, 1, 5]))
    for name in draw(st.lists(st.sampled_from(["Blue", "Silver", "Gold", "Black"]), min_size=1, unique=True)):
        level = {**draw(LEVELS), "name": name}
        if draw(st.integers(0, 4)) == 0:
            level["invited"] = {"activity": draw(st.sampled_from(KINDS))}
        else:
            level["from"] = threshold
            threshold += draw(st.integers(1, 12))
        levels.append(level)
    months = st.sampled_from(["january", "april", "july", "december"])
    calendar = st.builds(
        lambda length, first: {"calendar": length, "from": first},
        st.sampled_from(["year", "half year", "quarter", "month"]),
        months,
    )
    rolling = st.sampled_from(["30 days", "1 month", "12 months", "1 day"]).map(lambda length: {"rolling": length})
    stated: dict[str, Any] = {
        "qualify_on": draw(st.sampled_from(CURRENCIES) | st.just({"spend": {"activity": "Till Sale"}})),
        "period": draw(calendar | rolling),
        "levels": levels,
    }
    if draw(st.booleans()):
        stated["grace"] = draw(st.sampled_from(["10 days", "1 month"]))
    if draw(st.booleans()):
        stated["downgrade"] = draw(st.sampled_from(["one level", "to what was earned"]))
    return stated


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A programme document; rules of the same name recur from version to version."""
    currencies: dict[str, Any] = {name: ({"expires": draw(EXPIRES)} if draw(st.booleans()) else {}) for name in CURRENCIES}
    for options in currencies.values():
        if "expires" not in options and draw(st.booleans()):
            options["pending"] = draw(PENDING)
    earn = []
    for name in draw(st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=4, unique=True)):
        key, amounts = draw(st.sampled_from([("give", GIVES)] * 3 + [("multiply", FACTORS)]))
        give = draw(st.dictionaries(st.sampled_from(CURRENCIES), amounts, min_size=1, max_size=2))
        rule = {"name": name, "when": draw(WHENS), key: give, **draw(TURNS)}
        if draw(st.booleans()):
            capped = draw(st.lists(st.sampled_from(sorted(give)), min_size=1, unique=True))
            rule["cap"] = {currency: draw(st.integers(1, 20)) for currency in capped}
            rule["cap"]["per"] = draw(st.sampled_from(["day", "week", "month", "year", "lifetime"]))
        bounds = sorted(draw(st.lists(BOUNDS, max_size=2, unique=True)))
        rule |= dict(zip(draw(st.sampled_from([["from", "until"], ["until"]])), bounds, strict=False))
        earn.append(rule)
    document = {"programme": "club", "timezone": draw(ZONES), "currencies": currencies, "earn": earn}
    if draw(st.booleans()):
        of, to = draw(st.permutations(CURRENCIES))[:2]
        document["cards"] = [
            {"name": "card", "of": of, "each": draw(st.integers(1, 12)), "give": {to: draw(st.integers(1, 3))}}
        ]
    if draw(st.booleans()):
        document["tiers"] = draw(tiers())
    if draw(st.booleans()):
        document["stacking"] = draw(st.sampled_from(["base", "standing"]))
    if draw(st.booleans()):
        document["round"] = draw(st.sampled_from(["down", "nearest", "up"]))
    return document


Versions = list[tuple[int, datetime, dict[str, Any]]]
STARTS = st.sampled_from([datetime(2000, 1, 1, tzinfo=UTC)]) | MOMENTS
VERSIONS: st.SearchStrategy[Versions] = st.lists(st.tuples(STARTS, documents()), min_size=1, max_size=3).map(
    lambda pairs: [(place + 1, start, document) for place, (start, document) in enumerate(pairs)]
)


def programme_of(versions: Versions) -> Programme:
    """The engine's programme of the oracle's versions."""
    return compile_programme(
        [Version("club", number, json.dumps(document), "", start, start, "test", "") for number, start, document in versions]
    )


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=ACTIVITIES)
