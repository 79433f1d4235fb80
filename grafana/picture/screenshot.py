"""A screenshot of a page by headless Chromium."""

import shutil
import subprocess
import tempfile
from pathlib import Path

_QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--hide-scrollbars"),
    "--run-all-compositor-stages-before-draw",  # else the lowest lines are missing now and then
    "--virtual-time-budget=4000",  # milliseconds of the page's own clock
)


class NoPicture(Exception):  # noqa: N818 - says what happened
    """Chromium is missing or failed; the text says how."""


def screenshot(page: Path, picture: Path, width: int, height: int) -> None:
    """Write the picture (PNG) of a local page; width and height in pixels; raises `NoPicture`."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        raise NoPicture("Chromium is not installed; on Debian: apt-get install chromium")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        where = [f"--user-data-dir={profile}", f"--screenshot={picture.resolve()}", f"--window-size={width},{height}"]
        done = subprocess.run(  # noqa: S603 - our own page
            [chromium, *_QUIET, *where, page.resolve().as_uri()],
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
    if done.returncode or not picture.is_file():
        raise NoPicture(f"Chromium failed: {done.stderr[-400:]}")
    if pngquant := shutil.which("pngquant"):  # a third of the bytes; the picture is as good without
        command = [pngquant, "--force", "--ext", ".png", "--quality", "70-95", "--speed", "1", "--strip", str(picture)]
        subprocess.run(command, check=False, timeout=90)  # noqa: S603 - our own file
