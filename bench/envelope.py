"""The bytes every peer sends: 128 B of JSON with a stamp, in the envelope of a publication."""

import time

CHANNEL = "bench"
SIZE = 128
_HEAD, _TAIL = '{"t":"', '","p":"'
_FILL = "x" * (SIZE - len(_HEAD) - 16 - len(_TAIL) - 2) + '"}'


def data() -> str:
    """One publication's data: `SIZE` bytes with the monotonic clock in them, which the client in C reads."""
    return f"{_HEAD}{time.monotonic_ns():016x}{_TAIL}{_FILL}"


def pushed() -> str:
    """The data in the envelope in which a JSON client of the Centrifuge protocol gets it."""
    return f'{{"push":{{"channel":"{CHANNEL}","pub":{{"data":{data()}}}}}}}'
