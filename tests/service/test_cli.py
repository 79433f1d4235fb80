import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from service import cli

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.usefixtures("own_folder")


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["serve"], {}),
        (["serve", "--config", "c.yaml", "--port", "1"], {"config": Path("c.yaml"), "port": 1}),
        (["serve", "--config=c.yaml", "--internal-port=0"], {"config": Path("c.yaml"), "internal_port": 0}),
        (["serve", "--lenient", "--print-config"], {"lenient": True, "print_config": True}),
        (["serve", "--port", "x"], None),
        (["serve", "--port"], None),
        (["serve", "--config", "--lenient"], None),
        (["serve", "--help"], None),
        (["serve", "more"], None),
        (["token"], None),
        ([], None),
    ],
)
def test_only_a_plain_serve_takes_the_short_way(arguments, found):
    assert cli._plain_serve(arguments) == found


def test_the_short_way_needs_no_typer():
    program = (
        "import sys; sys.argv = ['heliograph', 'serve', '--print-config']\n"
        "from service.cli import main\n"
        "try: main()\n"
        "finally: assert 'typer' not in sys.modules, 'typer was imported'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(ROOT)}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_who_has_read_enough_sees_no_traceback():
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m service serve --print-config | head -1"],
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}, capture_output=True, check=False,
    )  # fmt: skip
    assert done.stdout.startswith(b"# Heliograph's quick-start configuration")
    assert done.stderr == b""


def test_ctrl_c_before_anything_has_begun_is_no_traceback(monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_run", interrupted)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 130


def test_check_config_tells_all_mistakes_at_once(tmp_path):
    """As a person types it: place, value and nearest known name of each, a secret of none, exit code 1."""
    file = tmp_path / "c.toml"
    file.write_text(
        '[http_server]\nport = 70000\n[http_api]\nkye = "s3cret-s3cret"\n'
        '[client]\nping_interval = 25\nalowed_origins = ["*"]\n[client.token]\nhmac_secret_key = 12345678\n'
    )
    done = subprocess.run(
        [sys.executable, "-m", "service", "check-config", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    said = done.stderr
    assert f"{file}: 5 mistakes" in said
    for words in (
        "http_server.port = 70000: takes a port",
        "http_api.kye = ***: there is no such option; did you mean key?",
        "client.ping_interval = 25: takes a duration",
        "client.alowed_origins: there is no such option; did you mean allowed_origins?",
        "client.token.hmac_secret_key = ***: takes text",
    ):
        assert words in said, said
    assert "s3cret" not in said
    assert "12345678" not in said
    assert "Traceback" not in said


async def run(*words, cwd):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "service",
        *words,
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    return process


async def until(stream, word):
    """The lines until one has this word, that one included."""
    lines = []
    while word not in (lines[-1] if lines else ""):
        line = await asyncio.wait_for(stream.readline(), 20)
        assert line, f"{word} was not said: {lines}"
        lines.append(line.decode())
    return lines


async def test_the_first_minutes(tmp_path):
    """Start without anything, listen, publish, stop: with our own commands, as a newcomer would."""
    server = await run("serve", "--port", "0", "--internal-port", "0", cwd=tmp_path)
    banner = "".join(await until(server.stderr, "listening on"))
    url = banner.rpartition("listening on ")[2].split()[0]
    key = next(line.split()[-1] for line in banner.splitlines() if "API key" in line)
    assert f"{url}/demo" in banner
    assert (tmp_path / ".heliograph" / "api_key").read_text().strip() == key
    listener = await run("sub", "news", "--server", url, "--count", "1", cwd=tmp_path)
    await until(listener.stderr, "subscribed to news, recoverable")
    publisher = await run("pub", "news", '{"text":"hello"}', "--server", url, cwd=tmp_path)
    said, _ = await publisher.communicate()
    assert said.decode().startswith("published to news, offset 1 of epoch ")
    heard, _ = await listener.communicate()
    assert heard.decode() == 'news 1 {"text": "hello"}\n'
    server.terminate()
    out, _ = await server.communicate()
    assert server.returncode == 0
    assert key.encode() not in out, "the key stands in the log"
