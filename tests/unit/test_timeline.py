"""The start-up timeline."""

import pytest
from structlog.testing import capture_logs

from coldstart.runtime.timeline import StartupTimeline


class _Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_marks_count_from_the_start_of_the_process() -> None:
    """A mark is the time between process start and the moment it was made."""
    clock = _Clock()
    timeline = StartupTimeline(clock, process_start=99.0)
    timeline.mark("imports")
    clock.now = 102.5
    timeline.mark("listening")
    assert timeline.marks == {"imports": 1.0, "listening": 3.5}
    assert timeline.rounded() == {"imports_s": 1.0, "listening_s": 3.5}


def test_the_first_mark_of_a_name_stands() -> None:
    """A phase is reached once."""
    clock = _Clock()
    timeline = StartupTimeline(clock, process_start=99.0)
    timeline.mark("imports")
    clock.now = 105.0
    timeline.mark("imports")
    assert timeline.marks == {"imports": 1.0}


@pytest.mark.parametrize("order", [("models", "listening"), ("listening", "models")])
def test_ready_is_the_later_of_models_and_listening(order: tuple[str, str]) -> None:
    """A loaded model behind a closed port serves nobody; it is logged once, with every mark."""
    clock = _Clock()
    timeline = StartupTimeline(clock, process_start=99.0)
    with capture_logs() as logs:
        timeline.mark(order[0])
        assert "ready" not in timeline.marks
        clock.now = 102.0
        timeline.mark(order[1])
        timeline.mark(order[1])
    assert timeline.marks["ready"] == 3.0
    assert [log["event"] for log in logs] == ["ready"]
    assert {"models_s", "listening_s", "ready_s"} <= set(logs[0])


def test_a_models_phase_is_measured_even_when_it_fails() -> None:
    """How long a model took to fail is worth knowing."""
    clock = _Clock()
    timeline = StartupTimeline(clock, process_start=99.0)

    def fail() -> None:
        clock.now += 0.25
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"), timeline.model_phase("gpt2", "read"):
        fail()
    assert timeline.model_phases("gpt2") == {"read": 0.25}
    assert timeline.model_phases("other") == {}


def test_a_model_begins_with_its_first_phase() -> None:
    """Its later phases leave the begin as it was; a model without a phase has not begun."""
    clock = _Clock()
    timeline = StartupTimeline(clock, process_start=99.0)
    assert timeline.model_began_s("gpt2") is None
    clock.now = 100.5
    with timeline.model_phase("gpt2", "read"):
        assert timeline.model_began_s("gpt2") == 1.5
        clock.now = 101.0
    with timeline.model_phase("gpt2", "build"):
        clock.now = 102.0
    assert timeline.model_began_s("gpt2") == 1.5


def test_the_kernel_knows_when_this_process_began() -> None:
    """Without a given start it is read from the kernel: some time ago, but not before this test run's limit."""
    assert 0.0 < StartupTimeline().elapsed_s() < 3600.0
