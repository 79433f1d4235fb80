"""The page of limits: its settings and tests exist, and no limit is missing on it."""

import re

import pytest

from docs.pages.limits import GROUPS, OTHERS, limits
from service.settings.door_options import NO_EFFECT
from service.settings.option import walk
from service.settings.options import ours
from tests.docs.test_shown import functions

ROWS = [row for _, rows in GROUPS for row in rows]
OPTIONS = dict(walk(ours()))
SOUNDS = re.compile(
    r"limit|(^|_)max(_|$)|size|rate|burst|concurrency|_commands$|_bytes$|commands_per|max_fragments|positions$"
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
def test_a_row_is_true(row):
    file, _, name = row.test.partition("::")
    assert name in functions(file)
    assert (row.setting in OPTIONS) != bool(row.fixed)
    assert row.because
    assert row.beyond


def test_no_limit_is_missing():
    """An option that sounds like a limit is in a row, or said to be none."""
    rowed = {row.setting for row in ROWS}
    bounding = {
        path
        for path, option in OPTIONS.items()
        if SOUNDS.search(path.rpartition(".")[2]) and not option.doc.startswith(NO_EFFECT) and "[]" not in path
    }
    namespaces = {path for path in bounding if path.startswith(("channel.without_namespace.", "channel.proxy"))}
    assert bounding - rowed - OTHERS - namespaces == set()
    assert OTHERS - OPTIONS.keys() == set()
    assert len(rowed) > 30


def test_the_page_shows_defaults():
    page = limits()
    assert "| `client.channel_limit` | `128` |" in page
    assert "| fixed | 10,000 |" in page
