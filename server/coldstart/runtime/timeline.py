"""When each phase of the start was reached, counted from the moment the kernel made the process."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

# A request can be served once every required model is ready and the server listens, in whatever order that comes.
READY_AFTER = frozenset({"models", "listening"})


class StartupTimeline:
    """Marks of the process in seconds since its start, and durations of each model's phases. Thread-safe.

    Args:
        now: seconds since boot; the clock that the kernel's process start is compared with.
        process_start: seconds since boot at which the process began, or another one whose start it is part of; None
            asks the kernel.
    """

    def __init__(self, now: Callable[[], float] | None = None, process_start: float | None = None) -> None:
        self._now = now or _seconds_since_boot
        self._start = _process_start(self._now()) if process_start is None else process_start
        self._lock = threading.Lock()
        self._marks: dict[str, float] = {}
        self._models: dict[str, dict[str, float]] = {}
        self._began: dict[str, float] = {}

    @property
    def process_start_s(self) -> float:
        """Seconds since boot at which the process began."""
        return self._start

    def elapsed_s(self) -> float:
        """Seconds since the process began."""
        return self._now() - self._start

    def mark(self, phase: str) -> None:
        """Record that `phase` is reached; the first time stands. With the last of READY_AFTER, `ready` is too."""
        with self._lock:
            now = self.elapsed_s()
            self._marks.setdefault(phase, now)
            ready = "ready" not in self._marks and self._marks.keys() >= READY_AFTER
            if ready:
                self._marks["ready"] = now
        if ready:
            # Not at the top: this module is imported before all others, so that their import is measured.
            import structlog

            structlog.get_logger("coldstart.startup").info("ready", **self.rounded())

    @contextmanager
    def model_phase(self, model: str, phase: str) -> Iterator[None]:
        """Record how many seconds the body took as `phase` of `model`, also when it raises."""
        begun = self._now()
        with self._lock:
            self._began.setdefault(model, begun - self._start)
        try:
            yield
        finally:
            with self._lock:
                self._models.setdefault(model, {})[phase] = self._now() - begun

    @property
    def marks(self) -> Mapping[str, float]:
        """Phase → seconds since process start, in the order in which they were reached."""
        with self._lock:
            return dict(self._marks)

    def rounded(self) -> Mapping[str, float]:
        """The marks as log fields: `imports_s` and the like, seconds since process start to 0.1 ms."""
        return {f"{phase}_s": round(seconds, 4) for phase, seconds in self.marks.items()}

    def model_phases(self, model: str) -> Mapping[str, float]:
        """Phase of the model → its duration in seconds; phases not yet over are absent."""
        with self._lock:
            return dict(self._models.get(model, {}))

    def model_began_s(self, model: str) -> float | None:
        """Seconds since process start at which the model's first phase began; None: it has not yet."""
        with self._lock:
            return self._began.get(model)


def _seconds_since_boot() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _process_start(now: float) -> float:
    """Seconds since boot at which this process began, to the kernel's tick of usually 10 ms; `now` where unknown.

    Source: proc_pid_stat(5), field 22. The second field may hold blanks and parentheses, so counting starts after it.
    """
    try:
        fields = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        start = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return now
    # Some sandboxes emulate /proc without a clock that matches; a start in the future would be nonsense.
    return start if 0 < start <= now else now
