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
