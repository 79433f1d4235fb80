"""WeCom: a group's robot, and an application that needs an access token. Pure but for their clock.

Both answer HTTP 200 always; ``errcode`` says what became of the call.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from faults.providers.book import Book
from faults.providers.form import Wrong, bounded, fields, json_of
from faults.providers.rate import Rate

ROBOT: Final = "wecom_robot"
APP: Final = "wecom_app"
TOKENS: Final = "wecom_tokens"
LONGEST_ROBOT: Final = 4096  # bytes of markdown
LONGEST_APP: Final = 2048
LIFE: Final = 7200.0  # seconds of an access token
BUSY: Final = (-1, "system busy")
_GET, _FORM, _KIND, _LONG = 43001, 47001, 40008, 40058
_MENTION: Final = re.compile(r"<@([\w.@-]+)>")


def _markdown(found: Mapping[str, Any], most: int) -> str:
    if found["msgtype"] != "markdown":
        raise Wrong(_KIND, "invalid message type")
    fields(found["markdown"], {"content": str}, {}, _FORM, "markdown.")
    return bounded(found["markdown"]["content"], most, _LONG, "markdown.content")


def _fail(trouble: tuple[int, str] | None) -> None:
    if trouble is not None:
        raise Wrong(*trouble)


class Robot:
    """Whoever knows its key may write to the group: twenty messages a minute."""

    def __init__(self, book: Book, *, key: str, users: frozenset[str]) -> None:
        """``users``: the members, who can be mentioned."""
        self._book = book
        self._key = key
        self._users = users
        self._rate = Rate(20)

    def answer(self, query: Mapping[str, str], content_type: str, body: bytes) -> dict[str, Any]:
        """What ``POST /cgi-bin/webhook/send`` says."""
        if (trouble := self._book.trouble(ROBOT)) is not None:
            self._book.refuse(ROBOT, *trouble, ordered=True)
            return {"errcode": trouble[0], "errmsg": trouble[1]}
        try:
            to, text, found = self._read(query, content_type, body)
        except Wrong as wrong:
            self._book.refuse(ROBOT, wrong.code, wrong.why)
            return {"errcode": wrong.code, "errmsg": wrong.why}
        self._book.take(ROBOT, to, text, found)
        return {"errcode": 0, "errmsg": "ok"}

    def _read(
        self, query: Mapping[str, str], content_type: str, body: bytes
    ) -> tuple[tuple[str, ...], str, dict[str, Any]]:
        if query.get("key") != self._key:
            raise Wrong(93000, "invalid webhook url")
        found = json_of(content_type, body, _FORM)
        fields(found, {"msgtype": str, "markdown": dict}, {}, _FORM)
        text = _markdown(found, LONGEST_ROBOT)
        mentioned = tuple(_MENTION.findall(text))
        if strangers := set(mentioned) - self._users:
            raise Wrong(40031, f"no member is called {', '.join(strangers)}")
        if not self._rate.allows(self._book.clock()):
            raise Wrong(45009, "api freq out of limit")
        return mentioned, text, found


class App:
    """An application of a company: gives tokens that end, and writes to its members."""

    def __init__(self, book: Book, *, corp: str, key: str, agent: int, users: frozenset[str]) -> None:
        """``key``: the application's secret."""
        self._book = book
        self._corp, self._key, self._agent, self._users = corp, key, agent, users
        self._tokens: dict[str, float] = {}  # with their ends; those that have ended are kept: 42001, not 40014
        self.given = 0  # tokens
        self._messages = 0

    def end_tokens(self) -> None:
        """All tokens have ended, earlier than was said."""
        self._tokens = dict.fromkeys(self._tokens, 0.0)

    def token(self, method: str, query: Mapping[str, str]) -> dict[str, Any]:
        """What ``GET /cgi-bin/gettoken`` says."""
        trouble = self._book.trouble(TOKENS)
        try:
            _fail(trouble)
            self._admit_asker(method, query)
        except Wrong as wrong:
            self._book.refuse(TOKENS, wrong.code, wrong.why, ordered=trouble is not None)
            return {"errcode": wrong.code, "errmsg": wrong.why}
        return {"errcode": 0, "errmsg": "ok", **self._token()}

    def _admit_asker(self, method: str, query: Mapping[str, str]) -> None:
        if method != "GET":
            raise Wrong(_GET, "require GET method")
        if query.get("corpid") != self._corp:
            raise Wrong(40013, "invalid corpid")
        if query.get("corpsecret") != self._key:
            raise Wrong(40001, "invalid credential")

    def _token(self) -> dict[str, Any]:
        """The one that is good, or a new one."""
        now = self._book.clock()
        good = next((token for token, end in self._tokens.items() if end > now), "")
        if not good:
            self.given += 1
            good = f"token-{self.given}-{'x' * 200}"
            self._tokens[good] = now + LIFE
        return {"access_token": good, "expires_in": int(self._tokens[good] - now)}

    def answer(self, query: Mapping[str, str], content_type: str, body: bytes) -> dict[str, Any]:
        """What ``POST /cgi-bin/message/send`` says."""
        trouble = self._book.trouble(APP)
        if trouble is not None and trouble[0] == 42001:
            self.end_tokens()
        try:
            _fail(trouble)
            self._admit(query.get("access_token", ""))
            to, text, found = self._read(content_type, body)
        except Wrong as wrong:
            self._book.refuse(APP, wrong.code, wrong.why, ordered=trouble is not None)
            return {"errcode": wrong.code, "errmsg": wrong.why}
        known = tuple(user for user in to if user in self._users)
        if not known:
            self._book.refuse(APP, 81013, "user & party & tag all invalid")
            return {"errcode": 81013, "errmsg": "user & party & tag all invalid"}
        self._book.take(APP, known, text, found)
        self._messages += 1
        strangers = "|".join(user for user in to if user not in self._users)
        return {"errcode": 0, "errmsg": "ok", "invaliduser": strangers, "msgid": f"m{self._messages}"}

    def _admit(self, token: str) -> None:
        if not token:
            raise Wrong(41001, "access_token missing")
        if token not in self._tokens:
            raise Wrong(40014, "invalid access_token")
        if self._tokens[token] <= self._book.clock():
            raise Wrong(42001, "access_token expired")

    def _read(self, content_type: str, body: bytes) -> tuple[tuple[str, ...], str, dict[str, Any]]:
        found = json_of(content_type, body, _FORM)
        fields(found, {"touser": str, "msgtype": str, "agentid": int, "markdown": dict}, {}, _FORM)
        if found["agentid"] != self._agent:
            raise Wrong(40056, "invalid agentid")
        text = _markdown(found, LONGEST_APP)
        return tuple(found["touser"].split("|")), text, found
