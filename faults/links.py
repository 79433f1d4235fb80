"""Where to click: the board over the time of the fault, and a trace that shows it."""

import contextlib
import time
from typing import Any, Final
from urllib.parse import urlencode

from faults.fault import ERRORS, Fault
from faults.running import Running

GRAFANA: Final = "http://localhost:3000"  # as the alerts' own links have it
PATIENCE: Final = 8.0  # seconds until a span is in Jaeger
_LOOK: Final = 0.5
_LOOKED_AT: Final = 300  # traces among which one with an error is looked for


def shown(trace_url: str, board_url: str) -> str:
    """Both, as lines; a fault that is not about single messages has no trace."""
    return "\n".join(f"  {what:18} {url}" for what, url in (("trace", trace_url), ("board", board_url)) if url)


def board(fault: Fault, began: float, ended: float) -> str:
    """The board's address, with the fault's time (seconds since the epoch) and some seconds around it."""
    shown = {"from": int((began - 15) * 1000), "to": int((ended + 15) * 1000)}
    return f"{GRAFANA}/d/heliograph-{fault.board}/{fault.board}?{urlencode(shown)}"


def trace(lab: Running, fault: Fault, began: float) -> str:
    """The address of a trace since then that shows the fault; "" when Jaeger has none."""
    end = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(OSError, AssertionError):  # who is asked may be what is broken
            for trace_id in _failed(lab, began) if fault.trace == ERRORS else _slowest(lab, fault.trace, began):
                if _there(lab, trace_id):
                    return lab.url("jaeger", f"/trace/{trace_id}")
        if time.monotonic() > end:
            return ""
        time.sleep(_LOOK)


def _failed(lab: Running, began: float) -> list[str]:
    """Traces with an error, the latest first. Jaeger tells a span's failure as a tag, and cannot be asked for it."""
    asked = {"service": "heliograph", "start": int(began * 1e6), "end": int(time.time() * 1e6), "limit": _LOOKED_AT}
    found = lab.get("jaeger", f"/api/traces?{urlencode(asked)}")["data"] or []
    return [each["traceID"] for each in sorted(found, key=_start, reverse=True) if any(map(_is_error, each["spans"]))]


def _is_error(span: Any) -> bool:
    return any(tag["key"] == "error" and tag["value"] in (True, "true") for tag in span["tags"])


def _start(found: Any) -> int:
    return max(int(span["startTime"]) for span in found["spans"])


def _slowest(lab: Running, histogram: str, began: float) -> list[str]:
    """Traces behind a histogram's exemplars, the slowest first."""
    asked = {"query": f"{histogram}_bucket", "start": began, "end": time.time()}
    found = lab.get("prometheus", f"/api/v1/query_exemplars?{urlencode(asked)}")["data"]
    dots = [dot for series in found for dot in series["exemplars"] if float(dot["timestamp"]) >= began]
    return [dot["labels"]["trace_id"] for dot in sorted(dots, key=lambda dot: float(dot["value"]), reverse=True)]


def _there(lab: Running, trace_id: str) -> bool:
    with contextlib.suppress(AssertionError):
        return bool(lab.get("jaeger", f"/api/traces/{trace_id}")["data"])
    return False
