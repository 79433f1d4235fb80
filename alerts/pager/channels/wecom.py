"""WeCom: a group's robot, whose address is the whole credential, and an application that writes to single people."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

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
    secret,
)
from alerts.pager.message import Message, markdown
from alerts.pager.rota import Person

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


class _Token(msgspec.Struct):
    errcode: int = 0
    errmsg: str = ""
    access_token: str = ""
    expires_in: float = 0.0


class _Delivered(msgspec.Struct):
    errcode: int = -1
    invaliduser: str = ""


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
    _token: str = field(default="", repr=False)
    _until: float = 0.0
    _asking: bool = False

    def call(self, messages: Sequence[Message], person: Person | None, now: float) -> Call:
        """See ``Channel.call``. Without a good token this is the question for one; ``verdict`` then says: again."""
        if person is None or not person.wecom:
            raise Unreachable(f"{person.name if person else 'nobody'} has no WeCom user id in the rota")
        self._asking = now >= self._until - _EARLY
        if self._asking:
            key = secret(self.secret_file, "WeCom's application")
            url = f"{self.api}/cgi-bin/gettoken?corpid={self.corp_id}&corpsecret={key}"
            self._until = now
            return Call(url, b"", {})
        body = {
            "touser": person.wecom,
            "msgtype": "markdown",
            "agentid": self.agent_id,
            "markdown": {"content": markdown(messages, LONGEST_APP)},
        }
        return Call(f"{self.api}/cgi-bin/message/send?access_token={self._token}", msgspec.json.encode(body), JSON)

    def verdict(self, answer: Answer) -> Outcome:
        """See ``Channel.verdict``."""
        if self._asking:
            return self._take_token(answer)
        outcome = by_errcode(answer, _PASSES | dict.fromkeys(_STALE, 0.0))
        if isinstance(outcome, Later) and not outcome.seconds:
            self._until = 0.0
        if not isinstance(outcome, Sent):
            return outcome
        unknown = msgspec.json.decode(answer.body, type=_Delivered).invaliduser
        return Refused(f"WeCom knows no user {unknown}") if unknown else outcome

    def _take_token(self, answer: Answer) -> Outcome:
        outcome = by_errcode(answer, _PASSES)
        if not isinstance(outcome, Sent):
            return outcome
        token = msgspec.json.decode(answer.body, type=_Token)
        if not token.access_token:
            return Later("WeCom gave an empty access token", 60.0)
        self._token = token.access_token
        self._until += token.expires_in
        return Later("first a new access token", 0.0)
