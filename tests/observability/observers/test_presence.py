"""Joins, leaves and presence."""

import pytest

from observability import names
from observability.observers.presence import SilentPresenceObserver


@pytest.mark.shows("heliograph_announcements_total", "heliograph_announcements_delivered_total")
def test_joins_and_leaves_are_counted_and_so_are_their_pushes(telemetry):
    observe = telemetry.telemetry.presence
    observe.announced("join")
    observe.announced("join")
    observe.announced("leave")
    observe.told(12)
    assert telemetry.value(names.ANNOUNCEMENTS, "join") == 2
    assert telemetry.value(names.ANNOUNCEMENTS, "leave") == 1
    assert telemetry.value(names.ANNOUNCEMENTS_DELIVERED) == 12


@pytest.mark.shows("heliograph_presence_failures_total", "presence.failed")
def test_a_store_that_fails_is_told(telemetry):
    telemetry.telemetry.presence.failed("add", "PresenceUnavailable: timeout", "chat:1")
    assert telemetry.value(names.PRESENCE_FAILURES, "add") == 1
    line = telemetry.line("presence.failed")
    assert (line["operation"], line["reason"], line["channel"]) == ("add", "PresenceUnavailable: timeout", "chat:1")


def test_silence():
    SilentPresenceObserver().announced("join")
    SilentPresenceObserver().told(1)
    SilentPresenceObserver().failed("add", "x")
