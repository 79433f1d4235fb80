"""One HTML file that holds everything: shapes, drawing code, uPlot."""

import json
from pathlib import Path
from typing import Any

from deploy.npm_packages import node_modules

HERE = Path(__file__).parent


def page(shapes: dict[str, Any], drawer: str) -> str:
    """The page with the shapes; ``drawer`` names the script of this folder that draws them.

    Raises:
        Unavailable: uPlot cannot be had (from `deploy.npm_packages`).

    """
    uplot = node_modules(HERE) / "uplot" / "dist"
    styles = (uplot / "uPlot.min.css").read_text() + (HERE / "page.css").read_text()
    data = json.dumps(shapes, ensure_ascii=False).replace("</", "<\\/")
    scripts = ((uplot / "uPlot.iife.min.js").read_text(), f"const shapes = {data};", (HERE / drawer).read_text())
    return "\n".join(
        [
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{shapes["title"]}</title>',
            f'<style>{styles}</style><body><h1></h1><p id="about"></p><main></main>',
            *(f"<script>{script}</script>" for script in scripts),
            "</body></html>\n",
        ]
    )
