"""The command line. ``serve`` has a way of its own past typer, so that a start does not pay for what help needs."""

import gc
import os
import sys
from pathlib import Path
from typing import Any

_FLAGS = {"--config": Path, "--port": int, "--internal-port": int}
_SWITCHES = ("--lenient", "--print-config")


def main() -> None:
    """Run the command that ``sys.argv`` names; ends the process with its exit code."""
    try:
        _run()
    except KeyboardInterrupt:  # before anything has begun
        raise SystemExit(130) from None
    except BrokenPipeError:  # whoever read what is printed has enough: `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None


def _run() -> None:
    plain = _plain_serve(sys.argv[1:])
    if plain is not None:
        gc.disable()  # until observability.runtime takes over: what is imported stays, a tenth of the start is saved
        from service.serve_command import serve

        raise SystemExit(serve(**plain))
    from service.commands import app

    app(prog_name="heliograph")


def _plain_serve(arguments: list[str]) -> dict[str, Any] | None:
    """The flags of a well-formed ``serve``; None for whatever typer has to look at."""
    if not arguments or arguments[0] != "serve":
        return None
    found: dict[str, Any] = {}
    rest = [part for word in arguments[1:] for part in (word.split("=", 1) if word.startswith("--") else [word])]
    while rest:
        flag = rest.pop(0)
        name = flag.removeprefix("--").replace("-", "_")
        if flag in _SWITCHES:
            found[name] = True
        elif flag in _FLAGS and rest and not rest[0].startswith("-"):
            try:
                found[name] = _FLAGS[flag](rest.pop(0))
            except ValueError:
                return None
        else:
            return None
    return found
