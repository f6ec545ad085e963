"""Numbers as people read and write them, and the few statistics that reports are made of. Pure."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from coldstart_harness.errors import UsageError

_UNITS_S = {"h": 3600, "m": 60, "s": 1}
_BYTES_PER_MB = 1_000_000


def format_bytes(size: int) -> str:
    """Decimal units, as registries and `docker images` count: `812 B`, `54.7 MB`, `1.61 GB`."""
    for unit, factor in (("GB", 1_000_000_000), ("MB", _BYTES_PER_MB), ("kB", 1_000)):
        if size >= factor:
            return f"{_three_digits(size / factor)} {unit}"
    return f"{size} B"


def format_seconds(seconds: float) -> str:
    """`4.60 ms` below a tenth of a second, `0.34 s` up to a minute, `2 min 5 s` above."""
    if seconds < 0.1:
        return f"{_three_digits(seconds * 1000)} ms"
    if seconds < 60:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def seconds_of(text: str) -> float:
    """`90`, `90s`, `20m`, `1h30m` in seconds.

    Raises:
        UsageError: it is none of these, or not above zero.
    """
    parts = re.fullmatch(r"(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s?)?", text.strip())
    seconds = (
        sum(int(number or 0) * _UNITS_S[unit] for number, unit in zip(parts.groups(), "hms", strict=True))
        if parts
        else 0
    )
    if not seconds:
        raise UsageError(f"a duration is like 90, 90s, 20m or 1h30m and above zero, met {text!r}")
    return float(seconds)


def format_number(value: float) -> str:
    """Counts whole, ratios and rates to three digits: `1000`, `0.984`, `36.7`."""
    if value == round(value):
        return f"{value:.0f}"
    return _three_digits(value) if abs(value) >= 1 else f"{value:.3g}"


def _three_digits(value: float) -> str:
    if value >= 100 or value == 0:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of the values do not exceed (nearest rank: a value that was seen).

    Args:
        values: at least one, in any order.
        percent: in (0, 100].

    Raises:
        ValueError: no values, or a percentage outside (0, 100].
    """
    if not values:
        raise ValueError("a percentile needs at least one value, got none")
    if not 0 < percent <= 100:
        raise ValueError(f"a percentile is in (0, 100], got {percent}")
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


@dataclass(frozen=True, slots=True)
class Spread:
    """Repeated measurements of one thing, in one unit."""

    median: float
    lowest: float
    highest: float
    runs: int


def spread_of(values: Sequence[float]) -> Spread:
    """Median, extremes and the number of values; the median of an even number is the mean of the middle two.

    Raises:
        ValueError: no values.
    """
    if not values:
        raise ValueError("a spread needs at least one value, got none")
    ordered = sorted(values)
    middle = len(ordered) // 2
    median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    return Spread(median=median, lowest=ordered[0], highest=ordered[-1], runs=len(ordered))
