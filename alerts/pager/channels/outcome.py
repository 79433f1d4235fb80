"""What every channel has in common: a call over HTTP, its answer, and what became of a letter.

An answer is foreign data: whatever it holds, it becomes an outcome with words.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from alerts.pager.message import Message
from alerts.pager.rota import Person

JSON: Final = {"Content-Type": "application/json; charset=utf-8"}
_LONGEST: Final = 200  # characters of a provider's reason
_PATIENCE: Final = 15.0  # seconds, when an answer asks for some without a number
_LONGEST_WAIT: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Call:
    """An HTTP call. Its URL and headers may hold secrets: neither is ever told."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider has it. ``note``: what somebody should know all the same."""

    note: str = ""


@dataclass(frozen=True, slots=True)
class Later:
    """Not now; again after so many seconds at the earliest. 0: at once, this was but a preparation.

    ``personal``: the trouble is one person's; else nobody is called by the channel until then.
    """

    why: str
    seconds: float = 5.0
    personal: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """It will not work as it is: somebody has to look at the configuration. ``called``: the provider was asked."""

    why: str
    called: bool = True


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

    @property
    def follows(self) -> bool:
        """It keeps a state of its own for each case, and hears of its acknowledgement."""

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
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise Unreachable(f"{what}: {file} holds a control character")
    return text


def by_status(answer: Answer) -> Outcome:
    """What an HTTP status means where the body says nothing more."""
    if 200 <= answer.status < 300:
        return Sent()
    if answer.status in (408, 429) or answer.status >= 500:
        return Later(f"HTTP {answer.status}", _retry_after(answer))
    return Refused(f"HTTP {answer.status}: {said(answer.body)}")


def _retry_after(answer: Answer) -> float:
    """Seconds, or a time beside the answer's own (RFC 9110, section 10.2.3)."""
    given = answer.headers.get("Retry-After", "")
    if re.fullmatch("[0-9]{1,9}", given):
        return max(1.0, min(_LONGEST_WAIT, float(given)))
    until, now = _date(given), _date(answer.headers.get("Date", ""))
    if until is None or now is None:
        return _PATIENCE
    return max(1.0, min(_LONGEST_WAIT, (until - now).total_seconds()))


def _date(given: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(given)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo is not None else None


def said(body: bytes) -> str:
    """A provider's own words, shortened and in one line."""
    return " ".join(body.decode("utf-8", "replace").split())[:_LONGEST]


def mapping(body: bytes) -> Mapping[str, Any] | None:
    """The JSON object that an answer is; None for anything else."""
    try:
        told = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def by_errcode(answer: Answer, later: Mapping[int, float]) -> Outcome:
    """What HTTP 200 with an ``errcode`` means; ``later``: codes that pass by, and after how many seconds."""
    if answer.status != 200:
        return by_status(answer)
    code = _code((mapping(answer.body) or {}).get("errcode"))
    if code is None:
        return Later(f"an answer without errcode: {said(answer.body)}", 60.0)
    if code == 0:
        return Sent()
    words = (mapping(answer.body) or {}).get("errmsg")
    why = f"errcode {code}: {said(str(words if words is not None else '').encode('utf-8', 'replace'))}"
    return Later(why, later[code]) if code in later else Refused(why)


def _code(given: object) -> int | None:
    """A number, also one in quotes."""
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    return int(given) if isinstance(given, str) and re.fullmatch("-?[0-9]{1,9}", given) else None
