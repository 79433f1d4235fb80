"""``python -m tests.fuzz.process TARGET [libFuzzer options]``: one fuzzing process. It ends by itself, so it is spawned."""

import sys
import tempfile
from pathlib import Path

import atheris

from tests.fuzz.targets import guides, load


def main() -> None:
    name = sys.argv.pop(1)
    with atheris.instrument_imports(include=guides(name)):
        target = load(name)
    with tempfile.TemporaryDirectory() as folder:
        sys.argv[0] = again(name, Path(folder, "again"))
        atheris.Setup(sys.argv, target)
        atheris.Fuzz()


def again(name: str, script: Path) -> str:
    """What libFuzzer calls to start this program anew (it does for a merge), as it knows nothing of ``python -m``."""
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tests.fuzz.process {name} "$@"\n')
    script.chmod(0o700)
    return str(script)


if __name__ == "__main__":
    main()
