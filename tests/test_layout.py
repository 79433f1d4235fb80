"""The tests mirror the tree, and the house keeps its measures."""

import ast
import functools
import re
import statistics
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("service", "observability")
HOMELESS = {"utils", "helpers", "common", "base", "manager", "misc"}
PURE = """
service/protocol/messages.py service/protocol/errors.py service/protocol/closing.py service/protocol/codec.py
service/protocol/json_codec.py service/protocol/deflate.py service/protocol/framing.py service/protocol/payload.py service/protocol/tolerance.py service/broker/stream.py service/channels/namespaces.py
service/channels/turns.py service/channels/recovery.py service/connections/session.py service/connections/questions.py
service/connections/heartbeat.py service/connections/wheel.py service/connections/outbox.py
service/connections/negotiation.py service/access/rules.py observability/sampling.py
service/connections/inbox.py service/connections/standing.py service/connections/commands/asking.py
service/connections/commands/connecting.py service/connections/commands/publishing.py
service/connections/commands/subscribing.py service/connections/slowness.py service/connections/weather.py
service/connections/losses.py service/connections/cors.py service/connections/manners.py
service/connections/stream_variants.py service/protocol/streams.py service/protocol/unidirectional.py
service/connections/deadlines.py service/connections/limits.py service/connections/admission.py
service/connections/pressure.py service/connections/addresses.py service/connections/proxy_protocol.py service/access/certificates.py
service/outside/breaker.py service/outside/retry.py service/outside/failures.py
service/access/hook_messages.py service/access/hook_settings.py service/connections/renewals.py
service/connections/commands/renewing.py service/connections/commands/listing.py
service/access/naming.py service/access/refusals.py service/access/public_keys.py service/access/signatures.py
service/access/token_settings.py
service/connections/commands/ordering.py service/connections/states.py service/connections/pace.py service/api/api_arguments.py
""".split()
IMPURE = {"asyncio", "time", "aiohttp", "socket", "redis", "prometheus_client", "structlog", "opentelemetry"}


def sources():
    for room in ROOMS:
        yield from (f for f in sorted((ROOT / room).rglob("*.py")) if f.name != "__init__.py")


@functools.cache
def tree_of(file):
    return ast.parse(file.read_text())


def functions():
    for file in sources():
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                yield file, node.name, (body[-1].end_lineno - body[0].lineno + 1) if body else 0


@pytest.mark.parametrize("file", list(sources()), ids=lambda f: str(f.relative_to(ROOT)))
def test_a_source_file_has_its_test_file(file):
    place = file.relative_to(ROOT)
    assert (ROOT / "tests" / place.parent / f"test_{place.stem.strip('_')}.py").exists(), (
        f"no test file mirrors {place}"
    )


def test_the_map_has_every_file_of_the_largest_room():
    room = ROOT / "service" / "connections"
    said = re.search(r"## The largest room(.*?)\n## ", (room.parent / "README.md").read_text(), re.DOTALL)[1]
    assert set(re.findall(r"`(\w+)`", said)) == {f.stem for f in room.glob("*.py")} - {"__init__"}


def test_no_room_is_a_box_for_everything():
    assert not [f for f in sources() if f.stem in HOMELESS]


def test_files_have_one_subject():
    assert not [f"{f.relative_to(ROOT)}: {n}" for f in sources() if (n := f.read_text().count("\n")) > 400]


def test_functions_are_small():
    sizes = sorted(size for _, _, size in functions())
    assert statistics.median(sizes) <= 8
    assert sizes[int(len(sizes) * 0.9)] <= 30
    assert not [f"{f.relative_to(ROOT)}:{name} {size}" for f, name, size in functions() if size > 60]


@pytest.mark.parametrize("place", PURE)
def test_a_pure_room_touches_nothing(place):
    """No async, no clock, no socket, no telemetry."""
    tree = tree_of(ROOT / place)
    for node in ast.walk(tree):
        assert not isinstance(node, ast.AsyncFunctionDef | ast.Await), f"{place}:{node.lineno} waits"
        if isinstance(node, ast.Import):
            named = {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            named = {node.module.split(".")[0]}
        else:
            continue
        assert not named & IMPURE, f"{place}:{node.lineno} imports {named & IMPURE}"


def test_no_file_needs_one_that_needs_it():
    """Imports for types alone and late ones included."""
    files = {".".join(file.relative_to(ROOT).with_suffix("").parts): file for file in sources()}
    needs = {name: set() for name in files}
    for name, file in files.items():
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.ImportFrom):
                needs[name] |= files.keys() & {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
    TopologicalSorter(needs).prepare()  # names the circle where there is one


@pytest.mark.parametrize("room", [*ROOMS, "alerts", "bench", "deploy", "docs", "faults", "grafana"])
def test_nothing_needs_the_tests(room):
    for file in (ROOT / room).rglob("*.py"):
        imported = [node.module for node in ast.walk(tree_of(file)) if isinstance(node, ast.ImportFrom)]
        assert not [name for name in imported if (name or "").split(".")[0] == "tests"], file


def test_a_folder_comes_with_its_first_use():
    folders = [d for room in ROOMS for d in (ROOT / room).rglob("*") if d.is_dir() and d.name != "__pycache__"]
    assert not [d for d in folders if not any(f.is_file() for f in d.rglob("*"))]
