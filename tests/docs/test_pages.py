"""Every page for users says where it ends and what to look at when it does not work, and is in the list."""

import re

import pytest

from tests.docs.running import ROOT

LIST = (ROOT / "docs" / "README.md").read_text()
BUILD, CONCEPTS = (
    sorted(set(re.findall(r"\]\(([\w-]+)\.md\)", part)) - {"differences"})
    for part in LIST.split("## Build")[1].split("## Operate")[0].split("## Concepts")
)


def test_every_page_is_in_the_list():
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert pages <= set(re.findall(r"\]\((?:\.\./)?([\w-]+\.md)\)", LIST)), "docs/README.md names each page"


@pytest.mark.parametrize("name", sorted({*BUILD, *CONCEPTS}))
def test_a_page_has_its_parts(name):
    text = (ROOT / "docs" / f"{name}.md").read_text()
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert any(heading.startswith("When it does not work") for heading in headings)
    assert "Limits" in headings
    assert "```" in text, "an example"


def test_there_are_both_kinds():
    assert len(BUILD) >= 12
    assert CONCEPTS == ["connection", "guarantees", "heartbeats", "slow-readers"]
