"""Phases of a start: as they are seen from outside, and as a service tells of them in `/health`. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

_MODEL_PHASES = {"read_s": "read and hashed", "build_s": "engine built", "warmup_s": "warm-up"}
# Points that something else leads up to; every other mark ends a stretch of the main thread's work.
_READY = "ready"
_MODELS = "models"


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase.

    Args:
        name: what happened.
        seconds: how long it took.
        inside: it lies within another one: shown, but no part of the total.
        began_s: when it began, in seconds from the beginning of the whole; None: that is not known.
    """

    name: str
    seconds: float
    inside: bool = False
    began_s: float | None = None


def total_s(phases: Iterable[Phase]) -> float:
    """The sum over the phases that follow one another."""
    return sum(phase.seconds for phase in phases if not phase.inside)


@dataclass(frozen=True, slots=True)
class ModelStart:
    """What a service says of the start of one of its models.

    Args:
        name: of the model.
        required: the service is not ready without it.
        began_s: when its first phase began, in seconds from the process's start; None: it does not say.
        phases: of `read_s`, `build_s` and `warmup_s` those that there are, with their seconds, in this order.
    """

    name: str
    required: bool
    began_s: float | None
    phases: Mapping[str, float]

    @property
    def ended_s(self) -> float | None:
        """When it was ready, by its own account: its begin and the sum of its phases."""
        return None if self.began_s is None or not self.phases else self.began_s + sum(self.phases.values())

    def inside(self) -> Iterator[Phase]:
        at = self.began_s
        for key, seconds in self.phases.items():
            yield Phase(f"{self.name}: {_MODEL_PHASES[key]}", seconds, inside=True, began_s=at)
            at = None if at is None else at + seconds


@dataclass(frozen=True, slots=True)
class OwnStart:
    """What a service says of its own start.

    Args:
        marks: what was reached → seconds from the process's start as the kernel knows it.
        models: in its order.
    """

    marks: Mapping[str, float]
    models: tuple[ModelStart, ...]

    @property
    def ready_s(self) -> float | None:
        return self.marks.get(_READY)

    def main_thread(self) -> list[Phase]:
        """The stretches of the main thread, each named by the mark that ends it; none begins after `ready`.

        Where no model says when it began, `models` counts as one of them: then it is all that is known of models.
        """
        points = {_READY} if all(model.ended_s is None for model in self.models) else {_READY, _MODELS}
        stretches, at = [], 0.0
        for name, seconds in sorted(self.marks.items(), key=lambda mark: mark[1]):
            if name not in points and (self.ready_s is None or seconds <= self.ready_s):
                stretches.append(Phase(name, seconds - at, inside=True, began_s=at))
                at = seconds
        return stretches


def own_start(health: Mapping[str, object]) -> OwnStart:
    """Read a `/health` document.

    Anything missing or of another shape is left out: the harness also meets services that say nothing.
    """
    marks = _seconds_in(health.get("startup"))
    models = health.get("models")
    states = models.items() if isinstance(models, Mapping) else ()
    return OwnStart(marks, tuple(_model_start(name, state) for name, state in states if isinstance(state, Mapping)))


def _model_start(name: str, state: Mapping[str, object]) -> ModelStart:
    measured = _seconds_in(state.get("phases"))
    phases = {key: measured[key] for key in _MODEL_PHASES if key in measured}
    return ModelStart(name, state.get("required") is not False, _seconds_in(state).get("began_s"), phases)


def _seconds_in(table: object) -> dict[str, float]:
    """Those of a table's values that are numbers; Python counts truth values among them, JSON does not."""
    if not isinstance(table, Mapping):
        return {}
    numbers = {name: value for name, value in table.items() if isinstance(value, int | float)}
    return {str(name): float(value) for name, value in numbers.items() if not isinstance(value, bool)}


def inner_phases(own: OwnStart) -> list[Phase]:
    """All that a service says of its own start: stretches of the main thread, and phases of models beside it."""
    return [*own.main_thread(), *(phase for model in own.models for phase in model.inside())]


def critical_path(own: OwnStart) -> tuple[Phase, ...]:
    """The phases that follow one another from the process's start until it is ready.

    Models load beside the main thread, so what ends last has made the service wait: the main thread, or one required
    model, whose path is the main thread's until it began and then its own phases. The sum is what these phases say, and
    not what `ready` says: whether the two agree is a question to ask.
    """
    main = own.main_thread()
    path = _in_line(main)
    for model in own.models:
        if model.required and (model.ended_s or 0.0) > total_s(path):
            path = _in_line([*_until(model, main), *model.inside()])
    return path


def _until(model: ModelStart, main: Sequence[Phase]) -> Iterator[Phase]:
    """What the main thread did before the model began."""
    began, at = model.began_s or 0.0, 0.0
    for phase in main:
        if at + phase.seconds > began:
            break
        yield phase
        at += phase.seconds
    if began > at:
        yield Phase(f"until {model.name} begins", began - at)


def _in_line(phases: Iterable[Phase]) -> tuple[Phase, ...]:
    """The phases as parts of the total, each beginning where the one before it ends."""
    line, at = [], 0.0
    for phase in phases:
        line.append(Phase(phase.name, phase.seconds, began_s=at))
        at += phase.seconds
    return tuple(line)
