"""The page of limits: its settings are obeyed, its codes, causes and tests exist, and no limit is missing on it."""

import json
import re

import pytest

from docs.pages.limits import GROUPS, OTHERS, limits
from observability import names
from service.config import load
from service.protocol.closing import CAUSES, CLOSINGS
from service.protocol.errors import ERRORS
from service.settings.door_options import NO_EFFECT
from service.settings.kinds import seconds
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
    assert set(re.findall(r"\(`(.*?)`\)", row.beyond.replace("`, `", "`) (`"))) <= {*names.REFUSAL_CAUSES, *CAUSES}
    assert {int(code) for code in re.findall(r"\b(?:3\d{3}|1009)\b", row.beyond)} <= CLOSINGS.keys()
    assert {int(code) for code in re.findall(r"error (\d+)", row.beyond)} <= ERRORS.keys()


def understood(folder, *path, value=None):
    """What a configuration with every transport says to the rooms, as text."""
    tree = {name: {"enabled": True} for name in ("sse", "http_stream", "uni_sse", "uni_http_stream", "uni_websocket")}
    section = tree
    for name in path[:-1]:
        section = section.setdefault(name, {})
    if path:
        section[path[-1]] = value
    file = folder / "config.json"
    file.write_text(json.dumps(tree))
    settings = load(file, {})
    return re.sub(r" at 0x\w+", "", f"{settings} {settings.namespaces.resolve('a')}")


def another(default):
    """A value beside the default."""
    if isinstance(default, int):
        return default + 1000
    try:
        return f"{seconds(default) + 100:g}s"
    except ValueError:
        return "^x$"


@pytest.mark.parametrize("row", [row for row in ROWS if row.setting], ids=lambda row: row.what)
def test_a_setting_reaches_the_room_that_keeps_it(row, tmp_path):
    value = another(OPTIONS[row.setting].default)
    assert understood(tmp_path, *row.setting.split("."), value=value) != understood(tmp_path)


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
