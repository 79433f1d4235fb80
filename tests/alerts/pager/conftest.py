"""Offices over one file, one after the other."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from alerts.pager.office import Office
from alerts.pager.settings import read
from alerts.pager.store import Store
from tests.alerts.pager.offices import ROTA, Clock


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "inbox.sqlite3")
    yield store
    store.close()


@pytest.fixture
def office(tmp_path, clock):
    """``office(text)`` runs one; its letters wait for no others unless the text says so."""
    (tmp_path / "rota.yml").write_text(ROTA)

    @asynccontextmanager
    async def run(text, clock=clock):
        store = Store(tmp_path / "inbox.sqlite3")
        text = text if "gather:" in text else f"gather: 0s\n{text}"
        one = Office(store, read(text), tmp_path / "rota.yml", clock=clock)
        carrying = asyncio.ensure_future(one.post.run())
        try:
            yield one
        finally:
            carrying.cancel()
            await asyncio.wait((carrying,))
            assert carrying.cancelled() or (one.post._stopping and carrying.exception() is None), carrying
            store.close()

    return run
