from decimal import Decimal

import pytest

from stamgast.activities.catalogue import Catalogue, aliases, builtin_catalogue, builtin_kinds
from stamgast.activities.orders import ORDER_KINDS, REFUND_KINDS

OWN = (
    "Till Sale", "Till Return", "Card Swiped",
    "Card Reissued", "Campaign Sent", "Campaign Opened", "Campaign Clicked", "Campaign Replied",
    "Coupon Redeemed", "Product Reviewed", "Referral Made", "Survey Answered", "App Opened",
)  # fmt: skip
E_COMMERCE = (
    "Products Searched", "Product List Viewed", "Product List Filtered", "Promotion Viewed", "Promotion Clicked",
    "Product Clicked", "Product Viewed", "Product Added", "Product Removed", "Cart Viewed", "Checkout Started",
    "Checkout Step Viewed", "Checkout Step Completed", "Payment Info Entered", "Order Completed", "Order Updated",
    "Order Refunded", "Order Cancelled", "Coupon Entered", "Coupon Applied", "Coupon Denied", "Coupon Removed",
    "Product Added to Wishlist", "Product Removed from Wishlist", "Wishlist Product Added to Cart", "Product Shared",
    "Cart Shared", "Product Reviewed",
)  # fmt: skip


def test_the_whole_specification_and_ours_are_there() -> None:
    assert {*OWN, *E_COMMERCE, *ORDER_KINDS, *REFUND_KINDS} <= set(builtin_kinds())
    assert set(aliases().values()) <= set(builtin_kinds())


@pytest.mark.parametrize("kind", sorted(builtin_kinds()))
def test_every_kind_takes_nulls_and_properties_of_its_own(kind: str) -> None:
    schema = builtin_kinds()[kind]
    properties = (
        dict.fromkeys(schema.get("properties", {})) | dict.fromkeys(schema.get("required", ()), "1") | {"our_own": {"x": [1]}}
    )
    assert builtin_catalogue().find_fault(kind, properties) is None


@pytest.mark.parametrize("amount", [1, 0, -3, Decimal("12.30"), "12.30", " 12.30 ", "-5", "", None])
def test_money_as_number_or_text(amount: object) -> None:
    assert builtin_catalogue().find_fault("Order Completed", {"order_id": "1", "revenue": amount}) is None


@pytest.mark.parametrize("amount", ["€ 12", "12,30", [], True, "1e3"])
def test_what_is_not_money(amount: object) -> None:
    fault = builtin_catalogue().find_fault("Order Completed", {"order_id": "1", "revenue": amount})
    assert fault is not None
    assert fault.startswith("properties, revenue: ")


def test_a_kind_without_a_schema_takes_anything() -> None:
    assert builtin_catalogue().find_fault("Never Heard Of", {"x": object}) is None


def test_a_schema_may_not_fetch() -> None:
    with pytest.raises(Exception, match=r"may not refer|retriev|resolve"):
        Catalogue({"X": {"$ref": "https://example.org/schema.json"}})
