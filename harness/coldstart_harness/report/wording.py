"""What reports say in words, on a terminal as on a page. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from coldstart_harness.figures import format_bytes, format_number, format_seconds
from coldstart_harness.proofs.result import Figure, Outcome, ProofResult, Unit, Verdict
from coldstart_harness.report.document import Counts, Report


@dataclass(frozen=True, slots=True)
class Reason:
    """Evidence, or a reason, and every verdict that it is given for."""

    detail: str
    verdicts: tuple[tuple[ProofResult, Verdict], ...]


def reasons_in(result: ProofResult, outcome: Outcome) -> list[Reason]:
    """The reasons of one result's verdicts of one outcome."""
    return reasons_of([(result, verdict) for verdict in result.verdicts if verdict.outcome == outcome])


def reasons_of(found: Sequence[tuple[ProofResult, Verdict]]) -> list[Reason]:
    """The details of verdicts, each once: a container that does not start breaks several promises with one log."""
    by_detail: dict[str, list[tuple[ProofResult, Verdict]]] = {}
    for result, verdict in found:
        by_detail.setdefault(verdict.detail, []).append((result, verdict))
    return [Reason(detail, tuple(verdicts)) for detail, verdicts in by_detail.items()]


def counts_line(counts: Counts) -> str:
    """The last line: `12 promises kept, 1 broken, 2 not shown`."""
    noun = "promise" if counts.kept == 1 else "promises"
    return f"{counts.kept} {noun} kept, {counts.broken} broken, {counts.not_shown} not shown"


def place_of(proof: str, service: str | None) -> str:
    """`drain of wheel`; `layers` where the image at rest was asked."""
    return proof if service is None else f"{proof} of {service}"


def in_short(verdict: Verdict) -> str:
    """The promise, with what was met and what was wanted where that can be said."""
    values = ", ".join(f"{word} {text}" for word, text in (("met", verdict.met), ("wanted", verdict.wanted)) if text)
    return f"{verdict.sentence}{f' ({values})' if values else ''}"


def value_text(value: float, unit: Unit) -> str:
    """A value as people read it, with its unit."""
    if unit == "s":
        return format_seconds(value)
    if unit == "B":
        return format_bytes(round(value))
    return f"{format_number(value)} /s" if unit == "1/s" else format_number(value)


def range_text(figure: Figure) -> str:
    """`0.60 s to 0.64 s`; empty for a single run."""
    if figure.runs == 1:
        return ""
    return f"{value_text(figure.lowest, figure.unit)} to {value_text(figure.highest, figure.unit)}"


def subject_facts(report: Report) -> list[tuple[str, str]]:
    """What was proved, where and how: label and text."""
    subject, machine, effort, promises = report.subject, report.machine, report.effort, report.promises
    facts = [
        ("image id", subject.image_id or ""),
        ("version", subject.version),
        ("revision", subject.revision),
        ("size", "" if subject.size_bytes is None else f"{format_bytes(subject.size_bytes)} uncompressed"),
        ("promises", "" if promises is None else f"{promises.name}, sha256 {promises.sha256[:12]}…"),
        ("effort", f"{effort.runs} runs, {format_number(effort.seconds)} s of load, {effort.requests} requests"),
        ("compared with", report.older or ""),
        ("GPUs", "all of the machine" if report.gpu else ""),
        ("engine", str(report.engine)),
        ("machine", f"{machine.cpus} of {machine.processor}, {machine.memory}, kernel {machine.kernel}"),
        ("load before", format_number(machine.load_average_before)),
        ("taken at", report.taken_at),
        ("harness", report.harness_version),
    ]
    return [(label, text) for label, text in facts if text]
