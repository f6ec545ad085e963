"""The flake's checks: built in the Nix sandbox, their reports collected."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from coldstart_harness import nix
from coldstart_harness.progress import Progress
from coldstart_harness.testing.counts import Counts, Row, counts_in_log, junit_result

_REPORTS = ("junit.xml", "coverage.xml")


def run_checks(checks: Mapping[str, Path], out: Path, progress: Progress) -> list[Row]:
    """Build every check, copy its reports to OUT/checks/NAME, and print the end of each failed one's log.

    Args:
        checks: derivation of each check by its name.
        out: directory of the reports.
        progress: what a person watches.
    """
    outputs = {name: nix.output_of(derivation) for name, derivation in checks.items()}
    missing_before = nix.invalid_among(outputs.values())
    with progress.phase(f"{len(checks)} checks in the Nix sandbox") as phase:
        finished = nix.realise(list(checks.values()), phase.say, keep_going=True)
    missing = nix.invalid_among(outputs.values())
    culprits = nix.failed_in(finished.output)
    rows = []
    for name, output in sorted(outputs.items()):
        if output not in missing:
            rows.append(_passed(name, output, out / "checks" / name, known=output not in missing_before))
        else:
            rows.append(_failed(name, checks[name], culprits, finished.tail, progress))
    return rows


def _passed(name: str, output: Path, reports: Path, *, known: bool) -> Row:
    """A check that was built; one that leaves no JUnit report is one test."""
    note = "built before" if known else ""
    for report in _REPORTS:
        if (output / report).is_file():
            reports.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(output / report, reports / report)
    junit = output / "junit.xml"
    if not junit.is_file():
        return Row(name, Counts(passed=1), note=note)
    counts, seconds = junit_result(junit.read_text(encoding="utf-8"))
    if not counts.total:
        return Row(name, Counts(failed=1), note="its report has no tests")
    return Row(name, counts, seconds, note)


def _failed(name: str, derivation: Path, culprits: list[Path], tail: str, progress: Progress) -> Row:
    """A check that was not built: because its own builder failed, or something that it needs."""
    if derivation in culprits:
        progress.note(f"\n{name} failed; the end of its log:\n{nix.log_tail(derivation)}\n")
        return Row(name, counts_in_log(nix.log_tail(derivation)))
    reasons = "\n".join(f"{nix.name_of(culprit)}:\n{nix.log_tail(culprit)}" for culprit in culprits) or tail
    progress.note(f"\n{name} could not run, because something that it needs failed:\n{reasons}\n")
    return Row(name, Counts(failed=1), note="not run: something that it needs failed")
