"""The page of differences and the list of conversations that fail on purpose say the same."""

import re

from tests.transcripts import pending

PAGE = pending.HERE.parent.parent / "docs" / "differences.md"


def test_each_wanted_difference_is_told_to_the_users_and_no_other():
    wanted = {name for name, reason in pending.listed().items() if reason.startswith("wanted difference: ")}
    named = set(re.findall(r"`([a-z_]+/[a-z_0-9]+)`", PAGE.read_text())) - {"tests/transcripts"}
    assert wanted == named


def test_they_are_recordings():
    named = re.findall(r"`([a-z_]+/[a-z_0-9]+)`", PAGE.read_text())
    assert all(
        (pending.HERE / "scenarios" / f"{name}.json").exists() for name in named if not name.startswith("tests/")
    )
