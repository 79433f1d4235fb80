"""Where a configuration comes from: a file (JSON, YAML or TOML by its name), the environment, flags. Later ones win."""

import json
import re
from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

from service.settings.kinds import texts
from service.settings.mistakes import Mistake, nearest, shown
from service.settings.option import Option, Section, walk

PREFIX: Final = "HELIOGRAPH_"
OLD_PREFIX: Final = "CENTRIFUGO_"
_DEEPEST: Final = 200
_NAMESPACES: Final = "CHANNEL_NAMESPACES"
# Kubernetes makes such variables for every service of a namespace; one that is called heliograph is likely.
_KUBERNETES: Final = re.compile(r"_SERVICE_(HOST|PORT)|_PORT(_\d+_(TCP|UDP|SCTP))?(_(PROTO|PORT|ADDR))?$")

Tree = dict[str, Any]


class Unreadable(Exception):  # noqa: N818 - says what is the matter
    """The file is not there or not what its name says; never shows what stands in it."""


def read_file(path: Path) -> Tree:
    """The file's tree.

    Raises:
        Unreadable: with a sentence.

    """
    parse = _PARSERS.get(path.suffix.lower())
    if parse is None:
        raise Unreadable(f"{path}: a configuration ends in .json, .yaml, .yml or .toml")
    try:
        found = parse(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise Unreadable(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Unreadable(f"{path}: is not UTF-8 text") from None
    except RecursionError:
        raise Unreadable(f"{path}: is nested too deeply") from None
    except ValueError as error:
        raise Unreadable(f"{path}: {error}") from None
    if not isinstance(found, dict):
        raise Unreadable(f"{path}: holds no options")
    return found


def _json(content: str) -> object:
    try:
        return json.loads(content, object_pairs_hook=_no_doubles)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error.msg} in line {error.lineno}, column {error.colno}") from None


def _no_doubles(pairs: list[tuple[str, object]]) -> Tree:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"says {next(name for name in names if names.count(name) > 1)} twice in one section")
    return found


def _nesting(content: str) -> int:
    """How deep brackets stand in brackets, at most; those in texts are counted, too."""
    steps = (1 if bracket in "[{" else -1 for bracket in re.findall(r"[][{}]", content))
    return max(accumulate(steps), default=0)


def _yaml(content: str) -> object:
    from yaml import YAMLError, load

    from service.settings.strict_yaml import StrictLoader, complaint

    if _nesting(content) > _DEEPEST:  # libyaml's composer goes down by recursion in C, without a limit
        raise ValueError("is nested too deeply")
    try:
        return load(content, StrictLoader) or {}  # noqa: S506 - a safe loader
    except YAMLError as error:
        raise ValueError(f"is not YAML: {complaint(error)}") from None


def _toml(content: str) -> object:
    import tomllib

    try:
        return tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line \d+, column \d+", str(error))
        raise ValueError(f"is not TOML: malformed{' ' + line[0] if line else ''}") from None


_PARSERS: Final = {".json": _json, ".yaml": _yaml, ".yml": _yaml, ".toml": _toml}


def overlay(tree: Tree, environ: Mapping[str, str], root: Section) -> tuple[dict[str, str], list[Mistake]]:
    """Lay the environment over a tree.

    Returns:
        Path -> name of the variable that gave it, and variables that nobody knows or that are malformed.

    """
    given = {name: value for name, value in sorted(environ.items()) if name.startswith(PREFIX) and value}
    if not given:
        return {}, []
    names = {environment_name(path): (path, option) for path, option in walk(root) if "[]" not in path}
    origins: dict[str, str] = {}
    mistakes: list[Mistake] = []
    _lay_lists(tree, given, origins, mistakes, root)
    single = _single_namespaces(tree, root)
    for name, value in given.items():
        path, option = names.get(name) or single.get(name) or ("", None)
        if option is not None:
            put(tree, path, _split(value) if option.convert is texts else value)
            origins[path] = name
        elif not _foreign(name):
            mistakes.append(_nobody_knows(name, value, names, root))
    return origins, mistakes


def environment_name(path: str) -> str:
    """The variable of an option, by Centrifugo's rule."""
    return PREFIX + path.upper().replace(".", "_")


def put(tree: Tree, path: str, value: object) -> None:
    """Set one value at a path such as ``channel.namespaces[0].history_size``."""
    *way, name = path.split(".")
    for step in way:
        key, _, index = step.partition("[")
        below = tree.get(key)
        if index:
            tree = tree[key][int(index.rstrip("]"))]
        elif isinstance(below, dict):
            tree = below
        else:
            tree[key] = tree = {}
    tree[name] = value


def _lay_lists(
    tree: Tree, given: dict[str, str], origins: dict[str, str], mistakes: list[Mistake], root: Section
) -> None:
    """Lists of sections, such as namespaces and listeners: JSON, or names of what is otherwise as by default."""
    for place in dict.fromkeys(path.partition("[]")[0] for path, _ in walk(root) if "[]" in path):
        name = environment_name(place)
        value = given.pop(name, None)
        if value is None:
            continue
        try:
            listed = json.loads(value) if value.lstrip().startswith("[") else [{"name": each} for each in value.split()]
        except json.JSONDecodeError as error:
            mistakes.append(Mistake(name, f"is not a JSON list: {error.msg} in column {error.colno}"))
        else:
            put(tree, place, listed)
            origins[place] = name


def _single_namespaces(tree: Tree, root: Section) -> dict[str, tuple[str, Option]]:
    """Variables for one option of one namespace: HELIOGRAPH_CHANNEL_NAMESPACES_<NAME>_<OPTION>."""
    channel, known = tree.get("channel"), root.members["channel"]
    listed = channel.get("namespaces") if isinstance(channel, dict) else None
    if not isinstance(listed, list) or not isinstance(known, Section):
        return {}
    section = known.members["namespaces"]
    assert isinstance(section, Section), "namespaces are sections"
    found = {}
    for index, item in enumerate(listed):
        if isinstance(item, dict) and isinstance(item.get("name"), str):
            called = re.sub(r"[.-]", "_", item["name"]).upper()
            for path, option in walk(section):
                variable = f"{PREFIX}{_NAMESPACES}_{called}_{path.upper().replace('.', '_')}"
                found[variable] = (f"channel.namespaces[{index}].{path}", option)
    return found


def _split(value: str) -> object:
    """A list in the environment: JSON, or separated by spaces as Centrifugo has it."""
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            return {}  # which is no list, and is told so
    return value.split()


def _foreign(name: str) -> bool:
    return name.startswith(PREFIX + "VAR_") or _KUBERNETES.search(name) is not None


def _nobody_knows(name: str, value: str, names: Mapping[str, tuple[str, Option]], root: Section) -> Mistake:
    like, option = nearest(name.removeprefix(PREFIX).lower(), Section(), root)
    hint = f"; did you mean {environment_name(like)}?" if option is not None and environment_name(like) in names else ""
    near = environment_name(like) if like else ""
    return Mistake(name, f"there is no such option{hint}", shown(value, option, name, near))


def left_behind(environ: Mapping[str, str], root: Section) -> list[str]:
    """Variables of Centrifugo that this server would know under its own prefix, and does not read."""
    old = {PREFIX + name.removeprefix(OLD_PREFIX): name for name in environ if name.startswith(OLD_PREFIX)}
    if not old:
        return []
    known = {environment_name(path) for path, _ in walk(root)}
    return [f"{name} is not read here; its name is {new}" for new, name in sorted(old.items()) if new in known]
