"""Each line for a shell that a page shows is run as it stands there, or another test is named that does what it says."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.docs.running import ROOT, blocks, quick_start
from tests.e2e.served import KEY, Served, token

PAGES = sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("*.md"))
COMMANDS = ("curl ", "heliograph ", ".venv/bin/heliograph ", "make ", "docker ", "git clone ", "python -m ")
ELSEWHERE = {
    "make run": "tests/e2e/test_quick_start.py::test_a_newcomer_sees_a_message_arrive",
    "git clone": "tests/e2e/test_quick_start.py::test_a_newcomer_sees_a_message_arrive",
    "make test": "tests/test_makefile.py::test_tests_begin_with_their_set_up_and_the_checks",
    "make bench": "tests/test_makefile.py::test_tests_begin_with_their_set_up_and_the_checks",
    "make fuzz": "tests/fuzz/test_fuzz.py::test_a_hundred_thousand_inputs_hold",
    "make boards": "tests/grafana/test_picture.py::test_every_panel_of_every_board_can_be_drawn_of_nothing",
    "python -m grafana.picture": "tests/grafana/test_picture.py::test_every_panel_of_every_board_can_be_drawn_of_nothing",
    "docker compose up": "tests/deploy/test_compose_file.py::test_docker_compose_accepts_it_without_an_env_file",
    "docker build": "tests/docs/test_operate.py::test_the_docker_lines_name_what_the_image_has",
    "docker run": "tests/docs/test_operate.py::test_the_docker_lines_name_what_the_image_has",
    "heliograph oncall who": "tests/docs/test_operate.py::test_the_rota_of_the_page",
    "make stack": "tests/stack/test_make_stack.py::test_everything_comes_up_answers_and_goes",
    "make lab": "tests/faults/test_main.py::test_it_may_be_held",
    "heliograph load": "tests/service/test_load_command.py::test_every_option_is_in_the_plan",
    "heliograph why": "tests/e2e/test_why.py::test_",
}
#: What a line prints, by what it begins with; every line that is not elsewhere is here.
PRINTS = {
    ".venv/bin/heliograph token --user ann": r"^eyJ",
    ".venv/bin/heliograph pub news": r"published to news, offset \d+ of epoch",
    "curl -s http://127.0.0.1:9000/metrics": r"heliograph_heartbeats_missed_total",
    "curl -s http://127.0.0.1:9000/ready": r'"ready":true',
    "curl -N ": r'"client":',
    r"curl .*/api/publish$": r'"result":',
    r"curl .*/api/channels$": r'"channels":\{',
    r"curl .*/api/history$": r'"publications":\[',
    r"curl .*/api/history_remove$": r'"result":\{\}',
    r"curl .*/debug/": r"^\{",
}  # fmt: skip


def lines():
    for page in ["README.md", *PAGES]:
        whole = "\n".join(text for kind in ("sh", "bash", "") for text in blocks(page, kind)).replace("\\\n", " ")
        for line in whole.splitlines():
            if line.startswith(COMMANDS):
                yield pytest.param(page, line, id=f"{page}: {line[:60]}")


LINES = list(lines())


def elsewhere(line):
    return next((test for start, test in ELSEWHERE.items() if line.startswith(start)), "")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    settings = quick_start("docs/channels.md", "docs/tags-filter.md") | {
        each: {"enabled": True} for each in ("uni_http_stream", "uni_sse", "http_stream", "sse")
    }
    with Served(tmp_path_factory.mktemp("server"), settings) as served:
        yield served


def test_there_are_lines():
    assert len(LINES) >= 15


@pytest.mark.parametrize(("page", "line"), [each for each in LINES if not elsewhere(each.values[1])])
def test_a_line_does_what_the_page_says(server, page, line):
    if line.startswith("curl") and not shutil.which("curl"):
        pytest.skip("curl not found")
    known = [prints for start, prints in PRINTS.items() if re.match(start, line)]
    assert len(known) == 1, "say in PRINTS what this line prints, or in ELSEWHERE which test shows it"
    told = line.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}").replace("<token>", token("ann"))
    told = told.replace("127.0.0.1:9000", f"127.0.0.1:{server.internal_port}").replace("curl -N", "curl -m 2 -N")
    ours = f"{sys.executable} -m service"
    told = told.replace(".venv/bin/heliograph pub", f"{ours} pub --server http://127.0.0.1:{server.port}")
    told = told.replace(".venv/bin/heliograph", ours) + (f" --config {server.config}" if " token " in line else "")
    done = subprocess.run(
        ["sh", "-c", told], cwd=ROOT, capture_output=True, text=True, timeout=30,
        env={**os.environ, "KEY": KEY, "HELIOGRAPH_HTTP_API_KEY": KEY},
    )  # fmt: skip
    assert re.search(known[0], done.stdout), (page, done.stdout, done.stderr)


def test_the_others_are_shown_by_tests_that_exist():
    for named in ELSEWHERE.values():
        file, _, name = named.partition("::")
        assert f"def {name}" in (ROOT / file).read_text(), named
    assert set(ELSEWHERE) <= {start for start in ELSEWHERE for each in LINES if each.values[1].startswith(start)}
