"""What the pages for operators show is so: the rota, the commands, and the figures that they name."""

import re
import shlex
import subprocess
import sys

from deploy.native.images import read_dockerfile
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


def test_results_that_pages_name_are_there():
    """A page's figures are those of a run that was kept."""
    for page in ("capacity", "sampling"):
        named = re.findall(r"\(\.\./bench/results/([^)]+)\)", (ROOT / "docs" / f"{page}.md").read_text())
        assert named, page
        assert all((ROOT / "bench" / "results" / each).is_file() for each in named), page
