"""The page of differences and the list of conversations that fail on purpose say the same."""

import re

from tests.transcripts import pending

DOCS = pending.HERE.parent.parent / "docs"
PAGE = DOCS / "differences.md"


def test_each_wanted_difference_is_told_to_the_users_and_no_other():
    wanted = {name for name, reason in pending.listed().items() if reason.startswith("wanted difference: ")}
    named = set(re.findall(r"`([a-z_]+/[a-z_0-9]+)`", PAGE.read_text())) - {"tests/transcripts"}
    assert wanted == named


def test_they_are_recordings():
    named = re.findall(r"`([a-z_]+/[a-z_0-9]+)`", PAGE.read_text())
    assert all(
        (pending.HERE / "scenarios" / f"{name}.json").exists() for name in named if not name.startswith("tests/")
    )


def test_the_pages_say_how_many_go_as_recorded():
    everything, differ = pending.recorded(), len(pending.listed())
    assert re.search(r"^(\d+) conversations were recorded", PAGE.read_text(), re.MULTILINE)[1] == str(everything)
    row = next(line for line in (DOCS / "shown.md").read_text().splitlines() if "go_as_recorded" in line)
    assert row.endswith(f"| {everything - differ} of {everything} |")
