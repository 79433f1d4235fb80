"""The example's channels and routes, at the pace of production by a moved clock; providers are as strict as real ones."""

import asyncio
import ssl
from contextlib import asynccontextmanager

import pytest

from alerts.pager.office import Office
from alerts.pager.settings import read
from alerts.pager.store import Store
from faults.providers import dingtalk, hooks, pagerduty, smtp, wecom
from faults.providers.book import Book
from faults.providers.town import Town
from tests.alerts.delivery.house import ROOT, pager_settings
from tests.alerts.pager.notices import notice
from tests.alerts.pager.offices import Clock, take, until
from tests.service.connections.authority import Authority

BEGAN = 1_800_000_000.0
GROUP_WAIT = 10.0  # of pages, by alertmanager.yml
USERS = frozenset({"ada", "ben", "chi"})


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def world(authority, clock, tmp_path, monkeypatch):
    """``async with world() as one``: office and town by the same clock."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue())

    @asynccontextmanager
    async def run():
        with Town(context, users=USERS, book=Book(clock)) as town:
            store = Store(tmp_path / "inbox.sqlite3")
            text = pager_settings(town, town.secrets(tmp_path / "secrets"), 1.0)
            settings = read(text)
            office = Office(store, settings, ROOT / "alerts" / "rota.example.yml", clock=clock)
            carrying = asyncio.ensure_future(office.post.run())
            try:
                yield World(office, town, settings.channels, clock)
            finally:
                carrying.cancel()
                await asyncio.wait((carrying,))
                store.close()

    return run


class World:
    def __init__(self, office, town, channels, clock):
        self.office, self.town, self.book, self.clock = office, town, town.book, clock
        self._channels = channels

    def idle(self):
        """Whatever can be done now is done."""
        now, calls, letters = self.clock.now, self.office.calls, self.office.letters
        return self.office.cases.next_step() > now and all(
            letters.next_due(name) > now or calls.free_at(name, channel.limit, now) > now
            for name, channel in self._channels.items()
        )

    async def pass_(self, seconds):
        self.clock.now += seconds
        self.office.post.wake()
        await until(self.idle)

    def told(self, provider):
        return [one for one in self.book.taken if one.provider == provider]

    async def arrived(self, provider, patience=300):
        """Seconds since the beginning until a message is there; the clock goes on a second at a time."""
        while not self.told(provider):
            assert self.clock.now < BEGAN + patience, self.book.refused
            await self.pass_(1)
        return self.told(provider)[0].at - BEGAN


async def test_a_late_message_is_a_mail_and_a_call_within_five_minutes_though_both_say_no_first(world):
    async with world() as one:
        one.book.trouble_first(smtp.NAME, smtp.BUSY)
        one.book.trouble_first(hooks.PHONE, hooks.PHONE_BUSY)
        take(one.office, notice("HeliographDeliveryLatencyP99"), route="latency")
        assert await one.arrived(smtp.NAME) <= 75.0
        await one.pass_(BEGAN + 239 - one.clock.now)
        assert 240 < await one.arrived(hooks.PHONE) <= 300 - GROUP_WAIT
        assert len(one.book.refused) == 2
        assert one.book.complaints == []


@pytest.mark.parametrize(
    ("route", "provider", "answers"),
    [
        ("logs", wecom.ROBOT, {wecom.ROBOT: [wecom.BUSY]}),
        ("logs", wecom.APP, {wecom.TOKENS: [wecom.BUSY], wecom.APP: [(42001, "access_token expired")]}),
        ("logs", hooks.SMS, {hooks.SMS: [hooks.SMS_BUSY]}),
        ("critical", dingtalk.NAME, {dingtalk.NAME: [dingtalk.BUSY]}),
        ("critical", pagerduty.NAME, {pagerduty.NAME: [pagerduty.BUSY]}),
        ("info", hooks.WEBHOOK, {hooks.WEBHOOK: [hooks.WEBHOOK_BUSY]}),
    ],
)
async def test_whoever_says_no_at_first_is_asked_again_within_seconds(world, route, provider, answers):
    async with world() as one:
        for who, first in answers.items():
            one.book.trouble_first(who, *first)
        take(one.office, notice(), route=route)
        assert await one.arrived(provider) <= 15.0
        assert one.book.complaints == []
        assert len(one.book.refused) == sum(map(len, answers.values()))
        assert one.town.app.given in ((2,) if provider == wecom.APP else (0, 1))


async def test_a_robot_is_never_made_mute_by_us(world):
    """Forty pages, one a second, each of a group of its own."""
    async with world() as one:
        for number in range(40):
            take(one.office, notice(f"Alert{number:02d}"), group=f"g{number}")
            await one.pass_(1)
        await one.pass_(60)
        await one.pass_(60)
        assert 1 <= len(one.told(dingtalk.NAME)) <= 20
        assert one.book.complaints == []
        assert not one.office.letters.waiting()


async def test_a_robot_that_others_made_mute_tells_it_all_when_it_may_again(world):
    async with world() as one:
        for _ in range(21):
            one.town.robot.rate.allows(one.clock.now)
        take(one.office, notice("First"), group="a")
        await one.pass_(2)
        assert [each.code for each in one.book.refused] == [130101]
        take(one.office, notice("Second"), group="b")
        for _ in range(12):
            await one.pass_(60)
        (told,) = one.told(dingtalk.NAME)
        assert "First" in told.text
        assert "Second" in told.text
        assert 600 <= told.at - BEGAN <= 700
        assert len(one.book.refused) <= 2, "it is not asked while it is mute"
