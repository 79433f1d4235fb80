"""Fixtures that tests of every room share."""

import hypothesis
import pytest

from tests.observability.shown import telemetry

__all__ = ["telemetry"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "shows(*names): the metrics, spans and log events that this test sees alive")


# A deadline a sample would only measure how busy the machine is.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")


@pytest.fixture(scope="session")
def told(request):
    """Prints a line past pytest's capture: what was changed, how long things took."""
    reporter = request.config.pluginmanager.getplugin("terminalreporter")
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def tell(line):
        with capture.global_and_fixture_disabled():
            reporter.write_line(f"   {line}")

    return tell
