"""What tests of several rooms of the service share."""

import pytest

from observability import runtime


@pytest.fixture(autouse=True)
def nothing_frozen(monkeypatch):
    """A node's first freeze would look through the whole test process, a tenth of a second each; it has its tests elsewhere."""
    monkeypatch.setattr(runtime, "freeze", lambda: None)


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    """The test stands in a folder of its own, where key and secret may be made."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HELIOGRAPH_HTTP_API_KEY", raising=False)
