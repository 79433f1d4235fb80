"""The stories of this folder, told once and all at the same time."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from deploy.native.programs import find
from tests.alerts.delivery import stories
from tests.alerts.delivery.house import House
from tests.service.connections.authority import Authority

#: Which stories a file of tests needs.
NEEDED = {
    "test_pairs.py": ("production", "quick"),
    "test_kill.py": ("killed",),
    "test_storm.py": ("storm",),
    "test_night.py": ("night",),
}


@pytest.fixture(scope="session")
def told_stories(request, tmp_path_factory):
    """Name → its future; those that the tests of this run need."""
    if find("alertmanager") is None:
        pytest.skip("no Alertmanager here: make programs")
    folder = tmp_path_factory.mktemp("houses")
    authority = Authority(folder)
    certificate = authority.issue()
    files = {item.path.name for item in request.session.items}
    wanted = [name for file, names in NEEDED.items() if file in files for name in names]
    with ThreadPoolExecutor(len(wanted)) as beside:

        def house(name, **more):
            return House(folder / name, authority.file, certificate, **more)

        yield {name: beside.submit(stories.tell, house, name) for name in sorted(wanted, reverse=True)}


@pytest.fixture
def story(told_stories):
    """`story(name)` waits for its end."""
    return lambda name: told_stories[name].result()
