"""Whatever a test does to a hub, its ledger balances at the end."""

import pytest

from tests.service.channels.world import MADE, World


@pytest.fixture(autouse=True)
def balanced():
    """Every world that the test made; one whose fakes lose or repeat messages takes itself out of ``MADE``."""
    MADE.clear()
    yield
    for hub in [made.hub for made in MADE if made.hub is not None]:
        for name, book in hub.ledger.books.items():
            assert book.unaccounted == 0, (name, book.expected, book.written, book.owed, book.ends)
        for channel in hub._channels.values():
            assert channel.queued or channel.owed == channel.aside * len(channel.members)
    MADE.clear()


@pytest.fixture
def world():
    return World()
