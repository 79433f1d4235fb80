"""Names in a PromQL expression: enough of the grammar to tell metrics, labels and functions apart."""

import re

#: One token: quoted text, a range, a number or duration, a name, anything else.
_TOKEN = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<range>\[[^\]]*\])|(?P<number>\d[\w.]*)"""
    r"""|(?P<name>\$?[a-zA-Z_:][\w:]*)|(?P<sign>[^\s\w])"""
)
_LISTS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_WORDS = _LISTS | {"and", "or", "unless", "bool", "offset", "atan2", "inf", "nan", "NaN", "Inf", "start", "end"}


def names(expression: str) -> tuple[set[str], set[str]]:
    """The metrics and the labels that an expression uses."""
    tokens = [(kind.lastgroup, kind[0]) for kind in _TOKEN.finditer(expression)]
    metrics: set[str] = set()
    labels: set[str] = set()
    braces, listing = 0, False
    for (kind, value), following in zip(tokens, [*tokens[1:], ("end", "")], strict=True):
        if value in "{}":
            braces += 1 if value == "{" else -1
        elif kind == "name" and value in _LISTS and following[1] == "(":
            listing = True
        elif value == ")":
            listing = False
        elif kind == "name" and (braces or listing):
            labels.add(value)
        elif kind == "name" and value not in _WORDS and _is_metric(value, following[1]):
            metrics.add(value)
    return metrics, labels


def _is_metric(name: str, following: str) -> bool:
    """Not a function, not an aggregation ("sum by (…)"), not a variable of the board."""
    return following not in {"(", "by", "without"} and not name.startswith("$")
