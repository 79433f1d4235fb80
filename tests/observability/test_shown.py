"""Each declared metric, span and log event leaves its start value in a named test."""

import pytest

from docs.pages import claims
from observability import names
from tests.observability import shown
from tests.observability.shown import DECLARED


def test_every_declared_name_is_shown_by_a_test():
    assert not set(DECLARED) - set(claims.by_name())


def test_no_test_claims_a_name_that_is_not_declared():
    assert not set(claims.by_name()) - set(DECLARED)


def test_the_page_names_a_test_for_each_name():
    page = claims.claims()
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


def test_each_closed_label_value_is_shown_by_a_test_or_says_why_not():
    """The fixture holds each test to what label_values.txt says of it."""
    rows = shown.value_rows()
    reasons = {value: by for value, by in rows.items() if by.startswith("- ")}
    still_open = (shown.closed_values() - set(rows)) | {
        value for value, by in reasons.items() if by[2:].startswith("open")
    }
    assert not still_open


def test_the_tests_that_show_label_values_exist():
    for by in {by for by in shown.value_rows().values() if not by.startswith("- ")}:
        file, _, name = by.partition("::")
        assert f"def {name.partition('[')[0]}(" in (shown.ROOT / file).read_text(), by
