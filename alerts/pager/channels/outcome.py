"""What every channel has in common: a call over HTTP, its answer, and what became of a letter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import msgspec

from alerts.pager.message import Message
from alerts.pager.rota import Person

JSON: Final = {"Content-Type": "application/json; charset=utf-8"}
_LONGEST: Final = 200  # characters of a provider's reason


@dataclass(frozen=True, slots=True)
class Call:
    """An HTTP POST. Its URL and headers may hold secrets: neither is ever told."""

    url: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider has it."""


@dataclass(frozen=True, slots=True)
class Later:
    """Not now; again after so many seconds at the earliest."""

    why: str
    seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Refused:
    """It will not work as it is: somebody has to look at the configuration."""

    why: str


Outcome = Sent | Later | Refused


class Unreachable(Exception):  # noqa: N818 - says what it is
    """A person or a channel that cannot be called as things are; the text says what is missing."""


class Channel(Protocol):
    """A provider that takes an HTTP call."""

    @property
    def name(self) -> str:
        """What the settings call it."""

    @property
    def limit(self) -> int:
        """Calls a minute; 0: none."""

    @property
    def personal(self) -> bool:
        """Each letter is for one person."""

    @property
    def together(self) -> bool:
        """Letters that wait may go in one call."""

    def call(self, messages: Sequence[Message], person: Person | None, now: float) -> Call:
        """What to post. Raises ``Unreachable``."""

    def verdict(self, answer: Answer) -> Outcome:
        """What the answer means."""


def secret(file: str, what: str) -> str:
    """The first line of a secret's file, read each time so that it can be changed.

    Raises:
        Unreachable: the file; its content is never told.

    """
    try:
        text = Path(file).read_text(encoding="utf-8").split("\n", 1)[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise Unreachable(f"{what}: {file} cannot be read: {reason}") from None
    if not text:
        raise Unreachable(f"{what}: {file} is empty")
    return text


def by_status(answer: Answer) -> Outcome:
    """What an HTTP status means where the body says nothing more."""
    if 200 <= answer.status < 300:
        return Sent()
    if answer.status in (408, 429) or answer.status >= 500:
        return Later(f"HTTP {answer.status}", _retry_after(answer))
    return Refused(f"HTTP {answer.status}: {said(answer.body)}")


def _retry_after(answer: Answer) -> float:
    given = answer.headers.get("Retry-After", "")
    return min(3600.0, float(given)) if given.isdigit() else 15.0


def said(body: bytes) -> str:
    """A provider's own words, shortened and in one line."""
    return " ".join(body.decode("utf-8", "replace").split())[:_LONGEST]


class _Coded(msgspec.Struct):
    """How DingTalk and WeCom answer: HTTP 200, and a code that says otherwise."""

    errcode: int
    errmsg: str = ""


def by_errcode(answer: Answer, later: Mapping[int, float]) -> Outcome:
    """What HTTP 200 with an ``errcode`` means; ``later``: codes that pass by, and after how many seconds."""
    if answer.status != 200:
        return by_status(answer)
    try:
        coded = msgspec.json.decode(answer.body, type=_Coded)
    except msgspec.MsgspecError:
        return Later(f"an answer without errcode: {said(answer.body)}", 60.0)
    if coded.errcode == 0:
        return Sent()
    why = f"errcode {coded.errcode}: {said(coded.errmsg.encode())}"
    return Later(why, later[coded.errcode]) if coded.errcode in later else Refused(why)
