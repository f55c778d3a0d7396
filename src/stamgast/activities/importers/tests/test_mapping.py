"""The mapping: what it accepts, and the sentence that it answers with otherwise."""

import pytest

from stamgast.activities.importers.errors import InvalidMapping
from stamgast.activities.importers.mapping import Field, read_mapping

GOOD = """\
source: till
kind: Order Completed
timestamp: {column: sold_at, zone: Europe/Amsterdam}
identifiers: {user_id: customer}
group_by: basket
properties:
  revenue: {sum: amount}
  vat: {constant: 007}
products: {product_id: article}
"""


def test_reads_what_is_said():
    mapping = read_mapping(GOOD)
    assert (mapping.source, mapping.kind, mapping.group_by) == ("till", "Order Completed", ("basket",))
    assert mapping.timestamp.zone.key == "Europe/Amsterdam"
    assert list(mapping.properties) == [
        Field("revenue", type="money", sum_of="amount"),
        Field("vat", constant="007"),
    ]
    assert mapping.columns == ("sold_at", "basket", "customer", "amount", "article")


def test_the_digest_is_of_the_text():
    assert read_mapping(GOOD).digest == read_mapping(GOOD).digest != read_mapping(GOOD + "\n").digest


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("kind: Order Completed\n", "", "map.yaml, line 1: kind is missing."),
        (
            "sum: amount",
            "summ: amount",
            "map.yaml, line 7, properties.revenue: summ is not a field here. Use column, type, values, otherwise.",
        ),
        (
            "Amsterdam",
            "Amstredam",
            "map.yaml, line 3, timestamp.zone: there is no time zone 'Europe/Amstredam'. Write one as Europe/Amsterdam.",
        ),
        ("group_by: basket\n", "", "map.yaml, line 1: products needs group_by, which says what rows are lines of one order."),
        (
            "user_id",
            "User Id",
            "map.yaml, line 4, identifiers: 'User Id' is not a name. Use small letters, digits and _, and begin with a letter.",
        ),
        ("{product_id: article}", "article", "map.yaml, line 9, products: this has to be fields with values."),
        (
            "{constant: 007}",
            "{constant: free, type: money}",
            "map.yaml, line 8, properties.vat: the constant 'free' is not an amount.",
        ),
        (
            "zone: Europe/Amsterdam",
            "format: '%d-%Q'",
            "map.yaml, line 3, timestamp.format: 'Q' is a bad directive in format '%d-%Q'. Write it as %d-%m-%Y %H:%M.",
        ),
        (
            "group_by: basket\n",
            "group_by: basket\ncsv: {encoding: hex}\n",
            "map.yaml, line 6, csv.encoding: there is no encoding 'hex'.",
        ),
        (
            "{product_id: article}",
            "{product_id: {column: article, type: monney}}",
            "map.yaml, line 9, products.product_id.type: 'monney' is not one of text, number, money, boolean.",
        ),
        ("source: till", "source: till\nsource: web", "map.yaml, line 2: source is said twice."),
        ("source: till", "source: [till", "map.yaml, line 2: this is not YAML: expected ',' or ']', but got ':'."),
        (
            "products: {product_id: article}",
            "csv: {encoding: utf-9}",
            "map.yaml, line 9, csv.encoding: there is no encoding 'utf-9'.",
        ),
        (
            "group_by: basket\nproperties:\n  revenue: {sum: amount}\n  vat: {constant: 007}\nproducts: {product_id: article}",
            "properties: {revenue: {sum: amount}}",
            "map.yaml, line 5, properties.revenue: a sum needs group_by, which says what rows belong together.",
        ),
    ],
)
def test_says_what_is_wrong_and_where(before, after, sentence):
    assert before in GOOD
    with pytest.raises(InvalidMapping) as caught:
        read_mapping(GOOD.replace(before, after), name="map.yaml")
    assert caught.value.message == sentence


def test_an_empty_mapping():
    with pytest.raises(InvalidMapping, match="is empty"):
        read_mapping("\n")
