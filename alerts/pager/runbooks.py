"""Runbooks as pages, without a network: alerts/runbooks/*.md, rendered by markdown-it."""

import re
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt

FOLDER: Final = Path(__file__).parent.parent / "runbooks"
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}")  # of an alert; no path can be spelt with these
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable("table")


def listed(folder: Path = FOLDER) -> list[str]:
    """Names of all runbooks, in their order."""
    return sorted(page.stem for page in folder.glob("*.md") if _NAME.fullmatch(page.stem))


def html(name: str, folder: Path = FOLDER) -> str | None:
    """A runbook's text as HTML, None when there is none of that name."""
    if name not in listed(folder):
        return None
    return str(_MARKDOWN.render((folder / f"{name}.md").read_text(encoding="utf-8")))
