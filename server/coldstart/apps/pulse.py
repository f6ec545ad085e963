"""The pulse of a process that listens to no port: a file that it touches. Standard library only."""

import tempfile
import time
from pathlib import Path

# A worker touches it every few seconds; one that has not for so long is not working.
LATE_AFTER_S = 15.0


def pulse_file() -> Path:
    """Where it is, for every process of a container."""
    return Path(tempfile.gettempdir(), "coldstart-worker-pulse")


def beat() -> None:
    """This process is at work.

    Raises:
        OSError: the file cannot be written.
    """
    pulse_file().touch()


def last_beat_s() -> float | None:
    """Seconds since the last beat; None: there was none."""
    try:
        return max(time.time() - pulse_file().stat().st_mtime, 0.0)
    except FileNotFoundError:
        return None
