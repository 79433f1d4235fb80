"""Fixtures for tests of commands."""

import pytest


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    """The test stands in a folder of its own, where key and secret may be made."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HELIOGRAPH_HTTP_API_KEY", raising=False)
