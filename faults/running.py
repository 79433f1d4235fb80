"""The compose file, running at a lab's pace with additions, and questions to it."""

import contextlib
import json
import math
import os
import re
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

import jwt

from deploy.native.compose import Mount, Published, Service
from deploy.native.roots import ROOT
from deploy.native.stack import MAPPED, Stack
from faults import certificate
from faults.additions import LAB, Additions

T = TypeVar("T")
PATIENCE: Final = 20.0
#: What STACK_SPACES may ask for: the best that is allowed, a user namespace as without root, or none at all.
SPACES: Final[dict[str, Sequence[str] | None]] = {"": (), "user": MAPPED, "none": None}
#: Ports that the compose file keeps inside, and which have to be asked.
_ASKED: Final = {"loki": 3100, "heliograph": 9000, "collector": 4318}
_PART: Final = r"_(total|count|sum|bucket)$"  # of a metric's sample, which its family's name has not
_PUBLISHED: Final = {
    "heliograph": 8000,
    "jaeger": 16686,
    "prometheus": 9090,
    "alertmanager": 9093,
    "pager": 9099,
    "outsiders": 8088,
}


class Running:
    """The whole stack. ``folder`` gets its volumes, logs, additions and orders."""

    def __init__(self, folder: Path, added: Additions = LAB) -> None:
        self._added = added
        self._lab = folder / "lab"
        (self._lab / "orders").mkdir(parents=True, exist_ok=True)
        for module in added.inside:
            (self._lab / module.name).write_bytes(module.read_bytes())
        (self._lab / "sitecustomize.py").write_text("".join(f"import {module.stem}\n" for module in added.inside))
        for name, text in {**added.pager, "rota.yml": added.rota}.items():
            (self._lab / name).write_text(text, encoding="utf-8")
        certificate.write(self._lab, days=90)
        self.began = time.time()
        spaces = SPACES[os.environ.get("STACK_SPACES", "")]
        beside = [self._with_lab(service) for service in added.beside]
        self.stack = Stack(
            folder / "state", lab=True, any_port=True, spaces=spaces, change=self._prepared, beside=beside
        )

    def _with_lab(self, service: Service) -> Service:
        lab = Mount(str(self._lab), "/lab", bind=True, read_only=True)
        return replace(service, mounts=(*service.mounts, lab))

    def _prepared(self, service: Service) -> Service:
        if service.name in _ASKED:
            reached = Published("127.0.0.1", 0, _ASKED[service.name])
            service = replace(service, published=(*service.published, reached))
        if service.name == "heliograph":
            more = {"PYTHONPATH": "/app:/lab", **self._added.server}
            return self._with_lab(replace(service, environment={**service.environment, **more}))
        return self._with_lab(self._as_pager(service)) if service.name == "pager" else service

    def _as_pager(self, service: Service) -> Service:
        files = {f"/etc/pager/{name}": str(self._lab / name) for name in self._added.pager}
        kept = [mount for mount in service.mounts if mount.target not in files]
        added = [Mount(source, target, bind=True, read_only=True) for target, source in files.items()]
        return replace(
            service,
            mounts=(*kept, *added),
            command=(*service.command, *(("--rota", "/lab/rota.yml") if self._added.rota else ())),
            environment={**service.environment, "PYTHONPATH": "/app:/lab"},
        )

    def load(self, *, on: bool) -> None:
        """Stops the load, or starts it."""
        if on and "load" not in self.stack.ready:
            self.stack.start_service("load")
        elif not on and "load" in self.stack.ready:
            self.stack.stop_service("load")

    def end(self) -> None:
        """Nobody needs what it knows: no goodbyes, so that the next one can begin."""
        for name in self.stack.ready:
            self.stack.signal(name, signal.SIGKILL)

    # ------------------------------------------------------------------ the parts by HTTP

    def url(self, service: str, path: str, inside: int = 0) -> str:
        """Of a service's published port, or of one that is only asked from here."""
        port = inside or _PUBLISHED.get(service, _ASKED.get(service, 0))
        return f"http://{self.stack.address(service, port)}{path}"

    def get(self, service: str, path: str, inside: int = 0) -> Any:
        """The JSON of a GET; AssertionError with what was said instead."""
        return json.loads(self.text(service, path, inside))

    def text(self, service: str, path: str, inside: int = 0) -> str:
        """The body of a GET."""
        try:
            with urllib.request.urlopen(self.url(service, path, inside), timeout=10) as answer:
                body: bytes = answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{service}{path}: {error.code} {error.read()[:500]!r}") from None
        return body.decode()

    def value(self, expression: str) -> float:
        """The sum of an instant query's series; NaN when there is none."""
        found = self.get("prometheus", f"/api/v1/query?{urlencode({'query': expression})}")["data"]["result"]
        return math.fsum(float(series["value"][1]) for series in found) if found else math.nan

    def figure(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples with these labels, from the server itself: no scrape in between.

        Raises:
            LookupError: the server has no metric of the name.

        """
        return math.fsum(self.samples(name, **labels))

    def samples(self, name: str, **labels: str) -> list[float]:
        """A metric's samples with these labels; none where the metric has none of them.

        Raises:
            LookupError: the server has no metric of the name.

        """
        return samples(self.text("heliograph", "/metrics", 9000), name, **labels)

    def inbox(self) -> dict[str, list[str]]:
        """Names of the alerts that the pager shows as firing and as resolved."""
        told = self.get("pager", "/inbox.json")
        return {state: sorted(entry["name"] for entry in told[state]) for state in ("firing", "resolved")}

    # ------------------------------------------------------------------------- the server

    @property
    def port(self) -> int:
        """The server's public port on this machine."""
        return int(self.stack.address("heliograph", 8000).rpartition(":")[2])

    def key(self) -> str:
        """The API key."""
        return (self.stack.volume("keys") / "api_key").read_text().strip()

    def token(self, user: str) -> str:
        """A connection token."""
        secret = (self.stack.volume("keys") / "token_secret").read_text().strip()
        return jwt.encode({"sub": user, "exp": int(time.time()) + 3600}, secret, "HS256")

    def publish(
        self, channel: str, data: Any, *, headers: Mapping[str, str] | None = None
    ) -> tuple[dict[str, Any], str]:
        """What the server API answers, and the trace id that it tells ("" for none)."""
        request = urllib.request.Request(
            self.url("heliograph", "/api/publish"),
            json.dumps({"channel": channel, "data": data}).encode(),
            {"X-API-Key": self.key(), "Content-Type": "application/json", **(headers or {})},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer), (answer.headers.get("traceparent") or "")[3:35]

    # ------------------------------------------------------------------------------ orders

    @contextlib.contextmanager
    def ordered(self, fault: str, size: float) -> Iterator[None]:
        """A fault inside the server or of the outsiders, of that size, meanwhile."""
        order = self._lab / "orders" / fault
        order.write_text(str(size), encoding="ascii")
        try:
            yield
        finally:
            order.unlink()

    @contextlib.contextmanager
    def broken_certificate(self) -> Iterator[None]:
        """The server's certificate is replaced by something that is none, meanwhile."""
        (self._lab / "tls.crt").write_text("no certificate", encoding="ascii")
        try:
            yield
        finally:
            certificate.write(self._lab, days=90)

    @contextlib.contextmanager
    def certificate_of(self, days: float) -> Iterator[None]:
        """The server's certificate is replaced by one that ends so soon, meanwhile."""
        certificate.write(self._lab, days=days)
        try:
            yield
        finally:
            certificate.write(self._lab, days=90)

    @contextlib.contextmanager
    def broken_rota(self) -> Iterator[None]:
        """Somebody has left the rota's file half-written, meanwhile."""
        rota = self._lab / "rota.yml"
        rota.write_text(rota.read_text(encoding="utf-8").replace("order: [ada, ben]", "order: [ada, bne]"))
        try:
            yield
        finally:
            rota.write_text(self._added.rota, encoding="utf-8")

    def mounted(self, service: str, target: str) -> Path:
        """Where this machine has a file or folder that a service sees."""
        (named,) = (each for each in self.stack.services if each.name == service)
        (mount,) = (each for each in named.mounts if each.target == target)
        source = ROOT / mount.source
        copied = self.stack.spaces is None and source.is_file()
        return self.stack.state / "replaced" / service / source.name if copied else source


def samples(text: str, name: str, **labels: str) -> list[float]:
    """The values in an exposition's text.

    Raises:
        LookupError: it has no metric of the name.

    """
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    lines = [line for line in text.splitlines() if line.split("{")[0].split(" ")[0] == name]
    if not lines and not re.search(rf"^# TYPE {re.sub(_PART, '', name)}(_total)? ", text, re.MULTILINE):
        raise LookupError(f"the server has no metric {name}")
    told = [line for line in lines if all(each in line for each in wanted)]
    return [float((line.rpartition(" # ")[0] or line).rpartition(" ")[2]) for line in told]


def until(ask: Callable[[], T], true: Callable[[T], Any] = bool, patience: float = PATIENCE) -> T:
    """Asks until the answer is true, and gives it; AssertionError with the last answer when it takes too long."""
    end = time.monotonic() + patience
    while not true(answer := ask()):
        assert time.monotonic() < end, f"after {patience:.0f} s it was still {answer!r:.800}"
        time.sleep(0.2)
    return answer
