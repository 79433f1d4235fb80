"""Pure: a configuration that may be shown."""

from typing import Any

from service.settings.option import looks_secret


def masked(tree: Any, name: str = "") -> Any:
    """The tree with the values of secrets, and of what may be one, replaced by ``***``."""
    if isinstance(tree, dict):
        return {key: masked(value, str(key)) for key, value in tree.items()}
    if isinstance(tree, list):
        return [masked(value, name) for value in tree]
    return "***" if tree not in ("", None) and looks_secret(name) else tree
