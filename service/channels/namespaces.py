"""Pure: the options of channels, and which of them go for a channel's name."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Namespace:
    """Options of all channels of one namespace, with Centrifugo's names; durations in seconds."""

    name: str = ""


class Namespaces:
    """All namespaces; resolves a channel's name to its options."""

    def resolve(self, channel: str) -> Namespace:
        """The options of this channel.

        Raises:
            ClientMistake: UNKNOWN_CHANNEL.

        """
        raise NotImplementedError
