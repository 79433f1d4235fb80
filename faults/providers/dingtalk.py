"""DingTalk's custom robot: signed calls, twenty a minute, then ten minutes of silence. Pure but for its clock.

It answers HTTP 200 always; ``errcode`` says what became of the call.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any, Final

from faults.providers.book import Book
from faults.providers.form import Wrong, bounded, fields, json_of
from faults.providers.rate import Rate

NAME: Final = "dingtalk"
LIMIT: Final = 20  # a minute
MUTE: Final = 600.0  # seconds
VALID: Final = 3600.0  # seconds that a signature is good, either way
LONGEST: Final = 20_000  # bytes of a message
_FORM, _TOKEN, _UNSAFE, _FAST = 40035, 300005, 310000, 130101
_MOBILE: Final = re.compile(r"1\d{10}|\+(?!86)\d{1,3}-?\d{4,14}")  # at home, as it is dialled there; abroad
BUSY: Final = (-1, "system busy")


class DingTalk:
    """One robot of one group."""

    def __init__(self, book: Book, *, token: str, key: str, rate: Rate | None = None) -> None:
        """``key``: of its signature."""
        self.rate = rate or Rate(LIMIT, MUTE)
        self._book = book
        self._token = token
        self._key = key

    def answer(self, query: Mapping[str, str], content_type: str, body: bytes) -> dict[str, Any]:
        """What ``POST /robot/send`` says."""
        if (trouble := self._book.trouble(NAME)) is not None:
            self._book.refuse(NAME, *trouble, ordered=True)
            return {"errcode": trouble[0], "errmsg": trouble[1]}
        try:
            self._admit(query)
            to, text, found = self._read(content_type, body)
        except Wrong as wrong:
            self._book.refuse(NAME, wrong.code, wrong.why)
            return {"errcode": wrong.code, "errmsg": wrong.why}
        self._book.take(NAME, to, text, found)
        return {"errcode": 0, "errmsg": "ok"}

    def _admit(self, query: Mapping[str, str]) -> None:
        if query.get("access_token") != self._token:
            raise Wrong(_TOKEN, "token is not exist")
        stamp = query.get("timestamp", "")
        if not stamp.isdigit() or abs(self._book.clock() - int(stamp) / 1000) > VALID:
            raise Wrong(_UNSAFE, "invalid timestamp")
        digest = hmac.new(self._key.encode(), f"{stamp}\n{self._key}".encode(), hashlib.sha256).digest()
        if not hmac.compare_digest(query.get("sign", "").encode(), base64.b64encode(digest)):
            raise Wrong(_UNSAFE, "sign not match")

    def _read(self, content_type: str, body: bytes) -> tuple[tuple[str, ...], str, dict[str, Any]]:
        found = json_of(content_type, body, _FORM)
        if len(body) > LONGEST:
            raise Wrong(460101, f"message exceeds {LONGEST} bytes")
        fields(found, {"msgtype": str, "markdown": dict}, {"at": dict}, _FORM)
        if found["msgtype"] != "markdown":
            raise Wrong(400105, "unsupported msgtype")
        fields(found["markdown"], {"title": str, "text": str}, {}, _FORM, "markdown.")
        bounded(found["markdown"]["title"], 1024, _FORM, "markdown.title")
        text = bounded(found["markdown"]["text"], LONGEST, _FORM, "markdown.text")
        at = found.get("at", {})
        fields(at, {}, {"atMobiles": list, "atUserIds": list, "isAtAll": bool}, _FORM, "at.")
        mobiles = tuple(at.get("atMobiles", ()))
        for mobile in mobiles:
            if not isinstance(mobile, str) or not _MOBILE.fullmatch(mobile):
                raise Wrong(_FORM, f"at.atMobiles: {mobile!r} is no number that DingTalk knows")
            if f"@{mobile}" not in text:
                raise Wrong(_FORM, f"@{mobile} is not in the text: nobody is mentioned")
        if not self.rate.allows(self._book.clock()):
            raise Wrong(_FAST, f"send too fast, exceed {self.rate.limit:g} times per minute")
        return mobiles, text, found
