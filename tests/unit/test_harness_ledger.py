"""The phases of a start, and what a service says of its own."""

import io

import pytest
from rich.console import Console

from coldstart_harness.ledger import Ledger
from coldstart_harness.phases import OwnStart, Phase, critical_path, inner_phases, own_start, total_s

# As /health gives it: the main thread, and one model beside it.
MARKS = {"process": 0.1, "imports": 0.5, "listening": 0.55, "models": 0.45, "ready": 0.55}


def health(*, build_s: float = 0.2, began_s: float | None = 0.2, **more: object) -> dict[str, object]:
    began = {} if began_s is None else {"began_s": began_s}
    phases = {"read_s": 0.02, "build_s": build_s, "warmup_s": 0.01}
    return {"startup": MARKS, "models": {"starter": {"state": "ready", **began, "phases": phases, **more}}}


def named(phases: tuple[Phase, ...] | list[Phase]) -> dict[str, float]:
    return {phase.name: round(phase.seconds, 4) for phase in phases}


def test_phases_inside_another_are_no_part_of_the_total() -> None:
    """The total is the sum of the phases that follow one another."""
    ledger = Ledger()
    ledger.add("build", 2.0)
    ledger.phases.append(Phase("imports", 0.5, inside=True))
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


def test_inner_phases_are_the_main_threads_and_each_models() -> None:
    """Each begins where the one before it ends; a model's are told apart by its name and begin when it says."""
    phases = inner_phases(own_start(health()))
    assert all(phase.inside for phase in phases)
    assert [(phase.name, round(phase.seconds, 4), round(phase.began_s or 0.0, 4)) for phase in phases] == [
        ("process", 0.1, 0.0),
        ("imports", 0.4, 0.1),
        ("listening", 0.05, 0.5),
        ("starter: read and hashed", 0.02, 0.2),
        ("starter: engine built", 0.2, 0.22),
        ("starter: warm-up", 0.01, 0.42),
    ]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"startup": "soon", "models": ["a"]},
        {"startup": {"ready": True}, "models": {"a": "ready", "b": {"phases": {"read_s": "x"}, "began_s": None}}},
    ],
)
def test_a_service_that_says_nothing_has_no_inner_phases(document: dict[str, object]) -> None:
    """Other services' health documents, or none, give no phases and no error."""
    own = own_start(document)
    assert inner_phases(own) == []
    assert critical_path(own) == ()
    assert own.ready_s is None


def test_the_critical_path_is_the_main_threads_where_that_ends_last() -> None:
    """A model that was ready earlier has made nobody wait."""
    path = critical_path(own_start(health()))
    assert named(path) == {"process": 0.1, "imports": 0.4, "listening": 0.05}
    assert total_s(path) == pytest.approx(0.55)


def test_the_critical_path_goes_through_the_model_that_ends_last() -> None:
    """What the main thread did before the model began, then the model's own phases, one after the other."""
    path = critical_path(own_start(health(build_s=0.6)))
    assert named(path) == {
        "process": 0.1,
        "until starter begins": 0.1,
        "starter: read and hashed": 0.02,
        "starter: engine built": 0.6,
        "starter: warm-up": 0.01,
    }
    assert [round(phase.began_s or 0.0, 4) for phase in path] == [0.0, 0.1, 0.2, 0.22, 0.82]
    assert not any(phase.inside for phase in path)


def test_a_model_that_nobody_requires_is_not_waited_for() -> None:
    """It may load for as long as it likes."""
    assert "listening" in named(critical_path(own_start(health(build_s=9.0, required=False))))


def test_models_without_a_begin_are_known_by_their_mark_alone() -> None:
    """Then `models` is a stretch like the others, in the order in which the marks were reached."""
    path = critical_path(own_start(health(began_s=None)))
    assert named(path) == {"process": 0.1, "models": 0.35, "imports": 0.05, "listening": 0.05}


def test_marks_after_readiness_are_no_part_of_the_start() -> None:
    """A service may go on telling of itself."""
    own = OwnStart({"imports": 0.5, "ready": 0.6, "first request": 7.0}, ())
    assert named(critical_path(own)) == {"imports": 0.5}
