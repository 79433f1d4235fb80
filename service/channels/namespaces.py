"""Pure: the options of channels, and which of them go for a channel's name (protocol reference, section 10).

A name is ``[$]namespace:rest``: ``$`` makes it private; after the last ``#`` may stand the users it is limited to.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from service.protocol.errors import BAD_REQUEST, UNKNOWN_CHANNEL, ClientMistake
from service.protocol.payload import is_json

DAY = 24 * 3600.0
LONGEST_RESOLVED = 255  # characters of a name that is remembered
RESOLVED = 4096  # names whose namespace is remembered; then it begins anew, so that strangers cannot make it grow


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """Options of all channels of one namespace, with Centrifugo's names; durations in seconds."""

    name: str = ""  # "" for channels without namespace

    presence: bool = False
    join_leave: bool = False
    force_push_join_leave: bool = False

    history_size: int = 0
    history_ttl: float = 0.0
    history_meta_ttl: float = 30 * DAY
    force_positioning: bool = False
    allow_positioning: bool = False
    force_recovery: bool = False
    allow_recovery: bool = False
    force_recovery_mode: Literal["stream", "cache"] = "stream"
    auto_cache_recover: bool = False

    allow_subscribe_for_client: bool = False
    allow_subscribe_for_anonymous: bool = False
    allow_publish_for_client: bool = False
    allow_publish_for_subscriber: bool = False
    allow_publish_for_anonymous: bool = False
    allow_history_for_client: bool = False
    allow_history_for_subscriber: bool = False
    allow_history_for_anonymous: bool = False
    allow_presence_for_client: bool = False
    allow_presence_for_subscriber: bool = False
    allow_presence_for_anonymous: bool = False
    allow_user_limited_channels: bool = False

    subscribe_proxy_enabled: bool = False
    subscribe_proxy_name: str = "default"  # of a hook; "": the default one
    publish_proxy_enabled: bool = False
    publish_proxy_name: str = "default"
    sub_refresh_proxy_enabled: bool = False
    sub_refresh_proxy_name: str = "default"

    channel_regex: str = ""  # what comes after the namespace has to match; then names need not be ASCII
    publication_data_format: Literal["json", "json_object", "binary"] = "json"  # unlike Centrifugo never unchecked

    allowed_delta_types: tuple[str, ...] = ()
    delta_publish: bool = False
    allow_tags_filter: bool = False

    slow_policy: Literal["disconnect", "conflate"] = "disconnect"  # our own: what becomes of a reader that lags
    receipts: bool = False  # our own: clients confirm what they received
    receipt_timeout: float = 0.0  # seconds until what is not confirmed is given once more; 0: at a reconnect only
    receipt_ttl: float = DAY  # seconds that a confirmed position is kept

    regex: re.Pattern[str] | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        if self.channel_regex:
            object.__setattr__(self, "regex", re.compile(self.channel_regex))

    @property
    def has_history(self) -> bool:
        """Whether publications are kept."""
        return self.history_size > 0 and self.history_ttl > 0

    def check_data(self, data: bytes) -> None:
        """Whether this may be published here: what is no JSON would end the connections of JSON subscribers.

        Raises:
            ClientMistake: BAD_REQUEST.

        """
        if self.publication_data_format == "binary":
            return
        wants_object = self.publication_data_format == "json_object"
        if not data or not is_json(data) or (wants_object and data.lstrip()[:1] != b"{"):
            raise ClientMistake(BAD_REQUEST)


@dataclass(frozen=True, slots=True)
class Boundaries:
    """Characters with a meaning in names, Centrifugo's ``channel.*_prefix`` and ``*_boundary``; "" switches one off."""

    private: str = "$"
    namespace: str = ":"
    user: str = "#"
    user_separator: str = ","


class Namespaces:
    """All namespaces. Finds the options of a name, and what else a name says."""

    def __init__(
        self,
        without: Namespace = Namespace(),
        named: Iterable[Namespace] = (),
        boundaries: Boundaries = Boundaries(),
    ) -> None:
        self.without = without
        self.named: Mapping[str, Namespace] = {namespace.name: namespace for namespace in named}
        self._marks = boundaries
        self._resolved: dict[str, Namespace] = {}

    def __iter__(self) -> Iterator[Namespace]:
        yield self.without
        yield from self.named.values()

    def resolve(self, channel: str) -> Namespace:
        """The options of this channel.

        Raises:
            ClientMistake: UNKNOWN_CHANNEL, for a namespace that is not configured.

        """
        found = self._resolved.get(channel)
        if found is None:
            found = self._find(channel)
            if len(channel) > LONGEST_RESOLVED:
                return found
            if len(self._resolved) >= RESOLVED:
                self._resolved.clear()
            self._resolved[channel] = found
        return found

    def is_valid_name(self, channel: str, namespace: Namespace) -> bool:
        """Whether clients may use this name in this namespace; the server API may use any."""
        if namespace.regex is None:
            return channel.isascii()
        return namespace.regex.search(self._split(channel)[1]) is not None

    def is_private(self, channel: str) -> bool:
        """Whether subscribing always takes a token."""
        return bool(self._marks.private) and channel.startswith(self._marks.private)

    def limited_to(self, channel: str) -> tuple[str, ...] | None:
        """The users whom the name lists; None when it has no list. For namespaces that allow such channels."""
        if not self._marks.user:
            return None
        _, mark, listed = channel.rpartition(self._marks.user)
        if not mark:
            return None
        separator = self._marks.user_separator
        return tuple(listed.split(separator)) if separator else (listed,)

    def personal_channel(self, user: str, namespace: str = "") -> str:
        """The name of a user's personal channel."""
        prefix = f"{namespace}{self._marks.namespace}" if namespace else ""
        return f"{prefix}{self._marks.user}{user}"

    def _find(self, channel: str) -> Namespace:
        name = self._split(channel)[0]
        if not name:
            return self.without
        try:
            return self.named[name]
        except KeyError:
            raise ClientMistake(UNKNOWN_CHANNEL) from None

    def _split(self, channel: str) -> tuple[str, str]:
        """Namespace and the rest; a name that begins with the boundary has no namespace."""
        bare = channel.removeprefix(self._marks.private)
        if not self._marks.namespace:
            return "", bare
        namespace, boundary, rest = bare.partition(self._marks.namespace)
        return (namespace, rest) if boundary else ("", bare)
