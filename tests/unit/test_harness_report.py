"""Reports of proofs: their form, their page, and what a terminal shows."""

import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console

from coldstart_harness.errors import UsageError
from coldstart_harness.machine import EngineFacts, MachineFacts
from coldstart_harness.proofs.proof import Effort
from coldstart_harness.proofs.result import LineChart, ProofResult, Span, SpanChart, Verdict, figure_of
from coldstart_harness.report.charts import kinds_of, merged, svg_of
from coldstart_harness.report.document import (
    SCHEMA_VERSION,
    PromiseFile,
    Report,
    Subject,
    counts_of,
    document_of,
    read_report,
    schema,
)
from coldstart_harness.report.page import page_of
from coldstart_harness.report.palette import colours_of
from coldstart_harness.report.terminal import print_report
from coldstart_harness.report.wording import counts_line, range_text, reasons_in, subject_facts, value_text
from coldstart_harness.report.written import write_report

SCHEMA_FILE = Path(__file__).parents[2] / "docs/schemas/report-1.json"
HOSTILE = "<script>alert('$1$ & $2$')</script>"
SPANS = SpanChart(
    "One start",
    "seconds since start",
    (
        ("readiness", (Span(0.0, 0.5, "refused"), Span(0.5, 2.0, "200"))),
        (HOSTILE, (Span(0.0, 0.5, "refused"), Span(0.5, 2.0, "right"), Span(1.0, 1.0, "wrong"))),
    ),
)
LINES = LineChart("Memory", "seconds", "MB", (("peak", ((0.0, 1.0), (1.0, 3.0))), ("steady", ((0.0, 1.0), (1.0, 1.0)))))
FOUND = (
    ProofResult(
        proof="readiness",
        service="wheel",
        verdicts=(
            Verdict("ready-in-time", "Readiness says 200 in time.", "kept", "0.63 s", "at most 2.00 s"),
            Verdict("never-lies", "It never lies.", "broken", "1.2 ms", "at most 0 ms", f"after 3 s: {HOSTILE}"),
            Verdict("answers", "It answers.", "broken", detail=f"after 3 s: {HOSTILE}"),
        ),
        figures=(figure_of("ready after", "s", [0.64, 0.6, 0.63]),),
        span_charts=(SPANS,),
        line_charts=(LINES,),
        notes=("Times count from the container's start.",),
        seconds=12.5,
    ),
    ProofResult(
        "cuda", None, (Verdict("agrees", "It agrees.", "not shown", detail="there is no GPU"),), (), (), (), (), 0.1
    ),
)
REPORT = Report(
    schema_version=SCHEMA_VERSION,
    harness_version="0.1.0",
    taken_at="2026-01-02T03:04:05+00:00",
    machine=MachineFacts("A processor", 2, "8 GB", "6.1", 0.5),
    engine=EngineFacts("docker", "20.10", "overlay2"),
    subject=Subject("registry/their:1", "sha256:abc", 54_700_000, "1.0", "cafe"),
    older="registry/their:0",
    gpu=False,
    promises=PromiseFile("slo.toml", "0" * 64),
    effort=Effort(),
    interrupted=False,
    counts=counts_of(FOUND),
    questions={"readiness": "Does readiness lie?", "cuda": "Are its libraries there?"},
    proofs=FOUND,
)


class Page(HTMLParser):
    """What a browser would fetch or run, and the text that it would show."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [value for name, value in attrs if name in ("src", "href") and value and value[0] != "#"]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_written_report_is_read_again(tmp_path: Path) -> None:
    """What is in `report.json` is all of the report, and nothing is left beside the two files."""
    written = write_report(REPORT, tmp_path / "out")
    assert [path.name for path in written] == ["report.json", "report.html"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["report.html", "report.json"]
    assert read_report(written[0]) == REPORT


def test_a_report_has_no_field_that_its_schema_does_not_name() -> None:
    """Every table of a written report, however deep, is one of the schema's, with just its fields."""

    def check(value: object, form: dict[str, object]) -> None:
        if "$ref" in form:
            form = schema_["$defs"][str(form["$ref"]).rpartition("/")[2]]
        if isinstance(value, dict) and "properties" in form:
            properties = form["properties"]
            assert isinstance(properties, dict)
            assert value.keys() == properties.keys()
            for name, each in value.items():
                check(each, properties[name])
        elif isinstance(value, list) and isinstance(form.get("items"), dict):
            for each in value:
                check(each, form["items"])

    schema_ = schema()
    check(json.loads(document_of(REPORT)), schema_)


def test_the_published_schema_is_the_one_that_is_written() -> None:
    """A change of the form is published with it."""
    refresh = "python -m coldstart_harness report-schema > docs/schemas/report-1.json"
    assert json.loads(SCHEMA_FILE.read_text(encoding="utf-8")) == schema(), f"refresh it: {refresh}"
    assert schema()["$id"].endswith(f"/{SCHEMA_FILE.name}")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "cannot be read as a report"),
        ("[]", "is a report of version None; this tool reads version 1"),
        ('{"schema_version": 2}', "is a report of version 2; this tool reads version 1"),
        ('{"schema_version": 1}', "is no report of proofs: harness_version: Field required"),
    ],
)
def test_what_is_no_report_is_refused(tmp_path: Path, content: str, sentence: str) -> None:
    """Another file, and a report of another version, is refused in one sentence."""
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(UsageError, match=sentence):
        read_report(path)


def test_a_report_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    """A file in the directory's place is named."""
    (tmp_path / "out").write_text("")
    with pytest.raises(UsageError, match=r"no report can be written to .*out"):
        write_report(REPORT, tmp_path / "out")


def test_the_page_needs_nothing_but_itself() -> None:
    """No script and nothing to fetch, whatever an image or its log says; small enough for a mail."""
    html = page_of(REPORT)
    page = Page(html)
    assert "script" not in page.tags
    assert page.fetched == []
    assert "url(http" not in html
    assert "@import" not in html
    assert HOSTILE in page.text
    assert len(html) < 1_000_000


def test_the_page_shows_what_was_found() -> None:
    """The verdict, each promise with its values, figures in human units, reasons and notes."""
    text = " ".join(Page(page_of(REPORT)).text.split())
    for part in (
        "1 promise kept, 2 broken, 1 not shown",
        "Does readiness lie?",
        "kept Readiness says 200 in time. 0.63 s at most 2.00 s",
        "ready after 0.63 s 0.60 s to 0.64 s 3",
        "Not shown, because there is no GPU: It agrees.",
        "Times count from the container's start.",
        "54.7 MB uncompressed",
        "compared with registry/their:0",
        "One start refused 200 right wrong",
    ):
        assert part in text
    assert "Interrupted" not in text
    assert "Interrupted" in page_of(replace(REPORT, interrupted=True))


def test_the_page_is_the_same_every_time() -> None:
    """Nothing in it depends on the moment or on chance: an example in a repository changes with its figures only."""
    assert page_of(REPORT) == page_of(REPORT)


def test_a_chart_leaves_no_trace(tmp_path: Path) -> None:
    """Drawing writes nothing to the home directory, warns of nothing, and leaves the environment as it was."""
    program = (
        "import os; from coldstart_harness.proofs.result import LineChart; "
        "from coldstart_harness.report.charts import svg_of; "
        "svg_of(LineChart('', '\\u4e2d', '', ()), {}); assert 'MPLCONFIGDIR' not in os.environ"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), "HOME": str(tmp_path)}
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_a_chart_takes_its_colours_from_the_page() -> None:
    """Text and rules have the page's colours, light or dark; spans have those of their kind."""
    svg = svg_of(SPANS, colours_of(kinds_of(SPANS)))
    assert "var(--text)" in svg
    assert "#000000" not in svg
    for colour in colours_of(["refused", "200", "right", "wrong"]).values():
        assert f"fill: {colour}" in svg


def test_a_dollar_on_a_chart_is_a_dollar() -> None:
    """Labels are what others wrote, markup and formulas among it, and are shown as they are."""
    svg = svg_of(SPANS, colours_of(kinds_of(SPANS)))
    assert re.search(r"<text[^>]*>&lt;script&gt;[^<]*\$1\$ &amp; \$2\$", svg)


def test_a_moment_is_seen_on_a_chart() -> None:
    """A span without length is drawn: a lie of a millisecond is what one looks for."""
    wrong = colours_of(["wrong"])["wrong"]
    path = re.search(rf'<path d="([^"]*)"[^>]*style="fill: {wrong}', svg_of(SPANS, colours_of(kinds_of(SPANS))))
    assert path is not None
    xs = [float(x) for x in re.findall(r"[ML] ([\d.]+) ", path.group(1))]
    assert max(xs) - min(xs) > 0.5


def test_spans_that_nobody_could_tell_apart_are_one() -> None:
    """Thousands of answers in a row are one bar; a gap that is seen stays."""
    spans = [Span(0.0, 1.0, "right"), Span(1.001, 2.0, "right"), Span(3.0, 4.0, "right")]
    assert merged(spans[::-1], 0.01) == [(0.0, 2.0), (3.0, 4.0)]


def test_a_waterfall_has_the_length_of_each_phase() -> None:
    """One span a row is a waterfall: its lengths are written, for no eye reads milliseconds off an axis."""
    rows = (("create", (Span(0.0, 0.25, "adds up"),)), ("imports", (Span(0.25, 2.0, "adds up"),)))
    svg = svg_of(SpanChart("Cold start", "seconds", rows), {"adds up": "#0072b2"})
    assert ">0.25 s</text>" in svg
    assert ">1.75 s</text>" in svg


@pytest.mark.parametrize(
    "chart", [SpanChart("empty", "s", ()), SpanChart("rows", "s", (("a", ()),)), LineChart("none", "s", "MB", ())]
)
def test_a_chart_of_nothing_is_drawn(chart: SpanChart | LineChart) -> None:
    """A proof that saw nothing leaves an empty chart, not a crash."""
    assert svg_of(chart, {}).startswith("<svg ")


def test_known_kinds_have_one_colour_in_every_chart() -> None:
    """Right is the same everywhere, a failure never looks like it, and others take what is left."""
    assert colours_of(["x", "right"])["right"] == colours_of(["right", "lost", "y"])["right"]
    many = colours_of(["right", "wrong", "turned away", "refused", "lost", "late", "a", "b"])
    assert len(set(many.values())) == len(many)


def test_the_terminal_has_a_table_the_evidence_and_a_count() -> None:
    """One line a promise, evidence once for all that it breaks, reasons for what is not shown, the count at the end."""
    stream = io.StringIO()
    print_report(REPORT, [Path("out/report.json")], Console(file=stream, color_system=None, width=160))
    text = stream.getvalue()
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if "│" in line]
    assert rows[0] == ["readiness", "wheel", "Readiness says 200 in time.", "kept", "0.63 s", "at most 2.00 s"]
    assert rows[3] == ["cuda", "", "It agrees.", "not shown", "", ""]
    assert text.count(f"after 3 s: {HOSTILE}") == 1
    assert "not shown, because there is no GPU (cuda: agrees)" in text
    assert text.splitlines()[-2:] == ["Report: out/report.json", "1 promise kept, 2 broken, 1 not shown"]


def test_a_long_log_does_not_bury_the_other_promises() -> None:
    """Of evidence the terminal has the sentence, both ends of what follows, and the beginnings of long lines."""
    log = "\n".join(f"line {number} {'x' * 200}" for number in range(20))
    verdict = Verdict("starts", "It starts.", "broken", detail=f"it ended with exit code 1\n{log}")
    stream = io.StringIO()
    report = replace(REPORT, proofs=(replace(FOUND[0], verdicts=(verdict,)),))
    print_report(report, [], Console(file=stream, color_system=None, width=100))
    lines = [line.strip() for line in stream.getvalue().splitlines()]
    evidence = lines[lines.index("it ended with exit code 1") + 1 :][:9]
    assert [line.split()[1] for line in evidence] == ["0", "1", "2", "3", "12", "16", "17", "18", "19"]
    assert evidence[4] == "… 12 lines more in the report …"
    assert evidence[0].endswith("x…")


def test_an_interrupted_run_says_so_in_its_last_line() -> None:
    """Nobody takes half of the proofs for all of them."""
    stream = io.StringIO()
    print_report(replace(REPORT, interrupted=True), [], Console(file=stream, color_system=None, width=160))
    assert stream.getvalue().splitlines()[-1].endswith("(interrupted: not all proofs have run)")


def test_one_reason_for_several_promises_is_told_once() -> None:
    """Verdicts with equal details are one reason, in the order in which they were met."""
    (reason,) = reasons_in(FOUND[0], "broken")
    assert [verdict.id for _result, verdict in reason.verdicts] == ["never-lies", "answers"]


def test_values_have_the_units_that_people_read() -> None:
    """Seconds, bytes, rates and counts, and no range of a single run."""
    texts = [value_text(0.0046, "s"), value_text(54.7e6, "B"), value_text(36.66, "1/s"), value_text(1000, "1")]
    assert texts == ["4.60 ms", "54.7 MB", "36.7 /s", "1000"]
    assert range_text(figure_of("once", "s", [1.0])) == ""
    assert counts_line(counts_of(())) == "0 promises kept, 0 broken, 0 not shown"


def test_facts_that_are_not_known_are_left_out() -> None:
    """Of what Nix builds there is neither an image id nor a file of promises."""
    facts = dict(subject_facts(replace(REPORT, subject=Subject(".#image"), promises=None)))
    assert facts.keys().isdisjoint({"image id", "size", "version", "revision", "promises"})
    assert facts["engine"] == "docker 20.10, storage driver overlay2"


def test_only_a_report_pays_for_matplotlib() -> None:
    """It is slow to import, and `up` draws nothing."""
    program = "import sys, coldstart_harness.cli; sys.exit('matplotlib' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", program], env=environment, check=False).returncode == 0  # noqa: S603
