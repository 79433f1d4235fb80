"""What the pages for operators show is so: the rota, the commands, and the figures that they name."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

from deploy.native.images import read_dockerfile
from service.config import load
from tests.docs.running import ROOT, blocks


def test_the_rota_of_the_page(tmp_path):
    """The command prints what the page says that it prints."""
    page = (ROOT / "docs" / "rota.md").read_text()
    (text,) = blocks("docs/rota.md", "yml")
    (tmp_path / "rota.yml").write_text(text)
    (line,) = blocks("docs/rota.md", "")
    _, *arguments = shlex.split(line)
    done = subprocess.run(
        [sys.executable, "-m", "service", *arguments], cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert f"prints `{done.stdout.strip()}`" in page, (done.stdout, done.stderr)


def test_the_docker_lines_name_what_the_image_has():
    (text,) = (each for each in blocks("docs/install.md", "") if each.startswith("docker build"))
    build, run = (shlex.split(line) for line in text.splitlines())
    assert (ROOT / build[build.index("-f") + 1]).is_file()
    name = build[build.index("-t") + 1]
    command = run[run.index(name, run.index("--name") + 2) + 1 :]
    image = read_dockerfile(ROOT / "deploy" / "Dockerfile")
    assert command[:3] == ["python", "-m", "service"]
    assert "/app/service" in image.copies.values()
    mounted = [each.partition(":")[2].removesuffix(":ro") for each in run if each.endswith(":ro")]
    assert command[-1] in mounted


def test_the_page_s_file_serves_in_a_container(tmp_path):
    """With what the line says over it: from outside it can be reached, and its log is in a volume that it may write to."""
    (line,) = (
        each for each in (ROOT / "docs" / "install.md").read_text().splitlines() if each.startswith("docker run")
    )
    words = shlex.split(line)
    after = {option: [words[at + 1] for at, word in enumerate(words) if word == option] for option in ("-e", "-v")}
    (configuration,) = blocks("docs/install.md", "yaml")
    (tmp_path / "config.yaml").write_text(configuration)
    settings = load(tmp_path / "config.yaml", dict(each.split("=", 1) for each in after["-e"]))
    assert settings.http.public.host == "0.0.0.0"
    volumes = {each.split(":")[1] for each in after["-v"] if not each.endswith(":ro")}
    assert str(Path(settings.telemetry.log_file).parent) in volumes & {"/data", "/logs", "/inbox"}


def test_results_that_pages_name_are_there():
    """A page's figures are those of a run that was kept."""
    for page in ("capacity", "sampling"):
        named = re.findall(r"\(\.\./bench/results/([^)]+)\)", (ROOT / "docs" / f"{page}.md").read_text())
        assert named, page
        assert all((ROOT / "bench" / "results" / each).is_file() for each in named), page
