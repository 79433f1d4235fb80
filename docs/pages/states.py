"""What stands in hand-written pages and is made from the code: the drawing of a connection's states, the profiles."""

from collections.abc import Callable, Mapping
from typing import Final

from docs.pages.markdown import code, table
from service.connections.heartbeat import PROFILES, HeartbeatSettings
from service.connections.states import TABLE, Event, State
from service.connections.weather import Climate

_SAYS: Final[Mapping[State, Mapping[Event, str]]] = {
    State.GREETING: {Event.ASKED: "connect", Event.CLOSED: "3501, 3502, or it leaves"},
    State.CHECKING: {
        Event.ANSWERED: "connect reply",
        Event.REFUSED: "error reply",
        Event.CLOSED: "3500, 3501, or it leaves",
    },
    State.READY: {Event.ASKED: "a question is open", Event.CLOSED: "a close of either side"},
    State.BUSY: {Event.ANSWERED: "answered", Event.CLOSED: "a close of either side"},
    State.REFUSED: {Event.CLOSED: "3502, or it leaves"},
    State.CLOSING: {},
}
_FOR: Final[Mapping[str, str]] = {
    "realtime": "games, trading",
    "service": "backends; slow, but patient",
    "iot": "batteries",
}


def drawing() -> str:
    """The states as Mermaid draws them; every transition of the table, and no other."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {State.GREETING.value}: 101"]
    for state, moves in TABLE.items():
        lines += [f"    {state.value} --> {to.value}: {_SAYS[state][event]}" for event, to in moves.items()]
        if not moves:
            lines.append(f"    {state.value} --> [*]: the peer's Close frame, or 5 s")
    return "\n".join([*lines, "```"])


def profiles() -> str:
    """The profiles of heartbeats, with the seconds after which a dead peer is known."""
    climate = Climate()
    weathers = (climate.normal, climate.weak, climate.far)
    rows = [["(none)", *_figures(HeartbeatSettings()), "as Centrifugo"]]
    rows += [[code(name), *_figures(each), _FOR[name]] for name, each in PROFILES.items()]
    figures = [" / ".join(each) for each in zip(*map(_figures, weathers), strict=True)]
    rows.append([code("adaptive"), *figures, "phones: a usual, a weak, a far network, by what TCP says of it"])
    return table(["profile", "ping each", "pong within", "misses", "dead within", "for"], rows)


def _figures(each: HeartbeatSettings) -> list[str]:
    dead = each.misses * each.interval + each.timeout
    return [f"{each.interval:g} s", f"{each.timeout:g} s", str(each.misses), f"{dead:g} s"]


#: Page and mark -> what stands between the mark and the end.
PARTS: Final[Mapping[tuple[str, str], Callable[[], str]]] = {
    ("connection.md", "states"): drawing,
    ("heartbeats.md", "profiles"): profiles,
}


def put(text: str, mark: str, made: str) -> str:
    """The page with this part as it is made now."""
    begin, end = f"<!-- {mark}: made by `make docs` -->\n", "<!-- end -->"
    before, _, rest = text.partition(begin)
    assert rest, f"the page has no part {mark}"
    return f"{before}{begin}\n{made}\n\n{end}{rest.partition(end)[2]}"
