"""WeCom: a group's robot, whose address is the whole credential, and an application that writes to single people."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote_plus

import msgspec

from alerts.pager.channels.outcome import (
    JSON,
    Answer,
    Call,
    Later,
    Outcome,
    Refused,
    Sent,
    Unreachable,
    by_errcode,
    mapping,
    said,
    secret,
)
from alerts.pager.message import Message
from alerts.pager.rota import Person
from alerts.pager.wording import markdown

LONGEST_ROBOT: Final = 4096  # bytes of markdown
LONGEST_APP: Final = 2048
_PASSES: Final = {-1: 5.0, 45009: 60.0, 45033: 30.0}  # busy; too often; too many at a time
_STALE: Final = (40014, 41001, 42001)  # the access token is wrong, absent, or has ended
_EARLY: Final = 60.0  # seconds before its end that a token counts as old


@dataclass(frozen=True, slots=True)
class WeComRobot:
    """``url_file`` holds the robot's address with its key."""

    name: str
    url_file: str
    limit: int = 20
    personal: bool = False
    together: bool = True
    follows: bool = False

    def call(self, messages: Sequence[Message], person: Person | None, now: float) -> Call:
        """See ``Channel.call``. Whoever is on duty is mentioned by the user id."""
        del now
        mention = f"\n\n<@{person.wecom}>" if person is not None and person.wecom else ""
        content = markdown(messages, LONGEST_ROBOT - len(mention.encode())) + mention
        body = {"msgtype": "markdown", "markdown": {"content": content}}
        return Call(secret(self.url_file, "WeCom's robot"), msgspec.json.encode(body), JSON)

    def verdict(self, answer: Answer) -> Outcome:
        """See ``Channel.verdict``."""
        return by_errcode(answer, _PASSES)


@dataclass(slots=True)
class WeComApp:
    """An application of a company. Before it may write it asks for an access token, which lives two hours."""

    name: str
    corp_id: str
    agent_id: int
    secret_file: str
    api: str = "https://qyapi.weixin.qq.com"
    limit: int = 60
    personal: bool = True
    together: bool = True
    follows: bool = False
    _token: str = field(default="", repr=False)
    _until: float = 0.0
    _asking: bool = False
    _fresh: bool = False  # the token has not been used yet

    def call(self, messages: Sequence[Message], person: Person | None, now: float) -> Call:
        """See ``Channel.call``. Without a good token this is the question for one; ``verdict`` then says: again."""
        if person is None or not person.wecom:
            raise Unreachable(f"{person.name if person else 'nobody'} has no WeCom user id in the rota")
        self._asking = not self._token or (now >= self._until - _EARLY and not self._fresh)
        if self._asking:
            key = secret(self.secret_file, "WeCom's application")
            url = f"{self.api}/cgi-bin/gettoken?corpid={self.corp_id}&corpsecret={quote_plus(key)}"
            self._until = now
            return Call(url, b"", {}, "GET")
        body = {
            "touser": person.wecom,
            "msgtype": "markdown",
            "agentid": self.agent_id,
            "markdown": {"content": markdown(messages, LONGEST_APP)},
        }
        return Call(
            f"{self.api}/cgi-bin/message/send?access_token={quote_plus(self._token)}", msgspec.json.encode(body), JSON
        )

    def verdict(self, answer: Answer) -> Outcome:
        """See ``Channel.verdict``."""
        if self._asking:
            return self._take_token(answer)
        self._fresh = False
        outcome = by_errcode(answer, _PASSES | dict.fromkeys(_STALE, 0.0))
        if isinstance(outcome, Later) and not outcome.seconds:
            self._token = ""
        if not isinstance(outcome, Sent):
            return outcome
        unknown = (mapping(answer.body) or {}).get("invaliduser")
        return Refused(f"WeCom knows no user {said(str(unknown).encode('utf-8', 'replace'))}") if unknown else outcome

    def _take_token(self, answer: Answer) -> Outcome:
        outcome = by_errcode(answer, _PASSES)
        if not isinstance(outcome, Sent):
            return outcome
        told = mapping(answer.body) or {}
        token, lives = told.get("access_token"), told.get("expires_in")
        if not isinstance(token, str) or not token:
            return Later("WeCom gave no access token", 60.0)
        self._token, self._fresh = token, True
        self._until += lives if isinstance(lives, int | float) and not isinstance(lives, bool) else 0.0
        return Later("first a new access token", 0.0)
