"""Opens a shop with a programme; when the test is done its books are right."""

import pytest

from .shop import Shop


@pytest.fixture
def open_shop():
    """``open_shop(document)``: a shop that is audited at the end."""
    shops = []

    def make(text):
        shops.append(Shop(text))
        return shops[-1]

    yield make
    for shop in shops:
        shop.close()
