"""DingTalk: a group's robot, signed (its documentation: custom robot access, security settings)."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote_plus

import msgspec

from alerts.pager.channels.outcome import JSON, Answer, Call, Outcome, by_errcode, secret
from alerts.pager.message import Message
from alerts.pager.rota import Person
from alerts.pager.wording import markdown, title

LONGEST: Final = 18_000  # bytes of text; the robot takes 20,000 of a whole message
_HOME: Final = "+86"  # numbers of its own country it knows without
MUTE: Final = 600.0  # seconds for which a robot that was called too often takes nothing
_BUSY: Final = {-1: 5.0}
_TOO_OFTEN: Final = (130101, 400013, 410100)  # three codes over the years


@dataclass(frozen=True, slots=True)
class DingTalk:
    """``url_file`` holds the robot's address with its token, ``secret_file`` the key of its signature ("" for none)."""

    name: str
    url_file: str
    secret_file: str = ""
    limit: int = 20  # a minute; above that the robot is mute for ten
    mute: float = MUTE
    personal: bool = False
    together: bool = True
    follows: bool = False

    def call(self, messages: Sequence[Message], person: Person | None, now: float) -> Call:
        """See ``Channel.call``. Whoever is on duty is mentioned by telephone number."""
        url = secret(self.url_file, "DingTalk's robot")
        if self.secret_file:
            url += signature(secret(self.secret_file, "DingTalk's key"), round(now * 1000))
        at = [person.phone.removeprefix(_HOME)] if person is not None and person.phone else []
        text = markdown(messages, LONGEST) + "".join(f"\n\n@{phone}" for phone in at)
        body = {
            "msgtype": "markdown",
            "markdown": {"title": title(messages, 100), "text": text},
            "at": {"atMobiles": at, "isAtAll": False},
        }
        return Call(url, msgspec.json.encode(body), JSON)

    def verdict(self, answer: Answer) -> Outcome:
        """See ``Channel.verdict``."""
        return by_errcode(answer, _BUSY | dict.fromkeys(_TOO_OFTEN, self.mute))


def signature(key: str, milliseconds: int) -> str:
    """The part of the URL that signs: HMAC-SHA256 over time and key, by the key, base64."""
    digest = hmac.new(key.encode(), f"{milliseconds}\n{key}".encode(), hashlib.sha256).digest()
    return f"&timestamp={milliseconds}&sign={quote_plus(base64.b64encode(digest))}"
