"""The one summary: tests summed over JUnit reports, logs and checks."""

import io

import pytest
from rich.console import Console

from coldstart_harness.testing.counts import Counts, Row, counts_in_log, junit_result, summary_table, total_of

JUNIT = """<?xml version="1.0"?>
<testsuites>
  <testsuite name="a" tests="5" failures="1" errors="1" skipped="1" time="1.5"><testcase name="x"/></testsuite>
  <testsuite name="b" tests="2" time="0.25"/>
</testsuites>"""


def test_junit_suites_are_summed() -> None:
    """Errors count as failures, missing numbers as none, and the suites' times add up."""
    assert junit_result(JUNIT) == (Counts(passed=4, failed=2, skipped=1), 1.75)


@pytest.mark.parametrize("document", ["", "no xml", "<testsuite name='a'/>"])
def test_what_is_no_report_is_refused(document: str) -> None:
    """A document that does not say how many tests it has is no report: it must not pass for zero failures."""
    with pytest.raises(ValueError, match="JUnit"):
        junit_result(document)


@pytest.mark.parametrize(
    ("log", "counts"),
    [
        ("== 2 failed, 10 passed, 1 skipped in 3.21s ==", Counts(10, 2, 1)),
        ("== 1 failed, 3 passed, 2 errors in 70.21s (0:01:10) ==", Counts(3, 3, 0)),
        ("=== 2 failed, 867 passed in 93.34s (0:01:33) ===", Counts(867, 2, 0)),
        ("== 3 passed in 1.00s ==\n…\n== 1 failed in 1.00s ==", Counts(0, 1, 0)),
        ("ruff found an error", Counts(0, 1, 0)),
        ("== 3 passed in 1.00s ==\ncoverage failed", Counts(3, 1, 0)),
    ],
)
def test_a_failed_command_has_a_failed_test(log: str, counts: Counts) -> None:
    """A failed check's tests are those of pytest's last summary, and at least one of them has failed."""
    assert counts_in_log(log) == counts


def test_the_last_line_has_its_form() -> None:
    """The total reads `N passed, N failed, N skipped`."""
    rows = [Row("a", Counts(1, 0, 2)), Row("b", Counts(3, 4, 0))]
    assert str(total_of(rows)) == "4 passed, 4 failed, 2 skipped"
    assert str(total_of([])) == "0 passed, 0 failed, 0 skipped"


def test_the_table_names_failures_without_colour() -> None:
    """A row with a failure says so in a word, and one without does not."""
    stream = io.StringIO()
    rows = [Row("types", Counts(passed=1), 0.5), Row("units", Counts(2, 1, 0), note="built before")]
    Console(file=stream, color_system=None, width=120).print(summary_table(rows))
    types, units = (line for line in stream.getvalue().splitlines() if "types" in line or "units" in line)
    assert "FAILED" not in types
    assert "0.50 s" in types
    assert "FAILED, built before" in units
