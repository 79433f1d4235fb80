"""An event loop whose clock jumps to the next deadline instead of waiting for it."""

import asyncio
import selectors


class _Jumping(selectors.SelectSelector):
    def __init__(self, patience):
        super().__init__()
        self.now = 0.0
        self._patience = patience

    def select(self, timeout=None):
        ready = super().select(0 if timeout == 0 else self._patience)
        if not ready:
            assert timeout is not None, "everything waits for something that never happens"
            self.now += max(timeout, 0.0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Hours in milliseconds, and the same each time."""

    def __init__(self, patience=0.0):
        """``patience``: seconds, in earnest, to wait for sockets before each jump; 0 where there are none."""
        self._jumping = _Jumping(patience)
        super().__init__(self._jumping)
        self.faults = []
        self.set_exception_handler(lambda _loop, context: self.faults.append(context))

    def time(self):
        return self._jumping.now


def run(main, patience=0.0):
    """Run a coroutine function in virtual time; it is given the loop."""
    loop = VirtualLoop(patience)
    try:
        result = loop.run_until_complete(main(loop))
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.001))
        assert not loop.faults, loop.faults
        return result
    finally:
        loop.close()
