"""How late a timer of the loop fires: what every connection feels when the loop is busy."""

import asyncio


async def lag(seconds: float, interval: float) -> list[float]:
    """Sorted lateness in milliseconds of timers set `interval` seconds ahead, one after the other."""
    loop = asyncio.get_running_loop()
    late: list[float] = []
    done = loop.create_future()
    end = loop.time() + seconds

    def fired(due: float) -> None:
        now = loop.time()
        late.append(1000 * (now - due))
        if now < end:
            loop.call_at(now + interval, fired, now + interval)
        elif not done.done():
            done.set_result(None)

    loop.call_later(interval, fired, loop.time() + interval)
    await done
    return sorted(late)


def share(late: list[float], part: float) -> float:
    """The percentile `part` (0 … 1)."""
    return late[min(len(late) - 1, int(len(late) * part))]
