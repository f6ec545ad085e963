"""The report as one page that needs nothing but itself: no script, no font, no picture from elsewhere."""

from dataclasses import dataclass
from pathlib import Path

import jinja2

from coldstart_harness.proofs.result import LineChart, ProofResult, SpanChart
from coldstart_harness.report import wording
from coldstart_harness.report.charts import kinds_of, svg_of
from coldstart_harness.report.document import Report
from coldstart_harness.report.palette import colours_of


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart, drawn: its title, the colour of each kind, and the picture."""

    title: str
    legend: dict[str, str]
    svg: str


@dataclass(frozen=True, slots=True)
class Section:
    """A result, and what the page makes of it."""

    anchor: str
    place: str
    result: ProofResult
    broken: list[wording.Reason]
    not_shown: list[wording.Reason]
    drawings: list[Drawing]


def page_of(report: Report) -> str:
    """The whole HTML document. Everything that images, logs and files say is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sections = [_section(number, result) for number, result in enumerate(report.proofs, start=1)]
    return environment.get_template("page.html.j2").render(report=report, sections=sections, wording=wording)


def _section(number: int, result: ProofResult) -> Section:
    charts: list[SpanChart | LineChart] = [*result.span_charts, *result.line_charts]
    # Over all charts of a result, so that a kind has one colour in each of them.
    colours = colours_of(kind for chart in charts for kind in kinds_of(chart))
    drawings = [_drawing(chart, colours) for chart in charts]
    return Section(
        anchor=f"proof-{number}",
        place=wording.place_of(result.proof, result.service),
        result=result,
        broken=wording.reasons_in(result, "broken"),
        not_shown=wording.reasons_in(result, "not shown"),
        drawings=drawings,
    )


def _drawing(chart: SpanChart | LineChart, colours: dict[str, str]) -> Drawing:
    legend = {kind: colours[kind] for kind in kinds_of(chart)}
    return Drawing(chart.title, legend, svg_of(chart, colours))
