"""Where a case's evidence comes from: the debug API of a running node, and log files."""

import contextlib
import http.client
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from service.lab.case import NODE_EVENTS, Case, Kind, Line, from_lines, take

PATIENCE: Final = 10.0  # seconds
_LONGEST: Final = 10_000  # bytes of a refusal that are read
_AS_WRITTEN: Final = "/?=&%:,+"  # of a page with its query; blanks and other alphabets are quoted
_CONNECTION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TRACE = re.compile(r"[0-9a-f]{32}")
_NODE: Final = tuple(f'"event":"{name}"'.encode() for name in sorted(NODE_EVENTS))
_CLOSED: Final = b'"event":"connection.closed"'
_CAUSE = re.compile(rb'"cause":"([a-z_]+)"')


class Silent(Exception):  # noqa: N818 - says what happened
    """A source that does not answer; the text says why."""


def kinds_of(subject: str) -> list[Kind]:
    """What the subject may be, the likeliest first: any text may be a user."""
    if _CONNECTION.fullmatch(subject):
        return ["connection", "user"]
    return ["trace", "user"] if _TRACE.fullmatch(subject) else ["user", "connection"]


# ---------------------------------------------------------------------------------- a log


def from_logs(subject: str, kind: Kind, files: Iterable[Path]) -> Case:
    """Read logs, each twice: for lines that name the subject, then for those of its connections.

    Raises:
        Silent: a file cannot be read.

    """
    files = list(files)
    key = {"connection": "connection_id", "trace": "trace_id", "user": "user"}[kind]
    wanted = f'"{key}":{json.dumps(subject, ensure_ascii=False)}'.encode()
    ends: Counter[str] = Counter()
    named: list[Line] = []
    node: list[Line] = []
    for raw in _raw(files):
        if _CLOSED in raw and (cause := _CAUSE.search(raw)):
            ends[cause[1].decode()] += 1
        if wanted in raw:
            named += _read(raw)
        elif any(event in raw for event in _NODE):
            node += _read(raw)
    ids = {str(line["connection_id"]) for line in named if line.get("connection_id")}
    if ids and kind != "connection":
        seen = {json.dumps(line, sort_keys=True, default=str) for line in named}
        for line in _naming(files, ids):
            if json.dumps(line, sort_keys=True, default=str) not in seen:
                named.append(line)
    return from_lines(subject, kind, named, node, ends)


def _naming(files: list[Path], ids: set[str]) -> Iterator[Line]:
    pattern = re.compile(rb'"connection_id":"(' + b"|".join(re.escape(one.encode()) for one in sorted(ids)) + rb')"')
    for line in _raw(files):
        if pattern.search(line):
            yield from _read(line)


def _raw(files: list[Path]) -> Iterator[bytes]:
    for file in files:
        try:
            with file.open("rb") as lines:
                yield from lines
        except OSError as error:
            raise Silent(f"{file}: {error.strerror}") from None


def _read(line: bytes) -> list[Line]:
    """The line; nothing when it is cut off or no JSON: a log's last line often is."""
    try:
        found = json.loads(line)
    except ValueError:
        return []
    return [found] if isinstance(found, dict) else []


# -------------------------------------------------------------------------------- a node


class Node:
    """The debug API of a running node."""

    def __init__(self, server: str, token: str) -> None:
        """``server``: URL of the internal port."""
        self._server = server.rstrip("/")
        self._token = token

    def case(self, subject: str, kind: Kind) -> Case:
        """What the node knows.

        Raises:
            Silent: it does not answer, or not to us.

        """
        case = Case(subject, kind)
        about = self.ask("node")
        case.node = [{"event": "loop.stalled", **stall} for stall in about.get("stalls", ())]
        ended = self.ask("ended", limit="500")["ended"]
        case.ends = Counter(story["cause"] for story in ended)
        if kind == "connection":
            self._connection(case, subject)
        else:
            key = "user" if kind == "user" else "trace_id"
            self._many(case, [story for story in ended if story.get(key) == subject])
        return case

    def _connection(self, case: Case, subject: str) -> None:
        found = self.ask(f"connections/{urllib.parse.quote(subject, safe='')}", missing={})
        if not found:
            return
        if found.get("state") == "ended":
            take(case, [found])
        else:
            self._alive(case, found)

    def _many(self, case: Case, stories: list[dict[str, Any]]) -> None:
        live = self.ask("connections", user=case.subject)["connections"] if case.kind == "user" else []
        if stories:
            take(case, stories)
            case.others += live
        elif live:
            self._connection(case, max(live, key=lambda row: int(row["queued"] + row["kernel"]))["id"])
            case.others = [row for row in live if row["id"] != case.live.get("id")]

    def _alive(self, case: Case, found: dict[str, Any]) -> None:
        case.live = found
        case.events = found["events"]
        case.network = found.get("network", {})
        case.verdict = found["who"]

    def ask(self, path: str, missing: dict[str, Any] | None = None, **query: str) -> dict[str, Any]:
        """A page of the debug API; ``missing`` instead of one that is not there.

        Raises:
            Silent: it does not answer, or not to us.

        """
        page = urllib.parse.quote(path, safe=_AS_WRITTEN)
        url = f"{self._server}/debug/{page}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        try:
            request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self._token}"})  # noqa: S310 - by its user
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
                found: dict[str, Any] = json.load(answer)
                return found
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 404 and missing is not None:
                    return missing
                raise Silent(_refusal(error, url)) from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise Silent(f"no node answers at {self._server} ({getattr(error, 'reason', error)})") from None


def _refusal(error: urllib.error.HTTPError, url: str) -> str:
    """What the node itself says of a question, else what its status means."""
    if error.code in (400, 404):
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError, LookupError, TypeError):
            return f"the node refuses: {json.loads(error.read(_LONGEST))['error']}"
    return _REFUSALS.get(error.code, f"{url} answered with HTTP status {error.code}")


_REFUSALS: Final = {
    401: "the node refuses the token: give debug.token with --token",
    404: "there is no such page, or the node's debug API is off: set debug.enabled and debug.token, and give the "
    "internal port with --server",
    429: "the node is busy with another debug request: ask again",
}


def joined(one: Case, other: Case) -> Case:
    """Two cases of the same subject, the second where the first says nothing."""
    live = bool(one.live)
    if not live and not one.story:
        one.story, one.events, one.network, one.verdict = other.story, other.events, other.network, other.verdict
    elif not one.events:
        one.events, one.network, one.verdict = other.events, other.network, other.verdict
    one.lines = [*one.lines, *other.lines]
    one.node = [*one.node, *other.node]
    one.ends = one.ends if sum(one.ends.values()) >= sum(other.ends.values()) else other.ends
    mine = {entry.get("connection_id", entry.get("id")) for entry in (one.story, one.live, *one.others)}
    one.others += [entry for entry in other.others if entry.get("connection_id", entry.get("id")) not in mine]
    return one
