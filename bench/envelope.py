"""The bytes every peer sends: 128 B of JSON with a stamp, in the envelope of a publication."""

import time

CHANNEL = "bench"
SIZE = 128
_HEAD, _TAIL = '{"t":"', '","p":"'
_FILL = "x" * (SIZE - len(_HEAD) - 16 - len(_TAIL) - 2) + '"}'


def data() -> str:
    """One publication's data: `SIZE` bytes with the monotonic clock in them, which the client in C reads."""
    return f"{_HEAD}{time.monotonic_ns():016x}{_TAIL}{_FILL}"


_ROWS = ",".join(
    f'{{"id":{row},"symbol":"{chr(65 + row * 7 % 26)}{chr(65 + row * 11 % 26)}",'
    f'"bid":{row * 37 % 1000 / 8},"ask":{row * 53 % 1000 / 8}}}'
    for row in range(20)
)


def document() -> str:
    """A publication worth compressing: a KiB of prices, with the clock."""
    return f'{_HEAD}{time.monotonic_ns():016x}","rows":[{_ROWS}]}}'


def pushed() -> str:
    """The data in the envelope in which a JSON client of the Centrifuge protocol gets it."""
    return f'{{"push":{{"channel":"{CHANNEL}","pub":{{"data":{data()}}}}}}}'
