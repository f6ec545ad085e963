"""The phases of a start with the seconds that each took, as a table."""

from dataclasses import dataclass, field

from rich.table import Table

from coldstart_harness.figures import format_seconds
from coldstart_harness.phases import Phase, total_s


@dataclass
class Ledger:
    """Phases in the order in which they happened; those inside another come after it."""

    phases: list[Phase] = field(default_factory=list)

    def add(self, name: str, seconds: float) -> None:
        self.phases.append(Phase(name, seconds))

    @property
    def total_s(self) -> float:
        """The sum over the phases that follow one another."""
        return total_s(self.phases)

    def table(self) -> Table:
        table = Table(title="Time of each phase", title_justify="left")
        table.add_column("phase")
        table.add_column("time", justify="right")
        for phase in self.phases:
            table.add_row(f"  {phase.name}" if phase.inside else phase.name, format_seconds(phase.seconds))
        table.add_section()
        table.add_row("total", format_seconds(self.total_s))
        return table
