"""What the lab adds to the compose file."""

import asyncio

from aiohttp.test_utils import TestServer

from alerts.pager.office import Office
from alerts.pager.settings import read, unusable_secrets
from alerts.pager.store import Store
from faults.additions import LAB
from faults.outsiders import Outsiders
from tests.alerts.pager.notices import notice
from tests.alerts.pager.offices import take, until


async def test_the_lab_s_pager_signs_what_it_tells_the_lab_s_robot(tmp_path):
    outsiders = Outsiders(tmp_path / "orders")
    async with TestServer(outsiders.application()) as there:
        for name, text in LAB.pager.items():
            here = text.replace("http://outsiders:8088", str(there.make_url("/")).rstrip("/"))
            (tmp_path / name).write_text(here.replace("/etc/pager", str(tmp_path)))
        settings = read((tmp_path / "pager.yml").read_text())
        assert unusable_secrets(settings) == []
        store = Store(tmp_path / "inbox.sqlite3")
        office = Office(store, settings)
        carrying = asyncio.ensure_future(office.post.run())
        take(office, notice())
        await until(lambda: outsiders.told == 2)  # the desk and the robot
        carrying.cancel()
        await asyncio.wait((carrying,))
        store.close()
    assert outsiders.complaints == []
