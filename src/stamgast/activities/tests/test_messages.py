from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stamgast.activities.catalogue import Catalogue, builtin_catalogue
from stamgast.activities.envelopes import Batch, find_batch, read_batch
from stamgast.activities.messages import Reader
from stamgast.activities.types import NewActivity, Reason, Refused, Source
from stamgast.customers.rules import identifier_id
from stamgast.kit.ids import derive_id

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHOP = Source(1, "shop", False, NOON)
READER = Reader(builtin_catalogue(), currency="EUR", region="NL")


def read(message: object, *, batch: Batch | None = None, path: str | None = None, twins: Counter[bytes] | None = None) -> Any:
    raw = message if isinstance(message, bytes) else msgspec.json.encode(message)
    return READER.read_message(
        raw, source=SHOP, received_at=NOON, fallback_id="fallback", batch=batch, type_from_path=path, twins=twins
    )


def accept(message: object, **more: Any) -> NewActivity:
    activity = read(message, **more)
    assert isinstance(activity, NewActivity), activity
    return activity


def refuse(message: object, **more: Any) -> Refused:
    refused = read(message, **more)
    assert isinstance(refused, Refused), refused
    return refused


def test_an_order() -> None:
    raw = (
        b'{"type":"track","event":"Order Completed","messageId":"m1","userId":900,"anonymousId":"abc",'
        b'"timestamp":"2026-02-28T12:00:00+01:00","context":{"traits":{"email":"Anna@Example.org"},"ip":null},'
        b'"properties":{"order_id":"77","revenue":12.3,"products":[{"product_id":"1"}],"note":"\\u0000"}}'
    )
    activity = accept(raw)
    assert activity == NewActivity(
        id=derive_id("activity", "shop", "m1"),
        source_id=1,
        type="track",
        kind="Order Completed",
        identifiers=("user_id:900", "email:anna@example.org", "anonymous_id:abc"),
        anchor_id=identifier_id("user_id", "900"),
        occurred_at=datetime(2026, 2, 28, 11, tzinfo=UTC),
        received_at=NOON,
        order_id="77",
        amount_minor=1230,
        currency="EUR",
        line_count=1,
        body=raw.decode(),
        traits={"email": "Anna@Example.org"},
    )


@pytest.mark.parametrize("message_type", ["identify", "page", "screen", "group", "alias"])
def test_the_kind_of_what_is_not_an_event_is_its_type(message_type: str) -> None:
    activity = accept({"type": message_type, "userId": "u", "name": "Home", "groupId": "g"})
    assert (activity.type, activity.kind) == (message_type, message_type)


def test_the_path_gives_the_type() -> None:
    assert accept({"userId": "u", "event": "X"}, path="track").kind == "X"
    assert refuse({"event": "X"}, path="track").body == '{"event":"X","type":"track"}'


def test_names_of_the_first_specification_are_stored_under_the_new_name() -> None:
    activity = accept({"type": "track", "userId": "u", "event": "Completed Order", "properties": {"order_id": "1"}})
    assert activity.kind == "Order Completed"
    assert '"Completed Order"' in activity.body


def test_nulls_are_as_good_as_absent() -> None:
    names = ("context", "traits", "properties", "timestamp", "sentAt", "messageId", "anonymousId", "integrations", "previousId")
    activity = accept({"type": "track", "event": "X", "userId": "u", **dict.fromkeys(names)})
    assert activity.identifiers == ("user_id:u",)
    assert activity.occurred_at == NOON


def test_traits_of_the_message_go_before_those_of_its_context() -> None:
    message = {"type": "identify", "userId": "u", "traits": {"name": "A"}, "context": {"traits": {"name": "B", "city": "C"}}}
    assert accept(message).traits == {"name": "A", "city": "C"}


def test_a_null_among_the_traits_hides_nothing_that_the_context_says() -> None:
    context = {"traits": {"email": "a@example.org", "city": "C"}}
    activity = accept({"type": "identify", "userId": "u", "traits": {"email": None, "plan": None}, "context": context})
    assert activity.traits == {"email": "a@example.org", "city": "C", "plan": None}
    assert activity.identifiers == ("user_id:u", "email:a@example.org")


def test_the_traits_of_a_group_are_not_its_members() -> None:
    activity = accept({"type": "group", "userId": "u", "groupId": "g", "traits": {"email": "office@example.org"}})
    assert activity.traits == {}
    assert activity.identifiers == ("user_id:u",)


def test_identifiers_of_all_sorts_with_the_anchor_first() -> None:
    activity = accept(
        {
            "type": "track",
            "event": "Card Swiped",
            "anonymousId": "till-3",
            "context": {
                "traits": {"phone": "06 12 34 56 78"},
                "externalIds": [
                    {"id": "1234", "type": "card_number", "collection": "users", "encoding": "none"},
                    {"id": "acme", "type": "company", "collection": "accounts"},
                    None,
                    {"id": None, "type": None},
                ],
            },
        }
    )
    assert activity.identifiers == ("card_number:1234", "phone:+31612345678", "anonymous_id:till-3")
    assert activity.anchor_id == identifier_id("card_number", "1234")


def test_an_alias_names_the_former_id_as_both_sorts() -> None:
    activity = accept({"type": "alias", "userId": "new", "previousId": "old"})
    assert activity.identifiers == ("user_id:new", "user_id:old", "anonymous_id:old")


@pytest.mark.parametrize("junk", ["", "null", "undefined", "0000000000", "-1", "anonymous", None, {}, [], True])
def test_a_placeholder_is_nobody(junk: object) -> None:
    refused = refuse({"type": "page", "userId": junk, "anonymousId": junk})
    assert refused.reason == Reason.NO_IDENTITY


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"", Reason.INVALID_JSON),
        (b'{"type":', Reason.INVALID_JSON),
        (b'{"type":"page","userId":"\xff"}', Reason.INVALID_JSON),
        (b'{"userId":"\\ud800"}', Reason.INVALID_JSON),
        (b'{"context":{"x":' + b"[" * 9_000 + b"]" * 9_000 + b"}}", Reason.INVALID_JSON),
        (b"[]", Reason.INVALID_MESSAGE),
        (b'"text"', Reason.INVALID_MESSAGE),
        ({"type": "track", "event": "X", "userId": "u", "properties": "none"}, Reason.INVALID_MESSAGE),
        ({"type": "page", "userId": "u", "context": ["here"]}, Reason.INVALID_MESSAGE),
        ({"userId": "u"}, Reason.UNKNOWN_TYPE),
        ({"type": "merge", "userId": "u"}, Reason.UNKNOWN_TYPE),
        ({"type": "track", "userId": "u"}, Reason.NO_EVENT_NAME),
        ({"type": "track", "userId": "u", "event": " "}, Reason.BAD_EVENT_NAME),
        ({"type": "track", "userId": "u", "event": 5}, Reason.BAD_EVENT_NAME),
        ({"type": "track", "userId": "u", "event": "a\x00b"}, Reason.BAD_EVENT_NAME),
        ({"type": "track", "userId": "u", "event": "x" * 256}, Reason.BAD_EVENT_NAME),
        ({"type": "page", "userId": "u", "messageId": "m" * 101}, Reason.BAD_MESSAGE_ID),
        ({"type": "page", "userId": "u", "messageId": {}}, Reason.BAD_MESSAGE_ID),
        ({"type": "page", "userId": "u", "timestamp": "yesterday"}, Reason.BAD_TIMESTAMP),
        ({"type": "track", "userId": "u", "event": "Order Completed"}, Reason.SCHEMA),
        (
            {"type": "track", "userId": "u", "event": "Order Completed", "properties": {"order_id": 1, "currency": "ZZZ"}},
            Reason.BAD_AMOUNT,
        ),
        ({"type": "page", "userId": "u", "x": "y" * 32 * 1024}, Reason.TOO_LARGE),
    ],
)
def test_refused_whole_with_its_reason(message: object, reason: Reason) -> None:
    refused = refuse(message)
    assert refused.reason == reason
    assert refused.detail
    if isinstance(message, dict):
        assert msgspec.json.decode(refused.body) == message


def test_a_message_of_32_kb_is_accepted_and_one_byte_more_is_not() -> None:
    empty = len(msgspec.json.encode({"type": "page", "userId": "u", "x": ""}))
    accept({"type": "page", "userId": "u", "x": "y" * (32 * 1024 - empty)})
    assert refuse({"type": "page", "userId": "u", "x": "y" * (32 * 1024 - empty + 1)}).reason == Reason.TOO_LARGE


def test_what_a_batch_says_for_all_counts_for_the_size_of_each() -> None:
    batch = read_batch(b'{"batch":[],"context":{"x":"%s"}}' % (b"y" * 30_000))
    accept({"type": "page", "userId": "u", "x": "z" * 2_000}, batch=batch)
    refused = refuse({"type": "page", "userId": "u", "x": "z" * 3_000}, batch=batch)
    assert refused.reason == Reason.TOO_LARGE
    assert refused.detail.startswith("With what its batch says for all, the message is 33,")
    assert msgspec.json.decode(refused.body)["context"] == {"x": "y" * 30_000}


def test_a_fault_is_told_with_its_place_in_words_and_without_the_value() -> None:
    properties = {"order_id": "1", "products": [{"price": 1}, {"price": "a secret"}]}
    refused = refuse({"type": "track", "event": "Order Completed", "userId": "u", "properties": properties})
    assert refused.detail.startswith("properties, products, item 2, price: ")
    assert "secret" not in refused.detail


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"order_id": "1", "revenue": "12,30"}, "properties, revenue: the value is not decimal text, such as 12.30 "),
        ({"order_id": "1", "currency": "EURO"}, "properties, currency: the value is not a code of three letters, such as EUR"),
        ({"order_id": "  "}, "properties, order_id: the value is blank"),
    ],
)
def test_a_pattern_that_is_broken_is_told_in_words(properties: dict[str, str], words: str) -> None:
    refused = refuse({"type": "track", "event": "Order Completed", "userId": "u", "properties": properties})
    assert refused.detail.startswith(words)


def test_a_null_among_the_products_is_as_good_as_absent() -> None:
    properties = {"order_id": "1", "products": [None, {"price": "2.50", "quantity": 2}]}
    assert accept({"type": "track", "event": "Order Completed", "userId": "u", "properties": properties}).amount_minor == 500


def test_the_write_key_is_not_kept() -> None:
    message = {"type": "page", "userId": "u", "writeKey": "sgw_secret", "properties": {"amount": 1.10}}
    assert msgspec.json.decode(accept(message).body) == {"type": "page", "userId": "u", "properties": {"amount": 1.10}}
    assert "sgw_secret" not in refuse({**message, "userId": ""}).body
    key = b"sgw_" + b"x" * 43
    assert key.decode() not in refuse(b'{"writeKey":"' + key + b'","userId":').body


def test_what_a_batch_says_for_all_yields_to_the_message() -> None:
    batch = read_batch(
        b'{"batch":[{"type":"track","event":"X","userId":"u","context":{"ip":"2","page":null}}],'
        b'"context":{"ip":"1","locale":"nl","traits":{"email":"a@example.org"}},"integrations":{"All":false},'
        b'"sentAt":"2026-03-01T11:00:00Z"}'
    )
    activity = accept(bytes(batch.batch[0]), batch=batch)
    body = msgspec.json.decode(activity.body)
    assert body["context"] == {"ip": "2", "locale": "nl", "page": None, "traits": {"email": "a@example.org"}}
    assert body["integrations"] == {"All": False}
    assert activity.identifiers == ("user_id:u", "email:a@example.org")


def test_a_slow_clock_is_corrected_by_the_batch_and_a_refusal_keeps_what_that_takes() -> None:
    batch = read_batch(b'{"batch":[],"sentAt":"2026-03-01T11:00:00Z"}')
    message = {"type": "page", "userId": "u", "timestamp": "2026-03-01T10:50:00Z"}
    assert accept(message, batch=batch).occurred_at == NOON - timedelta(minutes=10)
    refused = refuse({**message, "userId": ""}, batch=batch)
    mended = msgspec.json.decode(refused.body) | {"userId": "u"}
    assert accept(mended).occurred_at == NOON - timedelta(minutes=10)


def test_without_an_id_a_message_that_says_when_is_known_again_by_its_content() -> None:
    message = {"type": "track", "event": "Card Swiped", "userId": "u", "timestamp": "2026-03-01T10:00:00Z"}
    first_request, second_request = Counter[bytes](), Counter[bytes]()
    first = [accept(message, twins=first_request).id, accept(message, twins=first_request).id]
    again = [accept(message, twins=second_request).id, accept(message, twins=second_request).id]
    assert first == again
    assert first[0] != first[1]


def test_without_an_id_a_message_is_known_again_though_every_attempt_is_sent_at_another_moment() -> None:
    message = {"type": "page", "userId": "u", "timestamp": "2026-03-01T10:00:00Z"}
    first, again = (accept({**message, "sentAt": f"2026-03-01T10:00:0{attempt}Z"}, twins=Counter()).id for attempt in range(2))
    assert first == again


def test_refusals_that_only_look_alike_are_kept_apart_and_the_same_is_kept_once() -> None:
    nameless = {"type": "track", "userId": "u"}
    fallbacks = [READER.read_message(msgspec.json.encode(nameless), source=SHOP, received_at=NOON, fallback_id=i) for i in "12"]
    assert fallbacks[0].id != fallbacks[1].id
    moment = {**nameless, "timestamp": "2026-03-01T10:00:00Z"}
    twins = Counter[bytes]()
    first = [refuse(moment, twins=twins).id, refuse({**moment, "sentAt": "2026-03-01T10:00:01Z"}, twins=twins).id]
    assert first[0] != first[1]
    assert refuse({**moment, "sentAt": "2026-03-01T10:00:09Z"}, twins=Counter()).id == first[0]
    named = {**nameless, "messageId": "m"}
    batches = [read_batch(b'{"batch":[],"sentAt":"2026-03-01T11:00:0%dZ"}' % second) for second in range(2)]
    assert refuse(named, batch=batches[0]).id == refuse(named, batch=batches[1]).id
    kept = refuse({**named, "sentAt": None}, batch=batches[0])
    assert msgspec.json.decode(kept.body)["sentAt"] == "2026-03-01T11:00:00Z"


def test_without_an_id_and_a_moment_nothing_tells_a_repetition_from_a_second_time() -> None:
    assert accept({"type": "page", "userId": "u"}, twins=Counter()).id == derive_id("activity", "shop", "fallback")


def test_the_same_message_id_of_another_source_is_another_activity() -> None:
    raw = b'{"type":"page","userId":"u","messageId":"m"}'
    other = READER.read_message(raw, source=Source(2, "till", False, NOON), received_at=NOON, fallback_id="")
    assert isinstance(other, NewActivity)
    assert other.id != accept(raw).id


def test_an_envelope() -> None:
    assert find_batch(b'{"type":"page"}') is None
    with pytest.raises(ValueError, match="batch"):
        read_batch(b'{"type":"page"}')


junk = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    "type",
    "event",
    "messageId",
    "userId",
    "anonymousId",
    "previousId",
    "timestamp",
    "sentAt",
    "context",
    "traits",
    "properties",
)


@given(
    st.dictionaries(st.sampled_from(FIELDS), junk)
    | st.fixed_dictionaries({"type": st.sampled_from(("track", "alias")), "userId": junk, "event": junk, "properties": junk}),
)
def test_whatever_comes_is_stored_or_refused_and_fits_the_database(message: dict[str, Any]) -> None:
    answer = read(message)
    assert isinstance(answer, NewActivity | Refused)
    assert "\x00" not in answer.body
    answer.body.encode()
    if isinstance(answer, NewActivity):
        assert all("\x00" not in text for text in (answer.kind, answer.order_id or "", *answer.identifiers))
        assert msgspec.json.decode(answer.body) == msgspec.json.decode(msgspec.json.encode(message))


@given(st.binary(max_size=200))
def test_bytes_that_are_no_message_are_refused(raw: bytes) -> None:
    assert isinstance(read(raw), Refused)


@pytest.mark.parametrize("place", [b'"properties":{"n":%s}', b'"traits":{"n":%s}', b'"timestamp":%s', b'"other":{"n":%s}'])
def test_a_number_beyond_any_exponent_is_refused_or_passed_over_and_never_breaks_its_batch(place: bytes) -> None:
    raw = b'{"type":"track","event":"Told","userId":"1",' + place % b"1e99999999999999999999" + b"}"
    read_it = read(raw)
    assert isinstance(read_it, NewActivity) == place.startswith(b'"other"')
    assert isinstance(read_it, NewActivity) or read_it.reason == Reason.INVALID_JSON
    with pytest.raises(ValueError, match="out of range"):
        read_batch(b'{"batch":[],"sentAt":1e99999999999999999999}')
    assert find_batch(b'{"batch":[],"sentAt":1e99999999999999999999}') is None


def test_what_is_nested_too_deeply_for_those_who_read_it_later_is_refused() -> None:
    def nested(depth: int) -> bytes:
        return b'{"type":"identify","userId":"1","traits":{"n":' + b"[" * depth + b'"]]]]"' + b"]" * depth + b"}}"

    assert isinstance(read(nested(198)), NewActivity)
    assert refuse(nested(199)).detail == "The JSON is nested too deeply."
    wide = {"type": "identify", "userId": "1", "traits": {"n": [[]] * 1_000, "t": '["\\"' * 300}}
    assert isinstance(read(wide), NewActivity)


def test_the_words_of_a_refusal_can_be_stored_whatever_a_property_is_called() -> None:
    catalogue = Catalogue({"Told": {"type": "object", "additionalProperties": {"type": "string"}}})
    reader = Reader(catalogue, currency="EUR", region="NL")
    for name in ("a\x00b", "a" * 20_000):
        raw = msgspec.json.encode({"type": "track", "event": "Told", "userId": "1", "properties": {name: 1}})
        refused = reader.read_message(raw, source=SHOP, received_at=NOON, fallback_id="fallback")
        assert isinstance(refused, Refused)
        assert "\x00" not in refused.detail
        assert len(refused.detail) <= 500


def test_an_empty_object_as_php_writes_it_is_one() -> None:
    message = (
        b'{"type":"track","event":"Page Left","messageId":"php","userId":"1","timestamp":"2026-02-28T12:00:00Z",'
        b'"properties": [],"integrations":[],"context":{"traits":[],"ip":"192.0.2.1"}}'
    )
    assert msgspec.json.decode(accept(message).body) == msgspec.json.decode(message) | {
        "properties": {},
        "integrations": {},
        "context": {"traits": {}, "ip": "192.0.2.1"},
    }
    assert accept(b'{"type":"identify","userId":"1","traits":[],"context":[]}').traits == {}
    batch = read_batch(b'{"batch":[],"context":{"ip":"192.0.2.2"}}')
    assert '"ip":"192.0.2.2"' in accept(b'{"type":"identify","userId":"1","context":[]}', batch=batch).body
    assert refuse(b'{"type":"identify","userId":"1","traits":[1]}').reason == Reason.INVALID_MESSAGE
