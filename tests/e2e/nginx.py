"""A real nginx in front of the server, with the configuration that docs/transports.md recommends."""

import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

from tests.e2e.served import PATIENCE, free_port

PAGE = Path(__file__).resolve().parents[2] / "docs" / "transports.md"
UNPACKED = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "heliograph" / "nginx" / "usr" / "sbin"
AROUND = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {extra}
{recommended}
}}
"""


def found() -> str:
    """The program; "" when there is none, or none that runs here."""
    for path in (shutil.which("nginx"), "/usr/sbin/nginx", str(UNPACKED / "nginx")):
        if path and os.access(path, os.X_OK):
            done = subprocess.run([path, "-v"], capture_output=True, check=False)
            if not done.returncode:
                return path
    return ""


def recommended() -> str:
    """The block of the page."""
    (block,) = re.findall(r"```nginx\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return str(block)


class Nginx:
    """`with Nginx(folder, port) as proxy:` listens on `proxy.port` and hands on to `port`."""

    def __init__(self, folder: Path, target: int, block: str, extra: str = "") -> None:
        self.port = free_port()
        self._folder = folder
        assert block.count("server 127.0.0.1:8000;") == block.count("listen 80;") == 1, "the addresses of the page"
        block = block.replace("server 127.0.0.1:8000;", f"server 127.0.0.1:{target};")
        block = block.replace("listen 80;", f"listen 127.0.0.1:{self.port};")
        user = "user root;" if os.geteuid() == 0 else ""
        file = folder / "nginx.conf"
        file.write_text(AROUND.format(folder=folder, user=user, extra=extra, recommended=block))
        self._command = [found(), "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(file)]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Nginx":
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        end = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                assert self._process.poll() is None, (self._folder / "error.log").read_text()[-2000:]
                assert time.monotonic() < end, "nginx does not listen"
                time.sleep(0.02)

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.communicate(timeout=10)
