"""The report on a terminal: one table, the evidence below it, and one line that counts."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from coldstart_harness.report.document import Report
from coldstart_harness.report.wording import counts_line, in_short, place_of, reasons_in, reasons_of

# Of evidence; the report has all of it.
_MOST_LINES = 8
_STYLES = {"kept": "green", "broken": "bold red", "not shown": "yellow"}


def print_report(report: Report, paths: Sequence[Path], console: Console) -> None:
    """Print everything that a person should see at the end; the last line is the count.

    Args:
        report: what was found.
        paths: where it was written.
        console: where to print.
    """
    if report.proofs:
        console.print()
        console.print(table_of(report))
    for part in (*_evidence(report), *_reasons(report)):
        console.print(part)
    console.print()
    console.print(Text(f"Report: {', '.join(str(path) for path in paths)}"), soft_wrap=True)
    counted = counts_line(report.counts) + (" (interrupted: not all proofs have run)" if report.interrupted else "")
    console.print(Text(counted, style="bold red" if report.counts.broken else "bold"), soft_wrap=True)


def table_of(report: Report) -> Table:
    """A line for each promise, and a rule between proofs."""
    table = Table(title=f"Promises of {report.subject.reference}", title_justify="left", expand=True)
    table.add_column("proof", no_wrap=True)
    table.add_column("service", no_wrap=True)
    table.add_column("promise", overflow="fold", ratio=3)
    table.add_column("outcome", no_wrap=True)
    table.add_column("met", justify="right", overflow="fold", ratio=2)
    table.add_column("wanted", justify="right", overflow="fold", ratio=2)
    for result in report.proofs:
        for place, verdict in enumerate(result.verdicts):
            name, service = (result.proof, result.service or "") if place == 0 else ("", "")
            texts = [
                Text(text) for text in (name, service, verdict.sentence, verdict.outcome, verdict.met, verdict.wanted)
            ]
            texts[3].stylize(_STYLES[verdict.outcome])
            table.add_row(*texts)
        table.add_section()
    return table


def _evidence(report: Report) -> Iterable[RenderableType]:
    for reason in (reason for result in report.proofs for reason in reasons_in(result, "broken")):
        yield Text()
        for result, verdict in reason.verdicts:
            yield Text(f"broken, {place_of(result.proof, result.service)}: {in_short(verdict)}", style="bold red")
        sentence, *lines = reason.detail.splitlines() or [""]
        yield Padding(Text(sentence), (0, 0, 0, 4), expand=False)
        for line in _shortened(lines):
            # Lines of a log or a list: their beginnings are enough here.
            yield Padding(Text(line, style="dim", no_wrap=True, overflow="ellipsis"), (0, 0, 0, 4), expand=False)


def _shortened(lines: list[str]) -> list[str]:
    if len(lines) <= _MOST_LINES:
        return lines
    half = _MOST_LINES // 2
    return [*lines[:half], f"… {len(lines) - 2 * half} lines more in the report …", *lines[-half:]]


def _reasons(report: Report) -> Iterable[RenderableType]:
    reasons = reasons_of(report.found("not shown"))
    if reasons:
        yield Text()
    for reason in reasons:
        names = ", ".join(f"{result.proof}: {verdict.id}" for result, verdict in reason.verdicts)
        yield Text(f"not shown, because {reason.detail} ({names})", style="yellow")
