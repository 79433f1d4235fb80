"""``python -I enter.py PARENT ROOT FOLDER PROGRAM [ARGUMENT ...]``: become PROGRAM inside ROOT, and die with PARENT.

A step of its own, so that the supervisor never runs Python between fork and exec.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def enter(parent: int, root: str, folder: str, argv: list[str]) -> None:
    """Never returns."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died in between
        sys.exit(1)
    if root:
        os.chroot(root)
    os.chdir(folder)
    try:
        os.execv(argv[0], argv)  # noqa: S606 - what this is for
    except OSError as error:
        sys.exit(f"{argv[0]} cannot be started: {error.strerror}")


if __name__ == "__main__":
    enter(int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:])
