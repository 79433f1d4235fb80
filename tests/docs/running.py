"""What pages show, run as it stands there: programs in their languages, against a real server."""

import asyncio
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from deploy.npm_packages import node_modules
from service.settings.quick_start import built_in
from tests.e2e.served import KEY, SECRET, token
from tests.sdk.built import go_program, java_program

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0
URL = "ws://127.0.0.1:8000/connection/websocket"
_SOCKET = "import WebSocket from 'ws'; globalThis.WebSocket ??= WebSocket;"  # Node has one from 22 on


def fenced(page: str) -> list[tuple[str, str]]:
    """Every code block of a page with its language, "" for none."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a page in a language; "" for those without."""
    return [text for kind, text in fenced(page) if kind == language]


def quick_start(*pages: str) -> dict[str, Any]:
    """The built-in configuration with the namespaces that pages configure."""
    settings = built_in(KEY, SECRET)
    channel = settings["channel"]
    channel["namespaces"] = [space for page in pages for space in namespaces(page)]
    return settings


def namespaces(page: str) -> list[dict[str, Any]]:
    """Those of a page's examples."""
    found = [json.loads(each) for each in blocks(page, "json")]
    spaces = [each for tree in found for each in tree.get("channel", {}).get("namespaces", [])]
    return spaces + [tree for tree in found if "name" in tree]


class Program:
    """A program from a page: `async with Program(...) as program`, then `program.line(...)`."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._command = command
        self._folder = folder
        self.seen: list[str] = []

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *self._command, cwd=self._folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.communicate()

    async def line(self, wanted: str) -> str:
        """The next line that has this in it."""
        assert self._process.stdout is not None, "started with a pipe"
        try:
            async with asyncio.timeout(PATIENCE):
                while line := (await self._process.stdout.readline()).decode():
                    self.seen.append(line)
                    if wanted in line:
                        return line.strip()
        except TimeoutError:
            pass
        raise AssertionError(f"no {wanted!r} came, only: {''.join(self.seen)}")


def adapted(text: str, url: str, user: str = "ann") -> str:
    """The text with a server and a token for the reader's own."""
    assert URL in text or "<the printed token>" in text or "<token>" in text, "it connects somewhere"
    return text.replace(URL, url).replace("<the printed token>", token(user)).replace("<token>", token(user))


def javascript(text: str, folder: Path) -> Program:
    """An ES module under Node, with the packages of the SDK tests.

    Raises:
        Unavailable: there is no Node.

    """
    (folder / "node_modules").symlink_to(node_modules())
    (folder / "socket.mjs").write_text(_SOCKET)
    (folder / "page.mjs").write_text(text)
    return Program(["node", "--import", "./socket.mjs", "page.mjs"], folder)


def python(text: str, folder: Path) -> Program:
    """A program in this Python."""
    (folder / "page.py").write_text(text)
    return Program([sys.executable, "page.py"], folder)


def go(text: str, folder: Path) -> Program:
    """A program in Go; where the server is goes into it at run time, so that it is built once.

    Raises:
        Unavailable: there is no Go.

    """
    where = re.search(r'wss?://[^"]+', text)
    who = re.search(r'Token: "([^"]+)"', text)
    assert where is not None and who is not None, "it says where and who"
    told = text.replace(f'"{where[0]}"', 'os.Getenv("PAGE_URL")').replace(f'"{who[1]}"', 'os.Getenv("PAGE_TOKEN")')
    command = go_program(told.replace('\t"log"\n', '\t"log"\n\t"os"\n'))
    return Program(["env", f"PAGE_URL={where[0]}", f"PAGE_TOKEN={who[1]}", *command], folder)


def java(text: str, folder: Path) -> Program:
    """A class, likewise.

    Raises:
        Unavailable: there is no Java.

    """
    name = re.search(r"public class (\w+)", text)
    where = re.search(r'"(wss?://[^"]+)"', text)
    who = re.search(r'setToken\("([^"]+)"\)', text)
    assert name is not None and where is not None and who is not None, "it says where and who"
    told = text.replace(f'"{where[1]}"', 'System.getenv("PAGE_URL")').replace(
        f'"{who[1]}"', 'System.getenv("PAGE_TOKEN")'
    )
    command = java_program(name[1], told)
    return Program(["env", f"PAGE_URL={where[1]}", f"PAGE_TOKEN={who[1]}", *command], folder)
