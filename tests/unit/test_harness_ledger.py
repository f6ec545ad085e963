"""The phases of a start, and what a service says of its own."""

import io

from rich.console import Console

from coldstart_harness.ledger import Ledger, Phase, inner_phases

HEALTH = {
    "startup": {"imports": 0.25, "ready": 0.5},
    "models": {"starter": {"state": "ready", "phases": {"read_s": 0.01, "build_s": 0.2, "warmup_s": 0.02}}},
}


def test_phases_inside_another_are_no_part_of_the_total() -> None:
    """The total is the sum of the phases that follow one another."""
    ledger = Ledger()
    ledger.add("build", 2.0)
    ledger.add("imports", 0.5, inside=True)
    ledger.add("load", 1.0)
    assert ledger.total_s == 3.0


def test_the_table_shows_every_phase_and_the_total() -> None:
    """Each phase is a line with its time; those inside another are set in."""
    ledger = Ledger([Phase("models", 1.0), Phase("warm-up", 0.25, inside=True)])
    stream = io.StringIO()
    Console(file=stream, color_system=None, width=80).print(ledger.table())
    rows = [line.strip("│").split("│") for line in stream.getvalue().splitlines() if line.startswith("│")]
    assert [(name.rstrip(), time.strip()) for name, time in rows] == [
        (" models", "1.00 s"),
        ("   warm-up", "0.25 s"),
        (" total", "1.00 s"),
    ]


def test_inner_phases_are_those_of_the_process_and_of_each_model() -> None:
    """A service's own phases are told apart from the outer ones, each model's by its name."""
    assert list(inner_phases(HEALTH)) == [
        Phase("process start to imports", 0.25, inside=True),
        Phase("process start to ready", 0.5, inside=True),
        Phase("starter: read and hashed", 0.01, inside=True),
        Phase("starter: engine built", 0.2, inside=True),
        Phase("starter: warm-up", 0.02, inside=True),
    ]


def test_a_service_that_says_nothing_has_no_inner_phases() -> None:
    """Other services' health documents, or none, give no phases and no error."""
    for health in (
        {},
        {"startup": "soon", "models": ["a"]},
        {"models": {"a": "ready", "b": {"phases": {"read_s": "x"}}}},
    ):
        assert list(inner_phases(health)) == []
