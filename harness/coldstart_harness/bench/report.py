"""Measurements, the table that people read and the document that programs read. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from rich.table import Table

from coldstart_harness.figures import format_bytes, format_number, format_seconds, spread_of

# Raised when a field is renamed, removed or changes its meaning; new fields do not raise it.
SCHEMA_VERSION = 1

# s/s: seconds for a second of sound, or seconds of sound a second; 1/s: answers a second; ×: one figure over another.
Unit = Literal["s", "tok/s", "B", "s/s", "1/s", "×"]
Bound = Literal["at most", "at least"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a measurement ought to be, in its unit."""

    bound: Bound
    value: float

    def is_met(self, value: float) -> bool:
        return value <= self.value if self.bound == "at most" else value >= self.value


@dataclass(frozen=True, slots=True)
class Measurement:
    """One line of the report.

    Args:
        row: the group that it belongs to, as `--only` names it.
        name: what was measured.
        unit: of its values.
        median: the value itself where there is only one.
        lowest: of the runs; None where only the median is known.
        highest: likewise.
        runs: how many values the median is of.
        wanted: what it ought to be; None: nothing was promised.
        note: how it was measured, where the name does not say.
    """

    row: str
    name: str
    unit: Unit
    median: float
    lowest: float | None
    highest: float | None
    runs: int
    wanted: Wanted | None = None
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether it is what it ought to be; None where nothing was promised."""
        return None if self.wanted is None else self.wanted.is_met(self.median)


def measured(
    row: str, name: str, unit: Unit, values: Sequence[float], *, wanted: Wanted | None = None, note: str = ""
) -> Measurement:
    """A measurement of repeated runs: their median and extremes.

    Raises:
        ValueError: no values.
    """
    spread = spread_of(values)
    return Measurement(row, name, unit, spread.median, spread.lowest, spread.highest, spread.runs, wanted, note)


def step_name(through: str, context: int, which: str, label: str) -> str:
    """The name of a line on the time of one more token, the same for HTTP and for the bare engine."""
    return f"{through}, next token at context {context}, {which}: {label}"


def rate_name(through: str, sessions: int, label: str) -> str:
    """The name of a line on tokens a second, likewise."""
    return f"{through}, {sessions} session{'' if sessions == 1 else 's'}: {label}"


def document_of(measurements: Iterable[Measurement], machine: dict[str, Any]) -> dict[str, Any]:
    """The report as JSON: `schema_version`, `taken_at`, `machine`, and `measurements` in the order they were taken."""
    return {
        "schema_version": SCHEMA_VERSION,
        "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine,
        "measurements": [{**asdict(each), "met": each.is_met} for each in measurements],
    }


def table_of(measurements: Iterable[Measurement]) -> Table:
    """A line for each measurement, and a rule between rows of different kinds."""
    table = Table(title="Measured on this machine", title_justify="left")
    table.add_column("what", overflow="fold")
    for heading in ("median", "range", "runs", "wanted"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("")
    last = None
    for each in measurements:
        if last not in (None, each.row):
            table.add_section()
        last = each.row
        table.add_row(each.name, _text(each.median, each.unit), _range(each), str(each.runs), *_verdict(each))
    return table


def _range(each: Measurement) -> str:
    if each.runs == 1 or each.lowest is None or each.highest is None:
        return ""
    return f"{_text(each.lowest, each.unit)} to {_text(each.highest, each.unit)}"


def _verdict(each: Measurement) -> tuple[str, str]:
    if each.wanted is None:
        return "", ""
    return f"{each.wanted.bound} {_text(each.wanted.value, each.unit)}", "met" if each.is_met else "MISSED"


def _text(value: float, unit: Unit) -> str:
    if unit == "s":
        return format_seconds(value)
    if unit == "B":
        return format_bytes(int(value))
    return f"{value:.0f} {unit}" if unit == "tok/s" else f"{format_number(value)} {unit}"
