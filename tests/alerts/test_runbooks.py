"""Runbooks: one form, queries that parse and use declared names, commands that exist."""

import re
from pathlib import Path

import pytest
import yaml

from tests.alerts.promtool import promtool

RUNBOOKS = sorted((Path(__file__).parents[2] / "alerts" / "runbooks").glob("*.md"))
SECTIONS = ["Symptom", "Is it us?", "Three queries", "Mitigation", "Root cause", "How it was tested"]
each = pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


@each
def test_a_runbook_has_one_form(page):
    text = page.read_text()
    assert text.startswith(f"# {page.stem}\n\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == SECTIONS


@each
def test_a_runbook_has_three_queries_and_a_command(page):
    assert len(blocks(page, "promql") + blocks(page, "logql")) == 3
    assert blocks(page, "sh")


@each
def test_the_queries_parse(page, tmp_path):
    rules = [{"record": f"runbook:q{n}", "expr": query.strip()} for n, query in enumerate(blocks(page, "promql"))]
    (tmp_path / "queries.yml").write_text(yaml.safe_dump({"groups": [{"name": page.stem, "rules": rules}]}))
    said = promtool("check", "rules", tmp_path / "queries.yml")
    assert said.returncode == 0, said.stdout + said.stderr


@each
def test_the_tests_that_a_runbook_names_exist(page):
    for place in re.findall(r"`((?:alerts|tests)/[\w./]+)`", page.read_text()):
        if place != "tests/stack/":  # needs the whole stack and comes with it
            assert (page.parents[2] / place).exists(), place
