"""Every fenced block of every page is executed by a test that is named here, or there is a reason why it is not."""

import re
from pathlib import Path

import pytest

from tests.docs import test_shell_lines as shell
from tests.docs.running import ROOT, fenced

LEFT_OUT = {".venv", "node_modules", ".pytest_cache", "bench/results", ".heliograph", "target", "tests"}
PAGES = sorted(
    str(page.relative_to(ROOT))
    for page in ROOT.rglob("*.md")
    if not any(str(page.relative_to(ROOT)).startswith(f"{each}/") for each in LEFT_OUT)
)
SNIPPETS = "tests/docs/test_snippets.py"
PRINTED = f"{SNIPPETS}::test_a_program_prints_what_is_published"
#: Blocks of a kind, wherever they stand.
KINDS = {
    "json": f"{SNIPPETS}::test_a_configuration_is_one",
    "yaml": f"{SNIPPETS}::test_a_configuration_in_yaml_is_one",
    "promql": "tests/grafana/test_queries.py::test_metrics_are_declared",
    "logql": "tests/grafana/test_queries.py::test_log_keys_are_declared",
}
#: Programs and the like, by page and kind.
EXECUTED = {
    ("README.md", "js"): PRINTED,
    ("README.md", "python"): PRINTED,
    ("docs/authentication.md", "python"): "tests/docs/test_hooks.py::test_the_token_counts",
    ("docs/clients.md", "go"): PRINTED,
    ("docs/clients.md", "java"): PRINTED,
    ("docs/clients.md", "js"): PRINTED,
    ("docs/clients.md", "python"): PRINTED,
    ("docs/connection.md", "mermaid"): "tests/docs/test_build.py::test_the_drawing_has_every_transition_and_no_other",
    ("docs/deltas.md", "js"): f"{SNIPPETS}::test_deltas_as_their_page_shows_them",
    ("docs/hooks.md", "python"): "tests/docs/test_hooks.py::test_the_backend_of_the_page_is_one",
    ("docs/presence.md", "js"): f"{SNIPPETS}::test_presence_as_its_page_shows_it",
    ("docs/protobuf.md", "js"): f"{SNIPPETS}::test_protobuf_as_its_page_shows_it",
    ("docs/protobuf.md", "python"): f"{SNIPPETS}::test_protobuf_as_its_page_shows_it",
    ("docs/receipts.md", "js"): f"{SNIPPETS}::test_receipts_as_their_page_shows_them",
    ("docs/receipts.md", "python"): f"{SNIPPETS}::test_receipts_as_their_page_shows_them",
    ("docs/recovery.md", "js"): f"{SNIPPETS}::test_recovery_as_its_page_shows_it",
    ("docs/rota.md", "yml"): "tests/docs/test_operate.py::test_the_rota_of_the_page",
    ("docs/subscriptions.md", "python"): f"{SNIPPETS}::test_a_subscription_token_as_its_page_makes_it",
    ("docs/tags-filter.md", "js"): f"{SNIPPETS}::test_a_tags_filter_as_its_page_shows_it",
    ("docs/transports.md", "js"): f"{SNIPPETS}::test_transports_as_their_page_lists_them",
    ("docs/transports.md", "nginx"): "tests/e2e/nginx.py::recommended",
}
#: What nobody can run, by page and how it begins: it is printed, or a formula; with the test that looks at the same.
SHOWN = {
    ("README.md", "make test"): "tests/test_makefile.py::test_tests_begin_with_their_set_up_and_the_checks",
    ("alerts/README.md", "rule → Alertmanager"): "tests/alerts/test_routing.py::test_",
    ("bench/README.md", "make bench"): "tests/test_makefile.py::test_tests_begin_with_their_set_up_and_the_checks",
    ("docs/install.md", "useradd"): "tests/deploy/test_systemd.py::test_systemd_understands_it",
    ("docs/install.md", "HELIOGRAPH_HTTP_API_KEY"): (
        "tests/deploy/test_systemd.py::test_its_command_serves_with_the_page_s_files_and_obeys"
    ),
    ("docs/install.md", "set -a"): (
        "tests/deploy/test_systemd.py::test_its_command_serves_with_the_page_s_files_and_obeys"
    ),
    ("docs/install.md", "git -C"): "tests/e2e/test_quick_start.py::test_a_newcomer_sees_a_message_arrive",
    ("docs/ledger.md", "accepted upgrades"): "tests/e2e/test_ledger.py::test_all_kinds_of_subscribers_and_ends_at_once",
    ("docs/ledger.md", "expected ="): "tests/e2e/test_ledger.py::test_all_kinds_of_subscribers_and_ends_at_once",
    (
        "docs/load.md",
        "heliograph load --users 5000 --channels 250",
    ): "tests/service/lab/load/test_report.py::test_the_text",
    ("docs/when-a-connection-dies.md", "connection 5c1b"): (
        "tests/e2e/test_why.py::test_no_pong_of_a_client_whose_network_is_whole"
    ),
    ("faults/README.md", "make lab"): "tests/faults/test_main.py::test_without_a_name_it_lists",
    ("faults/README.md", "docker compose -f docker-compose.yml -f build/lab"): (
        "tests/faults/test_containers.py::test_docker_s_client_accepts_both_files_together"
    ),
}
#: Commands of runbooks are for somebody's stack in trouble: ours are parsed, the others are the stack's own.
RUNBOOK_COMMANDS = "tests/alerts/test_runbooks.py::test_a_command_of_ours_takes_what_a_runbook_gives_it"
SHELL = ("", "sh", "bash")
BLOCKS = [(page, kind, text) for page in PAGES for kind, text in fenced(page)]


def shown(page, text):
    return next((test for (where, start), test in SHOWN.items() if where == page and text.startswith(start)), "")


def commands(text):
    return text.replace("\\\n", " ").splitlines()


def home(page, kind, text):
    """The test that runs it; "" for nobody."""
    if kind in SHELL:
        if page.startswith("alerts/runbooks/"):
            return RUNBOOK_COMMANDS
        looked_at = {each.values for each in shell.LINES}
        if all((page, line) in looked_at for line in commands(text)):
            return "tests/docs/test_shell_lines.py::test_a_line_does_what_the_page_says"
        return shown(page, text)
    return EXECUTED.get((page, kind)) or KINDS.get(kind, "")


def test_there_are_pages_and_blocks():
    assert {"README.md", "docs/tls.md", "bench/README.md"} < set(PAGES)
    assert len(BLOCKS) > 100


def test_no_fence_is_of_a_form_that_is_not_seen():
    for page in PAGES:
        fences = [line for line in (ROOT / page).read_text().splitlines() if line.lstrip().startswith(("```", "~~~"))]
        assert len(fences) == 2 * len(fenced(page)), page


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_executed_or_has_a_reason(page):
    homeless = [(kind, text[:60]) for where, kind, text in BLOCKS if where == page and not home(page, kind, text)]
    assert not homeless, "name the test that runs it in EXECUTED, or in SHOWN what looks at the same"


def test_nothing_is_listed_that_is_not_there():
    kinds = {(page, kind) for page, kind, _ in BLOCKS}
    assert set(EXECUTED) <= kinds
    for where, start in SHOWN:
        assert [text for page, _, text in BLOCKS if page == where and text.startswith(start)], (where, start)


def test_each_of_these_tests_exists_and_reads_its_page():
    """By the page's name, or by all pages at once."""
    for (page, _), named in EXECUTED.items():
        file, _, name = named.partition("::")
        source = (ROOT / file).read_text()
        assert f"def {name}(" in source, named
        if file != "tests/docs/test_build.py":
            assert Path(page).name in source, (page, named)
    for named in (*KINDS.values(), *SHOWN.values(), RUNBOOK_COMMANDS):
        file, _, name = named.partition("::")
        assert re.search(rf"def {name}", (ROOT / file).read_text()), named


def test_configurations_and_queries_are_looked_for_on_every_page_that_has_some():
    elsewhere = [page for page, kind, _ in BLOCKS if kind in {"json", "yaml"} and not page.startswith("docs/")]
    assert not elsewhere, "tests/docs/test_snippets.py looks at docs/ alone"
    queries = {page for page, kind, _ in BLOCKS if kind in {"promql", "logql"}}
    assert all(page.startswith("alerts/runbooks/") or re.fullmatch(r"docs/[^/]+", page) for page in queries)
