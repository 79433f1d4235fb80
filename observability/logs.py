"""Log lines: structlog renders them, bounded queues take them, threads write them. The event loop never waits.

A line that finds its queue full is dropped and counted. Each sink has its own queue and thread, so that a reader that
stopped reading our stdout does not stop the file.
"""

import logging
import os
import re
import select
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import structlog

from observability import names
from observability.field_names import KEYS
from observability.names import LogEvent

GATHER = 0.05  # seconds a writer waits for company after the first line: at most 20 writes a second
REPEATS = 10  # like lines a second; the rest is told as ``suppressed``

_SECRET_KEY = re.compile(r"token|secret|passw|authori[sz]ation|cookie|api.?key|credential|jwt", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"eyJ[\w-]{5,}\.[\w-]+\.[\w-]*|(?i:(?:token|secret|password|api[_-]?key|authorization)\s*[=:]\s*)\S+"
)
_FREE_TEXT = frozenset({"reason", "error", "exception", "message", "path", "client"})
_SAFE = KEYS.keys() - _FREE_TEXT
_HIDDEN = "[hidden]"
_TELEMETRY = ("opentelemetry", "grpc")  # the Collector's absence is no error of the service

_encode = msgspec.json.Encoder(enc_hook=str).encode

Fields = MutableMapping[str, Any]
# Our four levels, and Centrifugo's words for the limit.
LEVELS = {"trace": 5, "debug": 10, "info": 20, "warn": 30, "warning": 30, "error": 40, "fatal": 50, "none": 60}


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What is written, and where."""

    level: str = "info"
    stdout: bool = True
    file: str = ""  # empty for none
    file_bytes: int = 64 * 2**20  # then it is rotated; 3 old ones are kept
    queue_bytes: int = 4 * 2**20  # a sink; some 10 000 lines
    service: str = "heliograph"
    instance: str = ""


class Sink:
    """A bounded queue of lines and the thread that writes them."""

    def __init__(self, name: str, write: Callable[[bytes], None], limit: int) -> None:
        """``write`` may block; it is called in the thread. ``limit`` is in bytes."""
        self.name = name
        self.dropped = 0
        self._write = write
        self._limit = limit
        self._queued = 0  # bytes put so far
        self._written = 0  # bytes taken out so far, by the thread alone
        self._lines: deque[bytes] = deque()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    def put(self, line: bytes) -> None:
        """Queue a line, or drop it when there is no room."""
        if self._queued - self._written + len(line) > self._limit:
            self.dropped += 1
            return
        self._queued += len(line)
        self._lines.append(line)
        if not self._wake.is_set():
            self._wake.set()

    def start(self) -> None:
        """Begin to write."""
        self._thread = threading.Thread(target=self._run, name=f"log {self.name}", daemon=True)
        self._thread.start()

    def begin_stop(self) -> None:
        """Write what waits, then end; see ``stopped``."""
        self._stopping.set()
        self._wake.set()

    @property
    def stopped(self) -> bool:
        """True when all lines are written, or nothing was ever begun."""
        return self._thread is None or self._done.is_set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait()
            self._stopping.wait(GATHER)
            self._wake.clear()
            self._write_all()
        self._write_all()
        self._done.set()

    def _write_all(self) -> None:
        count = len(self._lines)
        while count:
            some = [self._lines.popleft() for _ in range(min(count, 256))]
            count -= len(some)
            data = b"".join(some)
            try:
                self._write(data)
            except OSError:  # a full disk, a reader that has gone
                self.dropped += len(some)
            self._written += len(data)


def to_descriptor(descriptor: int) -> Callable[[bytes], None]:
    """A ``write`` that blocks until all is out, also when somebody made the descriptor non-blocking."""

    def write(data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(descriptor, view) :]
            except BlockingIOError:
                select.select([], [descriptor], [], 1.0)

    return write


class RotatingFile:
    """A file that is renamed when it is full: ``x.log`` → ``x.log.1`` → … → ``x.log.3``."""

    KEEP = 3

    def __init__(self, path: str, limit: int) -> None:
        self._path = Path(path)
        self._limit = limit
        self._descriptor = -1
        self._size = 0

    def __call__(self, data: bytes) -> None:
        """Append ``data``, whole lines."""
        if self._descriptor < 0:
            self._open()
        elif self._size + len(data) > self._limit:
            self._rotate()
        to_descriptor(self._descriptor)(data)
        self._size += len(data)

    def trouble(self) -> str:
        """Why nothing can be written there; "" when it can. For who asks before the first line."""
        try:
            self._open()
        except OSError as error:
            return str(error.strerror)
        os.close(self._descriptor)
        self._descriptor = -1
        return ""

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        self._size = os.fstat(self._descriptor).st_size

    def _rotate(self) -> None:
        os.close(self._descriptor)
        self._descriptor = -1
        for number in range(self.KEEP - 1, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            if older.exists():
                older.rename(self._path.with_name(f"{self._path.name}.{number + 1}"))
        self._path.rename(self._path.with_name(f"{self._path.name}.1"))
        self._open()


class Repeats:
    """How many like lines a second are let through; the others are counted until the next one."""

    def __init__(self, limit: int = REPEATS) -> None:
        self._limit = limit
        self._seen: dict[str, list[int]] = {}  # by event: second, count in it, left out since the last line

    def allow(self, event: str, now: float) -> int:
        """−1 when this line is left out, else how many were since the last one."""
        state = self._seen.setdefault(event, [0, 0, 0])
        second = int(now)
        if state[0] != second:
            state[0], state[1] = second, 0
        if state[1] >= self._limit:
            state[2] += 1
            return -1
        state[1] += 1
        left_out, state[2] = state[2], 0
        return left_out


class Log:
    """Writes declared events. May be called from any thread."""

    def __init__(
        self,
        settings: LogSettings,
        sinks: Iterable[Sink],
        *,
        now: Callable[[], float] = time.time,
        strict: bool = False,
    ) -> None:
        """``strict`` is for tests: an undeclared event or key is an AssertionError."""
        self.sinks = tuple(sinks)
        self._level = LEVELS[settings.level]
        self._now = now
        self._strict = strict
        self._repeats = Repeats()
        self._second = 0
        self._prefix = ""
        logger = structlog.wrap_logger(
            self,
            [self._stamp, redact, render],
            structlog.make_filtering_bound_logger(logging.DEBUG),
            service=settings.service,
            instance=settings.instance,
        ).bind()
        self._emit = {level: getattr(logger, level) for level in ("debug", "info", "warning", "error")}

    def write(self, event: LogEvent, **fields: object) -> None:
        """One line; ``fields`` are keys of ``KEYS``, empty ones are left out."""
        if LEVELS[event.level] < self._level:
            return
        if self._strict:
            assert event.name in names.EVENTS, f"log event {event.name} is not declared"
            assert set(fields) <= set(KEYS), f"log keys {set(fields) - set(KEYS)} are not declared"
        if event.limited:
            suppressed = self._repeats.allow(event.name, self._now())
            if suppressed < 0:
                return
            if suppressed:
                fields["suppressed"] = suppressed
        self._emit[event.level](event.name, **fields)

    def msg(self, line: bytes) -> None:
        """The end of structlog's chain: a rendered line for every sink."""
        for sink in self.sinks:
            sink.put(line)

    debug = info = warning = error = msg

    def _stamp(self, _logger: Any, level: str, fields: Fields) -> Fields:
        now = self._now()
        second = int(now)
        if second != self._second:
            self._prefix = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._second = second
        stamp = f"{self._prefix}.{int((now - second) * 1e6):06d}Z"
        line: Fields = {"timestamp": stamp, "level": level, "event": ""}
        for key, value in fields.items():
            if value is not None and value != "":
                line[key] = round(value, 6) if type(value) is float else value  # microseconds; no 0.00004851999983657
        return line


def redact(_logger: Any, _level: str, fields: Fields) -> Fields:
    """No token or secret leaves: neither under its own key nor inside a text."""
    for key in fields.keys() - _SAFE:
        value = fields[key]
        if key not in _FREE_TEXT and _SECRET_KEY.search(key):
            fields[key] = _HIDDEN
        elif isinstance(value, str):
            fields[key] = _SECRET_TEXT.sub(_HIDDEN, value)
    return fields


def render(_logger: Any, _level: str, fields: Fields) -> bytes:
    """One line of JSON."""
    try:
        return _encode(fields) + b"\n"
    except UnicodeEncodeError:  # half characters, from a path or a header
        clean = {key: str(value).encode("utf-8", "replace").decode() for key, value in fields.items()}
        return msgspec.json.encode(clean) + b"\n"


def make_log(settings: LogSettings, *, strict: bool = False) -> Log:
    """The log with the sinks that the settings ask for; they still have to be started."""
    sinks = []
    if settings.stdout:
        sinks.append(Sink("stdout", to_descriptor(1), settings.queue_bytes))
    if settings.file:
        sinks.append(Sink("file", RotatingFile(settings.file, settings.file_bytes), settings.queue_bytes))
    return Log(settings, sinks, strict=strict)


class LibraryLines(logging.Handler):
    """Brings what libraries log (aiohttp, asyncio, OpenTelemetry) into our lines."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """One line of ours for one of theirs."""
        ours = record.levelno >= logging.ERROR and not record.name.startswith(_TELEMETRY)
        event = names.LIBRARY_ERROR if ours else names.LIBRARY_WARNING
        trouble = record.exc_info[1] if record.exc_info else None
        self._log.write(event, logger=record.name, message=record.getMessage(), exception=traceback_of(trouble))


def traceback_of(error: BaseException | None) -> str:
    """The traceback as text, at most its last 20 frames; empty for None."""
    if error is None:
        return ""
    return "".join(traceback.format_exception(error, limit=-20))
