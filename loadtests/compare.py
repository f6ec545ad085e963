"""Whether two runs differ, with confidence intervals that know that neighbouring requests are alike. Pure."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from coldstart_harness.errors import UsageError
from coldstart_harness.figures import format_seconds
from loadtests.document import RunDocument
from loadtests.record import OUTCOMES, Series

CONFIDENCE = 0.95
# Shorter ones would not hold what lasts for some seconds: a neighbour's burst, a collection of garbage.
SHORTEST_BLOCK_S = 5.0
FEWEST_BLOCKS = 6
_MOST_BLOCKS = 12
_FEWEST = 20
# So that about five answers lie above it in every resample.
_FEWEST_OF_P99 = 500
_RESAMPLES = 10_000
_AT_ONCE = 1_000
_SEED = 20_240_607

Quantity = Literal["p50", "p99", "right answers/s", "share not answered rightly", "p99 to the first token"]
_FloatArray = NDArray[np.float64]
# How often each block is drawn, shape (resamples, blocks), to a quantity of each resample, shape (resamples,).
_Statistic = Callable[[_FloatArray], _FloatArray]


@dataclass(frozen=True, slots=True)
class Difference:
    """One quantity of one request in two runs.

    Args:
        request: its name.
        quantity: what is compared.
        a: in the first run.
        b: in the second run.
        low: lower end of the interval of the change: of B/A − 1, for shares of B − A.
        high: upper end.
    """

    request: str
    quantity: Quantity
    a: float
    b: float
    low: float
    high: float

    @property
    def is_shown(self) -> bool:
        """Whether the interval leaves out that nothing changed."""
        return not self.low <= 0 <= self.high


@dataclass(frozen=True, slots=True)
class _Question:
    request: str
    quantity: Quantity

    @property
    def series(self) -> Series:
        """What must be in both runs, so that the question can be asked."""
        return "first token" if self.quantity == "p99 to the first token" else "right"


def differences(a: RunDocument, b: RunDocument) -> list[Difference]:
    """Compare what both runs asked for.

    Each run is cut into blocks of time, and whole blocks are drawn anew with replacement: requests of one moment share
    its weather, and counting them one by one would show differences that are none. The intervals hold all together
    with 95% confidence: each one alone with more (Bonferroni), so that a long table does not find something by chance.

    Source: percentile intervals of the block bootstrap, expanded by Student's t for the small number of blocks
    (T. Hesterberg, What Teachers Should Know About the Bootstrap, 2015).

    What one of them has too few answers for is left out: the 99th percentile of fifty is only the slowest.

    Raises:
        UsageError: a run is too short, or nothing compares.
    """
    runs = [_Blocks(document, _SEED + number) for number, document in enumerate((a, b))]
    questions = [question for question in _questions(runs) if all(run.tells(question) for run in runs)]
    if not questions:
        raise UsageError("the runs have no request in common of which both have enough answers, so nothing compares")
    tail = _tail((1 - CONFIDENCE) / len(questions), min(run.count for run in runs))
    return [_difference(question, runs[0], runs[1], tail) for question in questions]


def _questions(runs: "Sequence[_Blocks]") -> Iterator[_Question]:
    for name in runs[0].names():
        for quantity in get_args(Quantity):
            yield _Question(name, quantity)


def _tail(alpha: float, blocks: int) -> float:
    """The share of resamples outside each end of the interval."""
    quantile = math.sqrt(blocks / (blocks - 1)) * stdtrit(blocks - 1, 1 - alpha / 2)
    return float(ndtr(-quantile))


def _difference(question: _Question, a: "_Blocks", b: "_Blocks", tail: float) -> Difference:
    met_a, drawn_a = a.seen(question)
    met_b, drawn_b = b.seen(question)
    if question.quantity == "share not answered rightly":
        changes = drawn_b - drawn_a
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            changes = np.nan_to_num(drawn_b / drawn_a - 1, nan=0.0, posinf=np.inf)
    low, high = np.quantile(changes, [tail, 1 - tail], method="nearest")
    return Difference(question.request, question.quantity, met_a, met_b, float(low), float(high))


class _Blocks:
    """One run, cut into blocks of time."""

    def __init__(self, document: RunDocument, seed: int) -> None:
        intervals = math.ceil(max(SHORTEST_BLOCK_S, document.duration_s / _MOST_BLOCKS) / document.interval_s)
        self._width_s = intervals * document.interval_s
        self.count = int(document.duration_s // self._width_s)
        if self.count < FEWEST_BLOCKS:
            raise UsageError(
                f"the run of {document.began:%Y-%m-%d %H:%M:%S} took {format_seconds(document.duration_s)}; "
                f"a comparison takes at least {format_seconds(FEWEST_BLOCKS * self._width_s)}"
            )
        chance = np.random.default_rng(seed)
        self._drawn = chance.multinomial(self.count, [1 / self.count] * self.count, size=_RESAMPLES).astype(float)
        self._times: dict[tuple[str, Series], list[tuple[int, float, int]]] = {}
        for interval in document.intervals:
            block = int(interval.from_s // self._width_s)
            if block < self.count:
                times = self._times.setdefault((interval.name, interval.series), [])
                times += [(block, milliseconds, count) for milliseconds, count in interval.times]

    def names(self) -> list[str]:
        return sorted({name for name, _ in self._times})

    def tells(self, question: _Question) -> bool:
        """Whether there are enough answers, in enough blocks."""
        met = self._times.get((question.request, question.series), [])
        fewest = _FEWEST_OF_P99 if "p99" in question.quantity else _FEWEST
        return sum(count for _, _, count in met) >= fewest and len({block for block, _, _ in met}) >= FEWEST_BLOCKS

    def seen(self, question: _Question) -> tuple[float, _FloatArray]:
        """The quantity as it was, and as it is in each resample of the blocks."""
        statistic = self._statistic(question)
        parts = [statistic(self._drawn[start : start + _AT_ONCE]) for start in range(0, _RESAMPLES, _AT_ONCE)]
        return float(statistic(np.ones((1, self.count)))[0]), np.concatenate(parts)

    def _statistic(self, question: _Question) -> _Statistic:
        name = question.request
        if question.quantity == "right answers/s":
            per_block = self._counts(name, "right") / self._width_s / self.count
            return lambda weights: weights @ per_block
        if question.quantity == "share not answered rightly":
            right, asked = self._counts(name, "right"), sum(self._counts(name, outcome) for outcome in OUTCOMES)
            return lambda weights: 1 - (weights @ right) / np.maximum(weights @ asked, 1)
        return self._percentile(name, question.series, 50 if question.quantity == "p50" else 99)

    def _percentile(self, name: str, series: Series, percent: float) -> _Statistic:
        met = self._times[name, series]
        times = np.unique([milliseconds for _, milliseconds, _ in met])
        counts = np.zeros((self.count, len(times)))
        for block, milliseconds, count in met:
            counts[block, np.searchsorted(times, milliseconds)] += count
        in_rising_order = np.cumsum(counts, axis=1)

        def statistic(weights: _FloatArray) -> _FloatArray:
            up_to = weights @ in_rising_order
            ranks = np.ceil(up_to[:, -1:] * percent / 100)
            found: _FloatArray = times[np.argmax(up_to >= ranks, axis=1)]
            return found

        return statistic

    def _counts(self, name: str, series: Series) -> _FloatArray:
        """How many there are in each block."""
        counts = np.zeros(self.count)
        for block, _, count in self._times.get((name, series), []):
            counts[block] += count
        return counts
