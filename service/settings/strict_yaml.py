"""YAML that says nothing twice, since a doubled name would silently win over the first; what is wrong has its place."""

from typing import Any

import yaml
from yaml.constructor import ConstructorError

_Safe = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class StrictLoader(_Safe):  # type: ignore[misc, valid-type]
    """The safe loader, with doubled names refused."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """As the safe loader does."""
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):  # "{{ port }}" of a template that nobody has filled in
                raise ConstructorError(None, None, "a name cannot be a list or a mapping", key.start_mark)
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                raise ConstructorError(None, None, f"says {key.value} twice", key.start_mark)
            seen.add(key.value)
        made: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return made

    def _moment(self, node: yaml.ScalarNode) -> object:
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError as error:
            raise ConstructorError(None, None, f"no such day or time: {error}", node.start_mark) from None


StrictLoader.add_constructor("tag:yaml.org,2002:timestamp", StrictLoader._moment)  # noqa: SLF001 - its own


def complaint(error: yaml.YAMLError) -> str:
    """What is wrong and where, without what stands there."""
    mark = getattr(error, "problem_mark", None)
    place = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"{getattr(error, 'problem', None) or 'malformed'}{place}"
