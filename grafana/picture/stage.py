"""A stack of its own for the pictures: all of the compose file, quiet at first, then with users that read slowly."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from deploy.native.compose import Published, Service
from deploy.native.roots import ROOT
from deploy.native.stack import Stack

#: Ports that the pictures ask, by the type that queries name; Loki's is kept inside by the compose file.
ASKED: Final = {"prometheus": 9090, "loki": 3100, "jaeger": 16686}
#: Users that join for the middle of the time: a third of them has a line too narrow for what is published.
CROWD: Final = (
    "--users 60 --channels 3 --rate 30 --size 4096 --drop 10 --bad 5 --churn 1 "
    "--weak share=20,delay=100ms,jitter=30ms,rate=64kbit"
)


@contextlib.contextmanager
def stage(minutes: float) -> Iterator[dict[str, str]]:
    """URLs of the data sources of a stack that has run for so long; it is stopped afterwards."""
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder) / "state", any_port=True, change=_asked) as stack:
        quiet = minutes * 60 / 4
        time.sleep(quiet)
        _crowd(stack, Path(folder), 2 * quiet)
        time.sleep(quiet)
        stack.check()
        yield {source: f"http://{stack.address(source, port)}" for source, port in ASKED.items()}


def _crowd(stack: Stack, folder: Path, seconds: float) -> None:
    """Plays the crowd for so long."""
    (folder / ".heliograph").symlink_to(stack.volume("keys"))
    server = f"http://{stack.address('heliograph', 8000)}"
    command = [sys.executable, "-m", "service", "load", "--server", server, "--duration", f"{seconds:.0f}s"]
    subprocess.run(  # noqa: S603 - our own program
        [*command, *CROWD.split()],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,  # some users are cut, as they shall be; what it says about that is no fault
        stdout=subprocess.DEVNULL,
        timeout=seconds + 120,
    )


def _asked(service: Service) -> Service:
    port = ASKED.get(service.name, 0)
    if not port or any(published.inside == port for published in service.published):
        return service
    return replace(service, published=(*service.published, Published("127.0.0.1", 0, port)))
