"""One stack for all tests of this folder."""

import time

import pytest

from deploy.native.programs import PROGRAMS, find
from faults.running import Running
from tests.stack.running import ADDED


@pytest.fixture(scope="session")
def running(tmp_path_factory, told):
    """The compose file, started with its own commands and files; stopped whatever happens."""
    missing = [program.name for program in PROGRAMS if find(program.name) is None]
    if missing:
        pytest.skip(f"the stack's programs are not built ({', '.join(missing)}): make programs")
    running = Running(tmp_path_factory.mktemp("stack"), ADDED)
    spaces = running.stack.spaces
    told("")
    told(f"the stack, {'in namespaces: ' + ' '.join(spaces[1:]) if spaces else 'without namespaces'}")
    for line in running.stack.differences:
        told(f"changed: {line}")
    began = time.monotonic()
    with running.stack as stack:
        told(f"up after {time.monotonic() - began:.1f} s: {', '.join(f'{n} {s:.1f}' for n, s in stack.ready.items())}")
        yield running
        stack.check()
