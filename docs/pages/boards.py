"""Every board with its panels: what each shows, what is normal, what to do."""

from typing import Any

from docs.pages.markdown import page
from grafana.questions import boards as generated

ORDER = (
    "overview", "connections", "messages", "backlog", "broker", "runtime", "slo", "oncall", "logs", "telemetry",
)  # fmt: skip


def boards() -> str:
    """A section for each board; boards that the order does not name come last."""
    known = generated()
    names = [*ORDER, *sorted(known.keys() - set(ORDER))]
    return page(
        "Boards",
        "grafana/dashboards",
        "What each panel shows, what is normal, and what to do when it is not: the same words as behind the panel's "
        "information sign in Grafana. How to get from one to the other: [Boards](../boards.md).",
        *(_section(known[name]) for name in names),
    )


def _section(board: dict[str, Any]) -> str:
    panels = "\n".join(f"- **{panel['title']}.** {panel['description']}" for panel in board["panels"])
    return f"## {board['title'].removeprefix('Heliograph: ')}\n\n{board['description']}\n\n{panels}"
