"""Charts as SVG to be put into a page: deterministic, in the page's own font and colours of text."""

import io
import os
import re
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from coldstart_harness.figures import format_number, format_seconds
from coldstart_harness.proofs.result import LineChart, Span, SpanChart

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH_IN = 8.0
_ROW_IN = 0.32
_AXIS_IN = 0.75
_LINES_IN = 3.0
_LONGEST_LABEL = 48
_LONGEST_AXIS_LABEL = 100
# Of the axis: less is not seen, so shorter spans are drawn this long, and gaps between equal ones are closed.
_SEEN_RATIO = 1 / 500
# Comes with matplotlib; wide, so that what is measured with it has room in other fonts.
_FONT = "DejaVu Sans"
# Of the axis: a length written behind a bar that ends beyond would leave the chart.
_FAR_RATIO = 0.9
# Stand for what the page's style sheet decides.
_TEXT, _LINE = "#010203", "#040506"
_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "coldstart",
    # Labels are names that others chose; a dollar sign is no formula.
    "text.parse_math": False,
    "font.family": _FONT,
    "font.size": 9,
    "text.color": _TEXT,
    "axes.labelcolor": _TEXT,
    "xtick.labelcolor": _TEXT,
    "ytick.labelcolor": _TEXT,
    "xtick.color": _LINE,
    "ytick.color": _LINE,
    "axes.edgecolor": _LINE,
    "grid.color": _LINE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.linewidth": 0.6,
}


def kinds_of(chart: SpanChart | LineChart) -> list[str]:
    """What the chart's legend names, in the order in which it is met."""
    if isinstance(chart, LineChart):
        return [label for label, _points in chart.series]
    return list(dict.fromkeys(span.kind for _label, spans in chart.rows for span in spans))


def svg_of(chart: SpanChart | LineChart, colours: dict[str, str]) -> str:
    """The chart without title and legend, which are the page's.

    Args:
        chart: what to draw.
        colours: of every kind in it.
    """
    with _matplotlib() as figure:
        axes = figure.add_subplot()
        axes.set_xlabel(_label(chart.x_label, _LONGEST_AXIS_LABEL))
        if isinstance(chart, SpanChart):
            figure.set_size_inches(_WIDTH_IN, _AXIS_IN + _ROW_IN * len(chart.rows))
            _draw_spans(axes, chart, colours)
        else:
            figure.set_size_inches(_WIDTH_IN, _LINES_IN)
            _draw_lines(axes, chart, colours)
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _for_a_page(text.getvalue())


@contextmanager
def _matplotlib() -> "Iterator[Figure]":
    """A figure; what matplotlib caches goes to a directory that is removed, and its complaints on fonts nowhere."""
    before = os.environ.get("MPLCONFIGDIR")
    with tempfile.TemporaryDirectory() as cache, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.environ["MPLCONFIGDIR"] = cache
        try:
            # Slow, and wanted only where a report is drawn.
            import matplotlib as mpl
            from matplotlib.figure import Figure

            with mpl.rc_context(_SETTINGS):
                yield Figure(layout="constrained")
        finally:
            if before is None:
                del os.environ["MPLCONFIGDIR"]
            else:
                os.environ["MPLCONFIGDIR"] = before


def _draw_spans(axes: "Axes", chart: SpanChart, colours: dict[str, str]) -> None:
    spans = [span for _label, row in chart.rows for span in row]
    first, last = min((span.start for span in spans), default=0.0), max((span.end for span in spans), default=1.0)
    seen = ((last - first) or 1.0) * _SEEN_RATIO
    took = {kind: sum(span.end - span.start for span in spans if span.kind == kind) for kind in kinds_of(chart)}
    for place, (_name, row) in enumerate(chart.rows):
        # The rare ones last, so that they lie above.
        for kind in sorted(took, key=lambda kind: -took[kind]):
            bars = merged([span for span in row if span.kind == kind], seen)
            axes.broken_barh(
                [(start, max(end - start, seen)) for start, end in bars],
                (place - 0.36, 0.72),
                facecolors=colours[kind],
                linewidth=0,
            )
    if all(len(row) <= 1 for _label, row in chart.rows):
        _write_lengths(axes, chart, first + (last - first) * _FAR_RATIO)
    axes.set_yticks(range(len(chart.rows)), [_label(label) for label, _spans in chart.rows])
    axes.set_ylim(len(chart.rows) - 0.5, -0.5)
    axes.set_xlim(min(first, 0.0), last + seen)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _write_lengths(axes: "Axes", chart: SpanChart, far: float) -> None:
    """In a waterfall, where there is room for it: behind each bar, or before one that ends beyond `far`."""
    text_of = format_seconds if chart.x_label.startswith("seconds") else format_number
    for place, (_name, row) in enumerate(chart.rows):
        for span in row:
            x, side, offset = (span.end, "left", 4) if span.end < far else (span.start, "right", -4)
            axes.annotate(
                text_of(span.end - span.start),
                (x, place),
                xytext=(offset, 0),
                textcoords="offset points",
                horizontalalignment=side,
                verticalalignment="center_baseline",
                fontsize=8,
            )


def _draw_lines(axes: "Axes", chart: LineChart, colours: dict[str, str]) -> None:
    for label, points in chart.series:
        marker = "o" if len(points) < 30 else ""
        axes.plot(
            [x for x, _y in points],
            [y for _x, y in points],
            color=colours[label],
            linewidth=1.4,
            marker=marker,
            markersize=3.5,
        )
    axes.set_ylabel(_label(chart.y_label))
    if all(y >= 0 for _label, points in chart.series for _x, y in points):
        axes.set_ylim(bottom=0.0)
    axes.margins(x=0.01)


def merged(spans: Sequence[Span], seen: float) -> list[tuple[float, float]]:
    """Stretches of one kind, those with a gap of less than `seen` between them as one, in the order of time."""
    stretches: list[tuple[float, float]] = []
    for span in sorted(spans, key=lambda span: span.start):
        if stretches and span.start - stretches[-1][1] < seen:
            stretches[-1] = (stretches[-1][0], max(stretches[-1][1], span.end))
        else:
            stretches.append((span.start, span.end))
    return stretches


def _label(text: str, longest: int = _LONGEST_LABEL) -> str:
    """One line of printable text, not too long for its place."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _for_a_page(svg: str) -> str:
    """What stands inside a page: no prologue, no size of its own, no fonts, ids that nothing refers to left out."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'^<svg [^>]*?viewBox="([^"]*)"[^>]*>', r'<svg role="img" viewBox="\1">', svg, flags=re.DOTALL)
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = svg.replace(f" font-family: '{_FONT}';", "")
    return svg.replace("xlink:href", "href").replace(_TEXT, "var(--text)").replace(_LINE, "var(--rule)").strip()
