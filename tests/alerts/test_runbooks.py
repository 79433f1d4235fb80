"""Runbooks: one form, queries that parse and use declared names, commands that exist."""

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from service.commands import app
from service.protocol import closing
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


def our_commands():
    """Lines that run a command of ours, here or in a container."""
    for page in RUNBOOKS:
        for line in "".join(blocks(page, "sh")).splitlines():
            if found := re.search(
                r"(?:^|\| *)heliograph ([a-z].*)|python -m service ([a-z].*)", line.partition("#")[0]
            ):
                yield pytest.param((found[1] or found[2]).split("|")[0], id=f"{page.stem}: {line[:50]}")


@pytest.mark.parametrize("words", list(our_commands()))
def test_a_command_of_ours_takes_what_a_runbook_gives_it(words):
    first, *rest = shlex.split(words)
    command = get_command(app).commands[first]
    if "--help" in rest:
        rest.remove("--help")
        assert first == "sub"
        rest.append("news")
    command.make_context(first, rest)  # raises for an option or an argument that is none


def test_who_is_cut_by_a_runbook_may_come_back():
    lines = [
        line for page in RUNBOOKS for line in "".join(blocks(page, "sh")).splitlines() if "/api/disconnect" in line
    ]
    bodies = [json.loads(re.search(r"-d '(.*)'", line)[1]) for line in lines]
    assert bodies
    assert all(closing.CLOSINGS[body["disconnect"]["code"]].reconnect for body in bodies)
    assert all(body["disconnect"]["reason"] for body in bodies), "the JavaScript SDK obeys no code alone"
