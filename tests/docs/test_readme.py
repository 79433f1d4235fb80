"""The front page: in its order, with links that lead somewhere and commands that exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = [
    page
    for page in sorted(ROOT.rglob("*.md"))
    if not {"node_modules", "build", ".venv", ".git", ".pytest_cache"} & set(page.relative_to(ROOT).parts)
]


def test_it_comes_in_its_order():
    """One sentence, a picture, guarantees, limits, a quick start for each of both users."""
    marks = [
        "\n**",
        "[![",
        "\n## Guarantees",
        "\n## Limits",
        "\n## Quick start: you need push",
        "\n## Quick start: you are paged",
    ]
    places = [README.find(mark) for mark in marks]
    assert -1 not in places
    assert places == sorted(places)
    for picture in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README):
        assert (ROOT / picture).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if "://" not in target and not target.startswith(("mailto:", "/")):
            assert (page.parent / target).exists(), target


def test_commands_that_it_names_exist():
    help_ = subprocess.run(
        [sys.executable, "-m", "service", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for command in set(re.findall(r"`heliograph ([a-z-]+)", README)):
        assert re.search(rf"\b{command}\b", help_.stdout), command
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?m)(?:^|`)make ([a-z-]+)", README)) <= targets


def test_what_belongs_to_a_release_is_there():
    assert "Apache License" in (ROOT / "LICENSE").read_text()
    assert "## " in (ROOT / "CHANGELOG.md").read_text()
    assert "ruff" in (ROOT / ".pre-commit-config.yaml").read_text()
