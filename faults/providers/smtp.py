"""A mail server as an account's clients meet it: STARTTLS first, then a login, then letters (RFC 5321)."""

import base64
import binascii
import email
import email.policy
import socketserver
import ssl
import threading
from typing import Final, Self, cast

from faults.providers.book import Book

NAME: Final = "mail"
_LONGEST_LINE: Final = 1000  # bytes, its end included (RFC 5321, section 4.5.3.1.6)
_PATIENCE: Final = 10.0
BUSY: Final = (451, "later, please")


class Smtp(socketserver.ThreadingTCPServer):
    """``with Smtp(…) as server:`` listens on ``server.port``."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, book: Book, context: ssl.SSLContext, *, username: str, password: str) -> None:
        """``context``: with the certificate that STARTTLS shows."""
        self.book = book
        self.context = context
        self.credentials = (username, password)
        super().__init__(("127.0.0.1", 0), _Talk)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), name="smtp", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is none of ours."""


class _Talk(socketserver.StreamRequestHandler):
    """One connection."""

    timeout = _PATIENCE

    def handle(self) -> None:
        self._safe = self._known = False
        self._sender = ""
        self._to: list[str] = []
        self._say(220, "localhost ESMTP")
        while line := self.rfile.readline(_LONGEST_LINE + 1):
            if len(line) > _LONGEST_LINE or not line.endswith(b"\r\n"):
                self._refuse(500, "a line ends with CR LF and has at most a thousand bytes")
                return
            word, _, rest = line.decode("ascii", "replace").rstrip("\r\n").partition(" ")
            if word.upper() == "QUIT":
                self._say(221, "bye")
                return
            step = getattr(self, f"_{word.lower()}", None) if word.isalpha() else None
            if step is None or word.lower() not in _WORDS:
                self._refuse(502, f"{word} is not known")
            else:
                step(rest)

    def finish(self) -> None:
        try:
            super().finish()
        finally:
            self.connection.close()  # that of TLS is not the one that the server knows

    @property
    def _house(self) -> Smtp:
        return cast("Smtp", self.server)

    def _say(self, code: int, *lines: str) -> None:
        for number, line in enumerate(lines, 1):
            self.wfile.write(f"{code}{' ' if number == len(lines) else '-'}{line}\r\n".encode())

    def _refuse(self, code: int, why: str, *, ordered: bool = False) -> None:
        self._house.book.refuse(NAME, code, why, ordered=ordered)
        self._say(code, why)

    # -------------------------------------------------------------------------- commands

    def _ehlo(self, _: str) -> None:
        self._say(250, "localhost", "8BITMIME", "AUTH PLAIN LOGIN" if self._safe else "STARTTLS")

    def _starttls(self, _: str) -> None:
        if self._safe:
            self._refuse(503, "it is safe already")
            return
        self._say(220, "go ahead")
        self.connection = self.request = self._house.context.wrap_socket(self.connection, server_side=True)
        self.setup()
        self._safe = True

    def _auth(self, given: str) -> None:
        if not self._safe:
            self._refuse(538, "not without TLS")
            return
        way, _, first = given.partition(" ")
        try:
            if way.upper() == "PLAIN":
                _, name, word = self._told(first or self._asked("")).split("\0")
            else:
                name = self._told(first or self._asked("VXNlcm5hbWU6"))
                word = self._told(self._asked("UGFzc3dvcmQ6"))
        except (ValueError, binascii.Error):
            self._refuse(501, "that is not base64, or not a login")
            return
        self._known = (name, word) == self._house.credentials
        if self._known:
            self._say(235, "welcome")
        else:
            self._refuse(535, "name or password is wrong")

    def _asked(self, question: str) -> str:
        self._say(334, question)
        return self.rfile.readline(_LONGEST_LINE).decode("ascii").strip()

    @staticmethod
    def _told(given: str) -> str:
        return base64.b64decode(given, validate=True).decode()

    def _mail(self, given: str) -> None:
        if not self._known:
            self._refuse(530, "say who you are first")
            return
        self._sender, self._to = given, []
        self._say(250, "ok")

    def _rcpt(self, given: str) -> None:
        trouble = self._house.book.trouble(NAME)
        if trouble is not None:
            self._refuse(*trouble, ordered=True)
        elif not self._sender or not given.upper().startswith("TO:<") or "@" not in given:
            self._refuse(501, f"that is nobody: {given}")
        else:
            self._to.append(given[4:].partition(">")[0])
            self._say(250, "ok")

    def _rset(self, _: str) -> None:
        self._sender, self._to = "", []
        self._say(250, "ok")

    def _data(self, _: str) -> None:
        if not self._to:
            self._refuse(503, "to whom?")
            return
        self._say(354, "go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        wrong = _wrong(lines)
        if wrong:
            self._refuse(554, wrong)
            return
        letter = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
        text = f"{letter['Subject']}\n\n{letter.get_content()}".replace("\r\n", "\n")
        self._house.book.take(NAME, tuple(self._to), text, {name.lower(): str(v) for name, v in letter.items()})
        self._say(250, "it is on its way")


_WORDS: Final = frozenset({"ehlo", "starttls", "auth", "mail", "rcpt", "rset", "data"})
_HEADERS: Final = ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Auto-Submitted")


def _wrong(lines: list[bytes]) -> str:
    """Why this is no letter (RFC 5322); nothing when it is."""
    if any(len(line) > _LONGEST_LINE or not line.endswith(b"\r\n") for line in lines):
        return "a line ends with CR LF and has at most a thousand bytes"
    letter = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
    missing = [name for name in _HEADERS if len(letter.get_all(name, ())) != 1]
    if missing:
        return f"not once there: {', '.join(missing)}"
    if not str(letter["Message-ID"]).startswith("<") or letter.defects:
        return f"not in order: {letter['Message-ID']} {letter.defects}"
    return ""
