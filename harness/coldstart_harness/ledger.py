"""The phases of a start with the seconds that each took."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rich.table import Table

from coldstart_harness.figures import format_seconds


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase.

    Args:
        name: what happened.
        seconds: how long it took.
        inside: it lies within the phase before it that is not inside: shown, but no part of the total.
    """

    name: str
    seconds: float
    inside: bool = False


@dataclass
class Ledger:
    """Phases in the order in which they happened."""

    phases: list[Phase] = field(default_factory=list)

    def add(self, name: str, seconds: float, *, inside: bool = False) -> None:
        self.phases.append(Phase(name, seconds, inside))

    @property
    def total_s(self) -> float:
        """The sum over the phases that follow one another."""
        return sum(phase.seconds for phase in self.phases if not phase.inside)

    def table(self) -> Table:
        table = Table(title="Time of each phase", title_justify="left")
        table.add_column("phase")
        table.add_column("time", justify="right")
        for phase in self.phases:
            table.add_row(f"  {phase.name}" if phase.inside else phase.name, format_seconds(phase.seconds))
        table.add_section()
        table.add_row("total", format_seconds(self.total_s))
        return table


_MODEL_PHASES = {"read_s": "read and hashed", "build_s": "engine built", "warmup_s": "warm-up"}


def inner_phases(health: Mapping[str, object]) -> Iterator[Phase]:
    """What the service says in `/health` about its own start: phases inside the process, models in parallel.

    Anything missing or of another shape is left out: the harness also meets services that say nothing.
    """
    startup = health.get("startup")
    if isinstance(startup, Mapping):
        for name, seconds in startup.items():
            if isinstance(seconds, int | float):
                yield Phase(f"process start to {name}", float(seconds), inside=True)
    models = health.get("models")
    if not isinstance(models, Mapping):
        return
    for model, state in models.items():
        measured = state.get("phases") if isinstance(state, Mapping) else None
        if not isinstance(measured, Mapping):
            continue
        for key, label in _MODEL_PHASES.items():
            seconds = measured.get(key)
            if isinstance(seconds, int | float):
                yield Phase(f"{model}: {label}", float(seconds), inside=True)
