"""Numbers as Grafana writes them: by the unit's id, three digits, scaled. Pure."""

import math
from typing import Final

_TIMES: Final = ((86400.0, "day"), (3600.0, "hour"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
_COUNTS: Final = ((1e12, "Tri"), (1e9, "Bil"), (1e6, "Mil"), (1e3, "K"))
_BYTES: Final = ((2.0**40, "TiB"), (2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"))
_DECIMAL_BYTES: Final = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
#: Unit → factor to the scale's own unit, the scale, what stands below it, a gap before it, what comes behind.
_UNITS: Final[dict[str, tuple[float, tuple[tuple[float, str], ...], str, bool, str]]] = {
    "s": (1, _TIMES, "s", True, ""),
    "d": (86400, _TIMES, "s", True, ""),
    "bytes": (1, _BYTES, "B", True, ""),
    "Bps": (1, _DECIMAL_BYTES, "B", True, "/s"),
    "short": (1, _COUNTS, "", True, ""),
    "none": (1, (), "", True, ""),
    "mps": (1, _COUNTS, "", False, " mps"),
    "ops": (1, _COUNTS, "", False, " ops/s"),
    "reqps": (1, _COUNTS, "", False, " req/s"),
}


def written(value: float, unit: str) -> str:
    """``value`` with its unit.

    Args:
        value: in the unit of the panel.
        unit: Grafana's id: s, d, percentunit, bytes, Bps, mps, ops, reqps, short or none.

    Raises:
        ValueError: an id that is not known here.

    """
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if unit == "percentunit":
        return f"{_digits(value * 100)}%"
    if unit not in _UNITS:
        raise ValueError(f"unit {unit} is not known")
    factor, scale, plain, gap, after = _UNITS[unit]
    return _scaled(value * factor, scale, plain, gap=gap) + after


def ticks(highest: float, unit: str, wanted: int = 4) -> list[tuple[float, str]]:
    """Places of an axis from 0 to at least ``highest``, at round numbers of the unit, each with its text."""
    highest = highest or 1.0
    rough = highest / wanted
    ground = 2.0 ** (10 * max(0, math.floor(math.log(highest, 1024)))) if unit == "bytes" else 1.0
    power = 10.0 ** math.floor(math.log10(rough / ground))
    step = ground * next(power * n for n in (1, 2, 2.5, 5, 10) if power * n >= rough / ground * (1 - 1e-9))
    count = max(1, math.ceil(highest / step - 1e-9))
    return [(n * step, written(n * step, unit)) for n in range(count + 1)]


def _scaled(value: float, scale: tuple[tuple[float, str], ...], plain: str, *, gap: bool) -> str:
    size, name = next(((size, name) for size, name in scale if abs(value) >= size * 0.9995), (1.0, plain))
    return f"{_digits(value / size)}{' ' if gap and name else ''}{name}"


def _digits(value: float) -> str:
    """Three digits that count, without zeros at the end."""
    if math.isnan(value) or not value:
        return "0" if value == 0 else "NaN"
    places = max(0, 2 - math.floor(math.log10(abs(value)) + 1e-9))
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
