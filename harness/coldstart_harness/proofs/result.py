"""What a proof found: verdicts on promises, figures and charts. Plain data, the form of `report.json`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from coldstart_harness.figures import spread_of

# not shown: this machine, or what the caller gave, does not allow to see it; the detail says why.
Outcome = Literal["kept", "broken", "not shown"]
Unit = Literal["s", "B", "1/s", "1", ""]


@dataclass(frozen=True, slots=True)
class Promise:
    """What a proof can find kept or broken.

    Args:
        id: unique among all proofs, words joined by hyphens: the name of its test.
        sentence: what is promised, true where it is kept.
    """

    id: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """A promise, and whether it held.

    Args:
        id: of the promise.
        sentence: what is promised.
        outcome: whether it held.
        met: the value met, as people read it; empty where there is none.
        wanted: the value wanted, likewise.
        detail: the evidence, where it is broken; the reason, where it is not shown.
    """

    id: str
    sentence: str
    outcome: Outcome
    met: str = ""
    wanted: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """Repeated measurements of one thing.

    Args:
        name: what was measured.
        unit: of the values; `1` for counts and ratios.
        median: of the runs.
        lowest: of the runs.
        highest: of the runs.
        runs: how many values the median is of.
    """

    name: str
    unit: Unit
    median: float
    lowest: float
    highest: float
    runs: int


def figure_of(name: str, unit: Unit, values: Sequence[float]) -> Figure:
    """Median and extremes of values.

    Raises:
        ValueError: no values.
    """
    spread = spread_of(values)
    return Figure(name, unit, spread.median, spread.lowest, spread.highest, spread.runs)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time on a row of a chart: from, to, and what kind of stretch it is, which gives its colour."""

    start: float
    end: float
    kind: str


@dataclass(frozen=True, slots=True)
class SpanChart:
    """Rows of stretches on one axis, such as a waterfall. Rows are label → spans, from the top."""

    title: str
    x_label: str
    rows: tuple[tuple[str, tuple[Span, ...]], ...]


@dataclass(frozen=True, slots=True)
class LineChart:
    """Curves: label → points (x, y)."""

    title: str
    x_label: str
    y_label: str
    series: tuple[tuple[str, tuple[tuple[float, float], ...]], ...]


@dataclass(frozen=True, slots=True)
class ProofResult:
    """What one proof found on one service, or on the image as a whole.

    Args:
        proof: its name.
        service: the service that was asked; None: the image at rest.
        verdicts: one for each promise of the proof.
        figures: what was measured.
        span_charts: to look at.
        line_charts: to look at.
        notes: how it was measured, where a reader could take it for something else.
        seconds: how long the proof took.
    """

    proof: str
    service: str | None
    verdicts: tuple[Verdict, ...]
    figures: tuple[Figure, ...]
    span_charts: tuple[SpanChart, ...]
    line_charts: tuple[LineChart, ...]
    notes: tuple[str, ...]
    seconds: float
