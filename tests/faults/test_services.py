"""Faults of services: what is stopped comes back, and files are as they were when it is healed."""

import signal

import pytest
import yaml

from alerts.pager import duty
from alerts.pager.reading import Wrong
from faults import services
from faults.running import Running


class Stack:
    """Remembers orders."""

    def __init__(self):
        self.orders = []

    def stop_service(self, name, number=signal.SIGTERM):
        self.orders.append(("stop", name, number))

    def start_service(self, name):
        self.orders.append(("start", name))

    def signal(self, name, number):
        self.orders.append((name, number))


@pytest.fixture
def lab(tmp_path):
    """A lab that is not started; its stack only remembers."""
    running = Running(tmp_path)
    mounted = {target: running.mounted("prometheus", target) for target in (services._CONFIG, services._RULES)}
    running.stack = Stack()
    running.mounted = lambda _, target: mounted[target]
    return running


READ = [("prometheus", signal.SIGHUP)]


@pytest.mark.parametrize("breaks", [services.misread, services.forgotten])
async def test_a_configuration_is_another_one_and_then_the_old_one(lab, breaks):
    file = lab.mounted("prometheus", services._CONFIG)
    before = file.read_text()
    async with breaks(lab):
        assert lab.stack.orders == READ
        assert file.read_text() != before
    assert lab.stack.orders == 2 * READ
    assert file.read_text() == before


async def test_what_is_forgotten_is_one_more_target(lab):
    file = lab.mounted("prometheus", services._CONFIG)
    before = yaml.safe_load(file.read_text())["scrape_configs"]
    async with services.forgotten(lab):
        *others, added = yaml.safe_load(file.read_text())["scrape_configs"]
        assert others == before
        assert added["job_name"] == "forgotten"


async def test_what_is_misread_is_no_configuration(lab):
    async with services.misread(lab):
        assert isinstance(
            yaml.safe_load(lab.mounted("prometheus", services._CONFIG).read_text())["scrape_configs"], str
        )


async def test_a_rule_comes_and_goes(lab):
    folder = lab.mounted("prometheus", services._RULES)
    before = set(folder.iterdir())
    async with services.contradicting(lab):
        (rule,) = set(folder.iterdir()) - before
        assert yaml.safe_load(rule.read_text())["groups"]
        assert lab.stack.orders == READ
    assert set(folder.iterdir()) == before
    assert lab.stack.orders == 2 * READ


async def test_what_crashes_is_there_when_it_is_healed(lab, monkeypatch):
    monkeypatch.setattr(services, "_ALIVE", 0.01)
    async with services.crashing(lab, "heliograph"):
        while len(lab.stack.orders) < 6:
            await services.asyncio.sleep(0.005)
    assert lab.stack.orders[0] == ("stop", "heliograph", signal.SIGKILL)
    assert lab.stack.orders[-1] == ("start", "heliograph")
    assert len(lab.stack.orders) % 2 == 0


def test_a_broken_rota_is_one_that_the_pager_cannot_use(lab, tmp_path):
    rota = tmp_path / "lab" / "rota.yml"
    assert duty.load(rota).order
    with lab.broken_rota(), pytest.raises(Wrong, match="bne"):
        duty.load(rota)
    assert duty.load(rota).order
