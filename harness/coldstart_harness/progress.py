"""What a person watches while phases run: one live line on a terminal, plain lines elsewhere."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.text import Text

from coldstart_harness.figures import format_seconds

_HEARTBEAT_S = 30.0
_PLAIN_WIDTH = 140


def make_console(*, stderr: bool = False) -> Console:
    """The terminal: no colour and no moving lines in CI or without a TTY."""
    stream = sys.stderr if stderr else sys.stdout
    if os.environ.get("CI") or not stream.isatty():
        return Console(file=stream, color_system=None, force_terminal=False, width=_PLAIN_WIDTH, highlight=False)
    return Console(file=stream, highlight=False)


@dataclass
class RunningPhase:
    """A phase under way, and afterwards the seconds that it took."""

    name: str
    started: float
    last_line: str = ""
    seconds: float = 0.0

    def say(self, line: str) -> None:
        """Show `line` beside the phase until the next one."""
        self.last_line = line.strip()

    def status(self, width: int) -> str:
        text = f"{self.name} … {format_seconds(time.monotonic() - self.started)}"
        if self.last_line:
            text = f"{text}  {self.last_line}"
        return text if len(text) <= width else text[: width - 1] + "…"


class Progress:
    """Shows phases on a console. One phase at a time; `note` may be called at any time."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def note(self, line: str) -> None:
        """Print a line that stays."""
        self.console.print(Text(line))

    @contextmanager
    def phase(self, name: str) -> Iterator[RunningPhase]:
        """Run the body as a phase; a line with its time stays when it ends, also when it fails."""
        phase = RunningPhase(name, time.monotonic())
        outcome = "failed after"
        try:
            with self._shown(phase):
                yield phase
            outcome = "done in"
        finally:
            phase.seconds = time.monotonic() - phase.started
            self.note(f"{name}: {outcome} {format_seconds(phase.seconds)}")

    @contextmanager
    def _shown(self, phase: RunningPhase) -> Iterator[None]:
        if self.console.is_terminal:
            with Live(_LiveLine(phase, self.console), console=self.console, refresh_per_second=8, transient=True):
                yield
            return
        self.note(f"{phase.name} …")
        ended = threading.Event()
        heartbeat = threading.Thread(target=self._beat, args=(phase, ended), daemon=True)
        heartbeat.start()
        try:
            yield
        finally:
            ended.set()
            heartbeat.join()

    def _beat(self, phase: RunningPhase, ended: threading.Event) -> None:
        while not ended.wait(_HEARTBEAT_S):
            self.note(phase.status(_PLAIN_WIDTH))


class _LiveLine:
    """Computed anew at each refresh, so that the elapsed time moves while nothing is said."""

    def __init__(self, phase: RunningPhase, console: Console) -> None:
        self._phase = phase
        self._console = console

    def __rich__(self) -> Text:
        return Text(self._phase.status(self._console.width - 1), style="bold cyan", no_wrap=True)
