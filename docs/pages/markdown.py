"""Tables and values as Markdown shows them."""

from collections.abc import Iterable, Sequence


def page(title: str, source: str, *parts: str) -> str:
    """A generated page: title, a hint where it comes from, parts with an empty line between them."""
    hint = f"<!-- Made from {source} by `make docs`; change it there. -->"
    return "\n\n".join([f"# {title}", hint, *parts]) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; empty cells stay empty."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def code(text: str | float) -> str:
    """A name or value in the type of code; nothing for nothing."""
    return f"`{text}`" if text != "" else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
