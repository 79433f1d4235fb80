"""Faults of the pager's own: what nobody foresaw is counted and written down, and stops nobody else."""

import logging
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final

_LOG: Final = logging.getLogger("alerts.pager")


class Faults:
    """Hears of every one."""

    def __init__(self, counted: Callable[[str], None]) -> None:
        """``counted``: hears the part of the pager that had it."""
        self._counted = counted

    def happened(self, part: str, fault: Exception) -> str:
        """Count it and write it down; where it was, in words."""
        self._counted(part)
        told = place(fault)
        _LOG.error("pager: a fault in %s: %s", part, told)
        return told


def place(fault: BaseException) -> str:
    """Which one and where. Not its text, which may hold an address or a token."""
    frames = traceback.extract_tb(fault.__traceback__)
    ours = [frame for frame in frames if "alerts" in Path(frame.filename).parts]
    at = f" in {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    return f"{type(fault).__name__}{at}"
