"""How long models that are still on their way may take."""

import math
from collections.abc import Mapping

from coldstart.domain.errors import ModelsLoading
from coldstart.runtime.models import ModelState, ModelStatus
from coldstart.runtime.registry import ModelRegistry
from coldstart.runtime.timeline import StartupTimeline

_SETTLED = (ModelState.READY, ModelState.FAILED)
# Before any is ready, and before one has taken as long, nothing is known: a start from a cold disk takes some seconds.
_FIRST_GUESS_S = 5.0
_SHORTEST_S = 1.0
_LONGEST_S = 600.0


def check_loaded(registry: ModelRegistry, timeline: StartupTimeline) -> None:
    """Whether every model is ready or has failed.

    Raises:
        ModelsLoading: some are on their way; it has the state of each, and an estimate of the time left.
    """
    states = registry.states()
    loading = [name for name, status in states.items() if status.state not in _SETTLED]
    if not loading:
        return
    left_s = estimated_wait_s(states, {name: _elapsed_s(name, timeline) for name in loading})
    raise ModelsLoading(
        f"models are still loading: {', '.join(f'{name} is {states[name].state}' for name in loading)}",
        retry_after_s=math.ceil(left_s),
        models={name: str(status.state) for name, status in states.items()},
        estimated_wait_s=round(left_s, 1),
    )


def estimated_wait_s(states: Mapping[str, ModelStatus], elapsed_s: Mapping[str, float]) -> float:
    """Seconds until the last of the models that are loading may be ready: a guess, and as honest as one can be.

    A model is expected to take as long as the slowest of those that are ready, or the first guess where none is; one
    that has taken longer is expected to take as long again as it has.

    Args:
        states: of all models.
        elapsed_s: of each that is loading, since it began.

    Source: of the second rule: J. R. Gott, Nature 363 (1993): with nothing else known, half of all things that have
    lasted for a time last for as long again.
    """
    ready = [sum(status.phases.values()) for status in states.values() if status.state is ModelState.READY]
    expected_s = max(ready, default=_FIRST_GUESS_S)
    left = (expected_s - elapsed if elapsed < expected_s else elapsed for elapsed in elapsed_s.values())
    return min(max(max(left, default=0.0), _SHORTEST_S), _LONGEST_S)


def _elapsed_s(name: str, timeline: StartupTimeline) -> float:
    began_s = timeline.model_began_s(name)
    return 0.0 if began_s is None else timeline.elapsed_s() - began_s
