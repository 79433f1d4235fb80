"""Each declared metric, span and log event leaves its start value in a named test."""

import pytest

from observability import names
from tests.observability import shown
from tests.observability.shown import DECLARED, claims


def test_every_declared_name_is_shown_by_a_test():
    assert not set(DECLARED) - set(claims())


def test_no_test_claims_a_name_that_is_not_declared():
    assert not set(claims()) - set(DECLARED)


def test_the_page_names_a_test_for_each_name():
    page = shown.page()
    for name in ("heliograph_upgrades_total", "websocket.upgrade", "upgrade.refused"):
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
        assert "`tests/observability/observers/test_upgrade.py::" in row


def test_a_claim_that_does_not_come_true_is_noticed(telemetry):
    assert "heliograph_pings_total" not in telemetry.alive()
    telemetry.telemetry.connections.pinged()
    assert "heliograph_pings_total" in telemetry.alive()


@pytest.mark.shows("heliograph_scrape_failures_total")
def test_a_room_that_cannot_tell_its_figures_is_counted(telemetry):
    def broken():
        raise RuntimeError("a dictionary changed its size")

    telemetry.registry._strict = False
    telemetry.registry.add_source(broken)
    assert telemetry.value(names.SCRAPE_FAILURES) >= 1
