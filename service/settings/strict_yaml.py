"""YAML that says nothing twice: a doubled name would silently win over the first."""

from typing import Any

import yaml

_Safe = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class StrictLoader(_Safe):  # type: ignore[misc, valid-type]
    """The safe loader, with doubled names refused."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """As the safe loader does."""
        seen = set()
        for key, _ in node.value:
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(None, None, f"says {key.value} twice", key.start_mark)
            seen.add(str(key.value))
        made: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return made
