"""Houses for the tests of this folder."""

import pytest

from deploy.native.programs import find
from tests.alerts.delivery.house import House
from tests.service.connections.authority import Authority


@pytest.fixture(scope="session")
def house(tmp_path_factory):
    """`house(name, …)` makes one; it needs the real Alertmanager."""
    if find("alertmanager") is None:
        pytest.skip("no Alertmanager here: make programs")
    folder = tmp_path_factory.mktemp("houses")
    authority = Authority(folder)
    return lambda name, **more: House(folder / name, authority, **more)
