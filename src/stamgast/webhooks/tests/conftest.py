from collections.abc import Iterator

import pytest

from stamgast.webhooks.tests.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one
