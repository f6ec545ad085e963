"""How long models that are on their way may still take."""

from dataclasses import replace
from types import MappingProxyType

import pytest

from coldstart.domain.manifest import ModelEntry
from coldstart.runtime.models import ModelState, ModelStatus
from coldstart.services.model_loading import estimated_wait_s

ENTRY = ModelEntry("m", "t", "a", "r", "1", "MIT", required=True, artifacts={}, golden={})
LOADING = ModelStatus(ENTRY, ModelState.LOADING, None, None, None, 1.0, MappingProxyType({}), 0, 0, 0)
READY = replace(LOADING, state=ModelState.READY, phases={"read": 2.0, "build": 5.0, "warmup": 1.0})


@pytest.mark.parametrize(
    ("elapsed_s", "ready", "expected_s"),
    [
        (0.0, False, 5.0),  # nothing is known
        (3.0, True, 5.0),  # as the one that is ready took 8 s
        (7.9, True, 1.0),  # never below a second
        (20.0, True, 20.0),  # longer than that: as long again
        (9999.0, False, 600.0),  # nobody is told to wait for hours
    ],
)
def test_the_estimate_follows_what_is_known(elapsed_s: float, ready: bool, expected_s: float) -> None:
    """The slowest model that is ready is the measure; then the time that it has taken."""
    states = {"a": LOADING, **({"b": READY} if ready else {})}
    assert estimated_wait_s(states, {"a": elapsed_s}) == pytest.approx(expected_s)


def test_the_slowest_of_those_that_load_counts() -> None:
    """A client needs all of them."""
    assert estimated_wait_s({"a": LOADING, "b": LOADING, "c": READY}, {"a": 1.0, "b": 4.0}) == pytest.approx(7.0)
