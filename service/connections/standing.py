"""What a session knows of its client: who it is, where it is subscribed, when its rights end. Commands read and change it."""

from collections.abc import Generator
from dataclasses import dataclass, field

import msgspec

from service.access.rules import RulesSettings
from service.channels.namespaces import Namespaces
from service.connections.heartbeat import Heartbeat, HeartbeatSettings
from service.connections.questions import Effect, Outcome, Question, Several


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """Shared by all sessions of a listener. Durations in seconds; names are Centrifugo's, defaults too."""

    namespaces: Namespaces
    rules: RulesSettings = RulesSettings()
    heartbeat: HeartbeatSettings = HeartbeatSettings()
    version: str = "0.0.0"  # what the connect reply says
    node: str = ""
    stale_close_delay: float = 10.0
    expired_close_delay: float = 25.0
    expired_sub_close_delay: float = 25.0
    channel_limit: int = 128
    channel_max_length: int = 255
    history_max_publication_limit: int = 300
    allow_anonymous_connect_without_token: bool = False
    disallow_anonymous_connection_tokens: bool = False
    connect_include_server_time: bool = False
    personal_channel: bool = False  # client.subscribe_to_user_personal_channel.enabled
    personal_channel_namespace: str = ""
    rpc_ping: bool = False
    inbox_commands: int = 64
    inbox_bytes: int = 64 * 1024


class Subscription(msgspec.Struct, frozen=True, gc=False):
    """One channel of one client. The plain one is shared by all."""

    server_side: bool = False
    expire_at: float = float("inf")  # loop time
    info: msgspec.Raw = msgspec.Raw(b"")


Command = Generator[Question | Several, tuple[Outcome, float], list[Effect]]
"""A command under way: it asks, is sent (outcome, now), and ends with its effects."""
_ = (Heartbeat, field)
