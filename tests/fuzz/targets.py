"""What must hold for any bytes: each target takes an input and raises when a promise is broken.

A target's module is imported when it is run: what it imports is instrumented, which takes seconds.
"""

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple


class Target(NamedTuple):
    """Where it is, the rooms whose coverage guides it, and its part of the inputs: what is cheap gets more of them."""

    module: str
    guides: tuple[str, ...]
    share: int


CODECS = ("service.protocol",)
TARGETS = {
    "framing": Target("wire_targets", ("service.protocol.framing", "service.protocol.masking"), 3),
    "json_codec": Target("wire_targets", CODECS, 4),
    "protobuf_codec": Target("wire_targets", CODECS, 3),
    "delta": Target("wire_targets", ("service.channels.delta",), 3),
    "tokens": Target("token_target", ("service.access",), 9),
    "api": Target("api_target", ("service.api", "service.protocol.payload", "service.protocol.tolerance"), 3),
    "published": Target(
        "api_target", ("service.protocol", "service.channels.publishing", "service.channels.patches"), 1
    ),
    "emulation": Target("request_targets", (*CODECS, "service.connections.emulation"), 9),
    "stream": Target("request_targets", CODECS, 4),
    "proxy_protocol": Target("request_targets", ("service.connections.proxy_protocol",), 12),
    "tags_filter": Target("request_targets", ("service.channels.tags_filter",), 12),
}
ALL = {**TARGETS, "planted": Target("wire_targets", CODECS, 0)}


def guides(name: str) -> list[str]:
    """Modules where coverage is counted; the target itself among them, since it knows what is near."""
    return [*ALL[name].guides, f"tests.fuzz.{ALL[name].module}"]


def load(name: str) -> Callable[[bytes], Any]:
    """The target's function."""
    found: Callable[[bytes], Any] = getattr(importlib.import_module(f"tests.fuzz.{ALL[name].module}"), name)
    return found


def shares(names: list[str], runs: int) -> dict[str, int]:
    """How many of ``runs`` inputs each gets."""
    whole = sum(TARGETS[name].share for name in names)
    return {name: -(-runs * TARGETS[name].share // whole) for name in names}
