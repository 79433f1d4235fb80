"""The stack that the tests share, and questions to it."""

import contextlib
import datetime as dt
import json
import math
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deploy.native.compose import Mount, Published, Service
from deploy.native.stack import MAPPED, Stack

T = TypeVar("T")
FAULTS = Path(__file__).parent / "faults"
PATIENCE = 20.0
#: What STACK_SPACES may ask for: the best that is allowed, a user namespace as without root, or none at all.
SPACES: dict[str, Sequence[str] | None] = {"": (), "user": MAPPED, "none": None}
#: Ports that the compose file keeps inside: the tests have to ask them.
ASKED = {"loki": 3100, "heliograph": 9000}
#: A namespace whose subscriptions a backend decides that is not there, and one that drops what a slow reader had not
#: taken when something newer comes; nobody but a test uses them.
NAMESPACES = [
    {"name": "asked", "subscribe_proxy_enabled": True},
    {"name": "newest", "allow_subscribe_for_client": True, "slow_policy": "conflate"},
]
FOR_FAULTS = {
    "HELIOGRAPH_CHANNEL_NAMESPACES": json.dumps(NAMESPACES),
    "HELIOGRAPH_CHANNEL_PROXY_SUBSCRIBE_ENDPOINT": "http://127.0.0.1:9/subscribe",
}


def certificate() -> tuple[bytes, bytes]:
    """A certificate for three months, and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "heliograph")])
    now = dt.datetime.now(dt.UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(1).not_valid_before(now).not_valid_after(now + dt.timedelta(days=90))
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return built.sign(key, hashes.SHA256()).public_bytes(pem), key.private_bytes(
        pem, form, serialization.NoEncryption()
    )


class Running:
    """The compose file, running, at a lab's pace."""

    def __init__(self, folder: Path) -> None:
        self.faults = folder / "faults"
        self.faults.mkdir()
        (self.faults / "sitecustomize.py").write_bytes((FAULTS / "sitecustomize.py").read_bytes())
        self.began = time.time()
        spaces = SPACES[os.environ.get("STACK_SPACES", "")]
        self.stack = Stack(folder / "state", lab=True, any_port=True, spaces=spaces, change=self._prepared)

    def _prepared(self, service: Service) -> Service:
        if service.name in ASKED:
            reached = Published("127.0.0.1", 0, ASKED[service.name])
            service = replace(service, published=(*service.published, reached))
        if service.name == "heliograph":
            fault = Mount(str(self.faults), "/faults", bind=True, read_only=True)
            more = {"PYTHONPATH": "/app:/faults", **FOR_FAULTS, **self._certificate()}
            service = replace(service, mounts=(*service.mounts, fault), environment={**service.environment, **more})
        if service.name == "pager":
            mounts = [mount for mount in service.mounts if mount.target != "/etc/pager/pager.yml"]
            mounts.append(Mount(str(FAULTS / "pager.yml"), "/etc/pager/pager.yml", bind=True, read_only=True))
            service = replace(service, mounts=tuple(mounts))
        return service

    def _certificate(self) -> dict[str, str]:
        """The internal port speaks TLS, too: plain HTTP goes on, and there is a certificate to watch."""
        for name, pem in zip(("tls.crt", "tls.key"), certificate(), strict=True):
            (self.faults / name).write_bytes(pem)
        return {
            "HELIOGRAPH_HTTP_SERVER_INTERNAL_TLS_ENABLED": "true",
            "HELIOGRAPH_HTTP_SERVER_INTERNAL_TLS_MODE": "permissive",
            "HELIOGRAPH_HTTP_SERVER_INTERNAL_TLS_CERT_PEM": "/faults/tls.crt",
            "HELIOGRAPH_HTTP_SERVER_INTERNAL_TLS_KEY_PEM": "/faults/tls.key",
        }

    def load(self, *, on: bool) -> None:
        """Stops the load, or starts it."""
        if on and "load" not in self.stack.ready:
            self.stack.start_service("load")
        elif not on and "load" in self.stack.ready:
            self.stack.stop_service("load")

    # ------------------------------------------------------------------ the parts by HTTP

    def url(self, service: str, path: str, inside: int = 0) -> str:
        """Of a service's published port, or of one in ``ASKED``."""
        port = inside or {
            "heliograph": 8000,
            "jaeger": 16686,
            "prometheus": 9090,
            "alertmanager": 9093,
            "pager": 9099,
        }.get(service, ASKED.get(service, 0))
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
        """The sum of a metric's samples with these labels, from the server itself: no scrape in between."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        lines = self.text("heliograph", "/metrics", 9000).splitlines()
        return math.fsum(
            float(line.rpartition(" # ")[0].rpartition(" ")[2] if " # " in line else line.rpartition(" ")[2])
            for line in lines
            if line.split("{")[0].split(" ")[0] == name and all(each in line for each in wanted)
        )

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
        self, channel: str, data: Any, *, timeout: float = 10, headers: Mapping[str, str] | None = None
    ) -> tuple[dict[str, Any], str]:
        """What the server API answers, and the trace id that it tells ("" for none)."""
        request = urllib.request.Request(
            self.url("heliograph", "/api/publish"),
            json.dumps({"channel": channel, "data": data}).encode(),
            {"X-API-Key": self.key(), "Content-Type": "application/json", **(headers or {})},
        )
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.load(answer), (answer.headers.get("traceparent") or "")[3:35]

    def failing_broker(self) -> contextlib.AbstractContextManager[None]:
        """Half of all publishes fail meanwhile."""
        return self.fault("broker")

    @contextlib.contextmanager
    def fault(self, name: str) -> Iterator[None]:
        """One of those in ``faults/sitecustomize.py``, meanwhile."""
        (self.faults / name).touch()
        try:
            yield
        finally:
            (self.faults / name).unlink()


def until(ask: Callable[[], T], true: Callable[[T], Any] = bool, patience: float = PATIENCE) -> T:
    """Asks until the answer is true, and gives it; AssertionError with the last answer when it takes too long."""
    end = time.monotonic() + patience
    while not true(answer := ask()):
        assert time.monotonic() < end, f"after {patience:.0f} s it was still {answer!r:.800}"
        time.sleep(0.2)
    return answer
