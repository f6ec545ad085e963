"""What was seen in a run: counts and times, interval by interval, in bounded memory. Pure."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args

# As in the proofs: right: the expected answer, whole. wrong: another answer. turned away: 429 or 503 that says when to
# return. refused: nobody accepted the connection. lost: no whole answer came. late: none within the time.
Outcome = Literal["right", "wrong", "turned away", "refused", "lost", "late"]
# Times to the first token of streams that were answered rightly stand beside the outcomes.
Series = Literal["right", "wrong", "turned away", "refused", "lost", "late", "first token"]

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
FAILURES: tuple[Outcome, ...] = ("wrong", "refused", "lost", "late")
MOST_INTERVALS = 2048
_MOST_REASONS = 100
_DIGITS = 3

# Milliseconds, three digits → how often.
Histogram = Counter[float]


def rounded_ms(milliseconds: float) -> float:
    """Three digits: within 0.5% of the time that was taken."""
    return float(f"{milliseconds:.{_DIGITS}g}")


def percentile_of(histogram: Mapping[float, int], percent: float) -> float | None:
    """Nearest rank, as `figures.percentile`; None of nothing."""
    rank = math.ceil(sum(histogram.values()) * percent / 100)
    for milliseconds in sorted(histogram):
        rank -= histogram[milliseconds]
        if rank <= 0:
            return milliseconds
    return None


class Record:
    """Counts and times by request, series and interval.

    Memory is bounded: there are at most `MOST_INTERVALS` intervals. A longer run doubles their width.
    """

    def __init__(self) -> None:
        self.interval_s = 1.0
        self._seen: dict[tuple[int, str, Series], Histogram] = {}
        self.reasons: Counter[tuple[str, str]] = Counter()

    def add(self, offset_s: float, name: str, series: Series, milliseconds: float, count: int = 1) -> None:
        """Note a time.

        Args:
            offset_s: when it was over, in seconds from the run's start.
            name: of the request.
            series: what became of it.
            milliseconds: how long it took.
            count: how often.
        """
        while offset_s >= MOST_INTERVALS * self.interval_s:
            self._widen()
        key = (int(max(0.0, offset_s) // self.interval_s), name, series)
        self._seen.setdefault(key, Counter())[rounded_ms(milliseconds)] += count

    def add_reason(self, name: str, reason: str, count: int = 1) -> None:
        """Note why an answer was not right; the rarest of very many different reasons are kept as one."""
        known = (name, reason) in self.reasons or len(self.reasons) < _MOST_REASONS
        self.reasons[(name, reason) if known else (name, "another reason")] += count

    def rows(self) -> Iterator[tuple[float, str, Series, float, int]]:
        """Everything: interval's start in seconds, name, series, milliseconds, count."""
        for (index, name, series), histogram in sorted(self._seen.items()):
            for milliseconds, count in sorted(histogram.items()):
                yield index * self.interval_s, name, series, milliseconds, count

    def taken(self) -> dict[str, Any]:
        """Everything in a form for the wire, and forget it: what a worker sends its master."""
        rows = [list(row) for row in self.rows()]
        reasons = [[name, reason, count] for (name, reason), count in self.reasons.items()]
        self._seen.clear()
        self.reasons.clear()
        return {"rows": rows, "reasons": reasons}

    def merge(self, taken: Mapping[str, Any]) -> None:
        """Add what `taken` gave elsewhere."""
        for row in taken["rows"]:
            self.add(*row)
        for name, reason, count in taken["reasons"]:
            self.add_reason(name, reason, count)

    def names(self) -> list[str]:
        return sorted({name for _, name, _ in self._seen})

    def times(self, series: Series, name: str | None = None, from_s: float = 0.0, to_s: float = math.inf) -> Histogram:
        """Times of a series in the intervals that begin within a stretch of time; of all requests, or one."""
        found: Histogram = Counter()
        for (index, met, kind), histogram in self._seen.items():
            if kind == series and name in (None, met) and from_s <= index * self.interval_s < to_s:
                found.update(histogram)
        return found

    def count(self, *series: Series, name: str | None = None, from_s: float = 0.0, to_s: float = math.inf) -> int:
        """How many there are of these series."""
        return sum(self.times(one, name, from_s, to_s).total() for one in series)

    def _widen(self) -> None:
        self.interval_s *= 2
        before, self._seen = self._seen, {}
        for (index, name, series), histogram in before.items():
            self._seen.setdefault((index // 2, name, series), Counter()).update(histogram)
