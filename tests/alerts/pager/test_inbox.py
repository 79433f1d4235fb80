"""The inbox keeps what it accepted, in one entry for each time that an alert fired."""

import json

import pytest

from alerts.pager.alert import NEVER, read
from alerts.pager.inbox import FORGOTTEN, Inbox, InboxFull
from alerts.pager.store import Store
from tests.alerts.pager.notices import notice, notification


def alerts(*given):
    return read(json.dumps(notification(*given)).encode()).alerts


@pytest.fixture
def inbox(tmp_path):
    store = Store(tmp_path / "folder" / "inbox.sqlite3")
    yield Inbox(store, limit=4)
    store.close()


def take(inbox, *given, now):
    inbox.take(alerts(*given), "http://localhost:9093", now)


def test_it_fires_and_it_is_over(inbox):
    take(inbox, notice(starts=1000), now=1010)
    (entry,) = inbox.firing()
    assert (entry.name, entry.starts_at, entry.told_at, entry.ends_at) == ("HeliographBacklog", 1000, 1010, NEVER)
    assert entry.alertmanager == "http://localhost:9093"
    take(inbox, notice(starts=1000, ends=1060), now=1070)
    assert inbox.firing() == []
    (entry,) = inbox.resolved()
    assert (entry.starts_at, entry.ends_at, entry.told_over_at, entry.notices) == (1000, 1060, 1070, 2)


def test_repeated_notices_are_one_entry(inbox):
    for now in (1010, 1310, 1610):
        take(inbox, notice(starts=1000), now=now)
    (entry,) = inbox.firing()
    assert (entry.notices, entry.told_at, entry.heard_at) == (3, 1010, 1610)


def test_the_next_time_is_another_entry(inbox):
    take(inbox, notice(starts=1000), now=1010)
    take(inbox, notice(starts=1000, ends=1060), now=1070)
    take(inbox, notice(starts=2000), now=2010)
    assert [entry.starts_at for entry in inbox.firing()] == [2000]
    assert [entry.starts_at for entry in inbox.resolved()] == [1000]


def test_the_same_alert_that_was_thought_over_goes_on(inbox):
    """Alertmanager gives an alert up when Prometheus is silent; afterwards it comes back with its old begin."""
    take(inbox, notice(starts=1000), now=1010)
    take(inbox, notice(starts=1000, ends=1300), now=1310)
    take(inbox, notice(starts=1000), now=1400)
    (entry,) = inbox.firing()
    assert entry.notices == 3
    assert inbox.resolved() == []


def test_an_end_whose_begin_was_never_told_is_shown_as_over(inbox):
    take(inbox, notice(starts=1000, ends=1060), now=1070)
    take(inbox, notice(starts=1000, ends=1060), now=1130)
    (entry,) = inbox.resolved()
    assert (entry.notices, entry.told_over_at) == (2, 1070)


def test_an_open_entry_keeps_its_begin_when_the_sender_forgot_it(inbox):
    take(inbox, notice(starts=1000), now=1010)
    take(inbox, notice(starts=1500), now=1510)
    assert [entry.starts_at for entry in inbox.firing()] == [1000]


def test_instances_are_alerts_of_their_own(inbox):
    take(inbox, notice(instance="a"), notice(instance="b"), now=1010)
    take(inbox, notice(instance="a", ends=1060), now=1070)
    assert [entry.labels["instance"] for entry in inbox.firing()] == ["b"]


def test_the_newest_is_first(inbox):
    take(inbox, notice(instance="a", starts=1000), notice(instance="b", starts=1005), now=1010)
    assert [entry.labels["instance"] for entry in inbox.firing()] == ["b", "a"]


def test_the_oldest_that_is_over_makes_room(inbox):
    for number in range(6):
        take(inbox, notice(starts=1000 + number), now=1000 + number)
        take(inbox, notice(starts=1000 + number, ends=1000.5 + number), now=1000.5 + number)
    assert [entry.starts_at for entry in inbox.resolved()] == [1005, 1004, 1003, 1002]


def test_when_all_fire_a_notification_is_refused_whole(inbox):
    take(inbox, *(notice(instance=name) for name in "abc"), now=1010)
    with pytest.raises(InboxFull, match="4 alerts"):
        take(inbox, notice(instance="d"), notice(instance="e"), now=1020)
    assert len(inbox.firing()) == 3
    take(inbox, notice(instance="d"), now=1030)
    assert len(inbox.firing()) == 4


def test_what_nobody_has_spoken_of_for_days_makes_room_when_all_fire(inbox):
    """Alertmanager tells no end of what another alert keeps back."""
    take(inbox, *(notice(instance=name) for name in "abc"), now=1000)
    take(inbox, notice(instance="a"), now=2000)
    later = 1000 + FORGOTTEN + 1
    take(inbox, notice(instance="d"), now=later)
    assert len(inbox.firing()) == 4, "there is room"
    take(inbox, notice(instance="e"), now=later)
    assert {entry.labels["instance"] for entry in inbox.firing()} > {"a", "d", "e"}
    take(inbox, notice(instance="f"), now=later)
    with pytest.raises(InboxFull):
        take(inbox, notice(instance="g"), now=later)
