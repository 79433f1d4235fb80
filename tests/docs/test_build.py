"""Generated pages are current, complete, and their links lead somewhere."""

import re

import pytest

from docs import build
from docs.pages import states
from docs.pages.markdown import table
from observability import names, span_names
from observability.field_names import ATTRIBUTES, KEYS
from service.connections.states import TABLE
from service.protocol import closing, errors


def test_the_generated_pages_are_current():
    assert build.stale() == build.stale_parts() == [], "run: make docs"


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "REFERENCE", tmp_path)
    build.write()
    return tmp_path


@pytest.mark.slow
def test_a_changed_a_missing_and_a_left_over_page_are_found_and_put_right(elsewhere, capsys):
    assert build.main(["--check"]) == 0
    (elsewhere / "metrics.md").write_text("mine")
    (elsewhere / "errors.md").rename(elsewhere / "old.md")
    assert build.main(["--check"]) == 1
    assert re.findall(r"docs/reference/(\S+)", capsys.readouterr().err) == ["errors.md", "metrics.md", "old.md"]
    assert build.main([]) == 0
    assert build.stale() == []


@pytest.mark.slow
def test_a_made_part_of_another_page_is_found_and_put_right(tmp_path, monkeypatch, capsys):
    for name, _ in states.PARTS:
        (tmp_path / name).write_text((build.PARTLY / name).read_text())
    monkeypatch.setattr(build, "PARTLY", tmp_path)
    assert build.stale_parts() == []
    page = tmp_path / "connection.md"
    page.write_text(page.read_text().replace("greeting --> checking", "greeting --> ready"))
    assert build.main(["--check"]) == 1
    assert "docs/connection.md" in capsys.readouterr().err
    monkeypatch.setattr(build, "REFERENCE", tmp_path / "reference")
    build.write()
    assert build.stale_parts() == []


def test_the_drawing_has_every_transition_and_no_other():
    drawn = re.findall(r"^    (\w+) --> (\w+): \S", states.drawing(), re.MULTILINE)
    assert sorted(drawn) == sorted((state.value, to.value) for state, moves in TABLE.items() for to in moves.values())


def page(name):
    return build.PAGES[name]()


def test_everything_that_is_declared_stands_in_its_page():
    assert not [name for name in names.METRICS if f"| `{name}` |" not in page("metrics.md")]
    assert not [name for name in span_names.SPANS | ATTRIBUTES if f"| `{name}` |" not in page("traces.md")]
    assert not [name for name in names.EVENTS | KEYS if f"| `{name}` |" not in page("logs.md")]
    assert not [code for code in errors.ERRORS if f"| `{code}` |" not in page("errors.md")]
    assert not [code for code in closing.CLOSINGS if f"| `{code}` |" not in page("close-codes.md")]
    assert not [cause for cause in closing.CAUSES if f"`{cause}`" not in page("close-codes.md")]


@pytest.mark.parametrize("name", build.PAGES)
def test_every_row_has_as_many_cells_as_its_head(name):
    for block in re.findall(r"(?:^\|.*\n)+", page(name), re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


@pytest.mark.parametrize("name", build.PAGES)
def test_links_lead_to_files(name):
    for target in re.findall(r"\]\(([^)#]+)\)", page(name)):
        assert (build.REFERENCE / target).resolve().exists(), target


def test_a_bar_in_a_cell_does_not_end_it():
    assert table(["a"], [["x | y"]]).splitlines()[-1] == "| x \\| y |"
