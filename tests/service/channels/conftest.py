"""Whatever a test does to a hub, its ledger balances at the end."""

import pytest

from tests.service.channels import world


@pytest.fixture(autouse=True)
def balanced():
    """Every world that the test made; one whose fakes lose or repeat messages takes itself out of ``MADE``."""
    world.MADE.clear()
    yield
    for hub in [made.hub for made in world.MADE if made.hub is not None]:
        for name, book in hub.ledger.books.items():
            assert book.unaccounted == 0, (name, book.expected, book.written, book.owed, book.ends)
        for channel in hub._channels.values():
            assert channel.queued or channel.owed == channel.aside * len(channel.members)
    world.MADE.clear()
