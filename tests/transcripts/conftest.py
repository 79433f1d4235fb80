"""What a replay has to say at the end of a run, passed or not."""

import pytest

_SAID = pytest.StashKey[list]()


@pytest.fixture
def say_at_the_end(request):
    """Call it with a line for the summary."""
    return request.config.stash.setdefault(_SAID, []).append


def pytest_terminal_summary(terminalreporter, config):
    for line in config.stash.get(_SAID, []):
        terminalreporter.write_line(f"transcripts: {line}")
