"""Fixtures that tests of every room share."""

import pytest

from tests.observability.shown import telemetry

__all__ = ["telemetry"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "shows(*names): the metrics, spans and log events that this test sees alive")
