"""The interview row of the benchmark: the lines that it makes of what it met."""

import pytest

from coldstart_harness.bench.interview import create_lines, memory_line, turn_lines


def test_beginnings_are_promised_at_the_95th_percentile() -> None:
    """A slow one in fifty breaks no promise, and one in ten does."""
    p50, p95 = create_lines("starter", [0.01] * 196 + [0.3] * 4)
    assert (p50.median, p50.is_met) == (0.01, None)
    assert p95.median == pytest.approx(0.01)
    assert p95.is_met
    assert create_lines("starter", [0.01] * 180 + [0.3] * 20)[1].is_met is False


def test_turns_have_a_line_by_how_they_ended() -> None:
    """The median of each."""
    said, heard = turn_lines("starter", [0.3, 0.1, 0.2], [1.5, 1.4, 1.6])
    assert (said.median, heard.median, heard.runs) == (0.2, 1.5, 3)
    assert said.name != heard.name


@pytest.mark.parametrize(("after", "each", "is_met"), [(900e6, 1e6, True), (3.5e9, 6.2e6, False), (390e6, 0, True)])
def test_a_session_is_charged_with_what_all_of_them_added(after: float, each: float, is_met: bool) -> None:
    """The growth over their number; memory that shrank was not theirs."""
    line = memory_line("starter", 400e6, after, 500)
    assert (line.median, line.is_met) == (each, is_met)
