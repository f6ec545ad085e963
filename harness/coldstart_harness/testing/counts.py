"""How many tests passed, failed and were skipped, summed over whatever ran them. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self
from xml.etree import ElementTree

from rich.table import Table

from coldstart_harness.figures import format_seconds

_PYTEST_SUMMARY = re.compile(r"^=+ (?P<parts>(?:\d+ \w+(?:, )?)+) in [\d.]+s.* =+$", re.MULTILINE)
_PYTEST_PART = re.compile(r"(\d+) (passed|failed|skipped|errors?|xfailed|xpassed)")
# An expected failure did what it promised.
_PYTEST_MEANS = {"xfailed": "skipped", "xpassed": "passed", "error": "failed", "errors": "failed"}


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of tests by outcome; an error counts as failed."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Self) -> "Counts":
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    @property
    def total(self) -> int:
        return self.passed + self.failed + self.skipped

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the summary.

    Args:
        name: what ran.
        counts: its tests.
        seconds: how long it ran; None where that is not known.
        note: what a reader should know of it, such as that its result was in the store already.
    """

    name: str
    counts: Counts
    seconds: float | None = None
    note: str = ""


def junit_result(document: str) -> tuple[Counts, float]:
    """The tests of a JUnit XML document and the seconds that they took.

    Raises:
        ValueError: it is not XML, or a suite does not say how many tests it has.
    """
    try:
        root = ElementTree.fromstring(document)  # noqa: S314 - written by our own test run
        counts, seconds = Counts(), 0.0
        for suite in root.iter("testsuite"):
            tests = int(suite.attrib["tests"])
            failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            skipped = int(suite.get("skipped", 0))
            counts += Counts(tests - failed - skipped, failed, skipped)
            seconds += float(suite.get("time", 0.0))
    except (ElementTree.ParseError, KeyError) as error:
        raise ValueError(f"not a JUnit report: {error}") from None
    return counts, seconds


def counts_in_log(log: str) -> Counts:
    """The tests that pytest counted in the last summary line of a log; one failed test where there is none."""
    summaries = _PYTEST_SUMMARY.findall(log)
    if not summaries:
        return Counts(failed=1)
    numbers = {"passed": 0, "failed": 0, "skipped": 0}
    for number, outcome in _PYTEST_PART.findall(summaries[-1]):
        numbers[_PYTEST_MEANS.get(outcome, outcome)] += int(number)
    counts = Counts(**numbers)
    # The command failed, whatever its summary says.
    return counts if counts.failed else counts + Counts(failed=1)


def total_of(rows: Iterable[Row]) -> Counts:
    return sum((row.counts for row in rows), Counts())


def summary_table(rows: Iterable[Row]) -> Table:
    """A line for each row, failures marked by a word and not by colour alone."""
    table = Table(title="Tests", title_justify="left")
    table.add_column("what ran", overflow="fold")
    for heading in ("passed", "failed", "skipped", "time"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for row in rows:
        time = "" if row.seconds is None else format_seconds(row.seconds)
        note = ", ".join(part for part in ("FAILED" if row.counts.failed else "", row.note) if part)
        counts = row.counts
        table.add_row(row.name, str(counts.passed), str(counts.failed), str(counts.skipped), time, note)
    return table
