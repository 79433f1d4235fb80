"""Every option, and how a configuration is read."""

import re

from docs.pages.markdown import code, page, table
from service.settings.elsewhere import add_elsewhere
from service.settings.kinds import Misfit
from service.settings.option import Option, Section, walk
from service.settings.options import ours
from service.settings.reading import environment_name

WORDS = {
    "switch": "true or false",
    "whole": "number",
    "rate": "number",
    "port": "port",
    "port_or_empty": "port",
    "text": "text",
    "texts": "list of texts",
    "duration": "duration",
    "headers": "names with texts",
}

_READ = (
    "A file (JSON, YAML or TOML by its name) with Centrifugo 6's structure and words, then the environment, then the "
    "command line's flags; what comes later wins. An option's variable is its path in capitals: "
    "`client.ping_interval` is `{variable}`. Lists are separated by spaces or written as JSON; what has options "
    "of its own (namespaces, listeners) is JSON: `HELIOGRAPH_CHANNEL_NAMESPACES`. One option of one namespace is "
    "`HELIOGRAPH_CHANNEL_NAMESPACES_<NAME>_<OPTION>`. Durations carry their unit: `25s`, `1m30s`, `500ms`."
)
_CHECKED = (
    "`heliograph check-config FILE` tells every mistake at once: an option that nobody knows, with the nearest name; a "
    "value that does not fit; what does not go together. Another {count} options of Centrifugo 6.9 are known and not "
    "available yet: left off they are accepted, switched on they are a mistake, and with `--lenient` a warning."
)


def options() -> str:
    """The options of this server by section, and how many of Centrifugo's it has not."""
    tree = ours()
    parts: list[str] = []
    for path, section in _sections(tree):
        rows = [
            [code(name), _takes(option), _default(option), option.doc]
            for name, option in section.members.items()
            if isinstance(option, Option)
        ]
        if rows:
            parts += [
                f"## {code(path) if path else 'Beside all sections'}",
                table(["option", "takes", "default", "what for"], rows),
            ]
    return page(
        "Configuration",
        "service/settings/options.py",
        _READ.format(variable=environment_name("client.ping_interval")),
        _CHECKED.format(count=_elsewhere()),
        *parts,
    )


def _takes(option: Option) -> str:
    """The kind of value; of a closed list the words themselves, as they are told to who says another."""
    if kind := WORDS.get(option.convert.__name__):
        return kind
    try:
        option.convert(object())
    except Misfit as misfit:
        return ", ".join(map(code, re.findall(r'"([^"]+)"', str(misfit))))
    raise AssertionError(f"{option.name} takes anything")


def _sections(section: Section, path: str = "") -> list[tuple[str, Section]]:
    found = [(path, section)]
    for name, member in section.members.items():
        if isinstance(member, Section):
            place = f"{path}.{name}" if path else name
            found += _sections(member, place + "[]" if member.listed else place)
    return found


def _default(option: Option) -> str:
    value = option.default
    if isinstance(value, bool):
        return "on" if value else "off"
    return "" if value in ("", ()) else code(str(value))


def _elsewhere() -> int:
    tree = Section()
    add_elsewhere(tree)
    return len(walk(tree))
