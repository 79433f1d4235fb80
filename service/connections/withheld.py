"""A stream whose head waits until it is known who the client is, so that a refusal is an HTTP status.

Load balancers, ``fetch`` and ``EventSource`` understand a status; a push in a stream that began with 200 only we do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from service.connections.stream import Stream
from service.connections.takeover import WithheldBody
from service.protocol.closing import SHUTDOWN, TOO_MANY_REQUESTS, Closing

_ELSEWHERE: Final = (SHUTDOWN.code, TOO_MANY_REQUESTS.code)  # another node, or later
_RETRY_AFTER: Final = "5"  # seconds


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; without a body it has the words of the code."""

    status: int
    body: str = ""


class Withheld(Stream):
    """See above. ``withhold`` comes first."""

    __slots__ = ("_allowed", "_answers", "_head")

    _head: WithheldBody | None
    _answers: Mapping[int, Answer]
    _allowed: Mapping[str, str]

    def withhold(self, head: WithheldBody, answers: Mapping[int, Answer], allowed: Mapping[str, str]) -> None:
        """What stands in for a 200 where none comes.

        Args:
            head: written in front of the first message.
            answers: by the code that a connect leads to.
            allowed: headers for pages of other origins.

        """
        self._head, self._answers, self._allowed = head, answers, allowed

    def _flush(self) -> None:
        head = self._head
        if head is not None and self._replies and self.transport is not None:
            self._head = None
            self.write(head.kept, 0)
        super()._flush()

    def _goodbye(self, closing_: Closing) -> bytes | None:
        if self._head is None:
            return super()._goodbye(closing_)
        self._head = None
        return _answer(_chosen(closing_, self._answers), self._allowed)


def _chosen(closing_: Closing, answers: Mapping[int, Answer]) -> Answer:
    """What was configured for the error, or the close; else 500, as in Centrifugo, or 503 where there is no place."""
    error = closing_.instead
    code, words = (closing_.code, closing_.reason) if error is None else (error.code, error.message)
    if code in answers:
        found = answers[code]
        return Answer(found.status, found.body or words)
    status = HTTPStatus.SERVICE_UNAVAILABLE if code in _ELSEWHERE else HTTPStatus.INTERNAL_SERVER_ERROR
    return Answer(status, status.phrase)


def _answer(answer: Answer, allowed: Mapping[str, str]) -> bytes:
    bare = answer.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
    body = b"" if bare else answer.body.encode()
    headers = {"Date": formatdate(usegmt=True), "Connection": "close", "Cache-Control": "no-store", **allowed}
    if not bare:
        headers |= {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body))}
    if answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = _RETRY_AFTER
    lines = [
        f"HTTP/1.1 {answer.status} {_phrase(answer.status)}",
        *(f"{name}: {said}" for name, said in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Refused"
