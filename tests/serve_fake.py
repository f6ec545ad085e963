"""The real command with a fake engine: `python -m tests.serve_fake`, for tests of whole processes.

SIGUSR1 opens the engine's gate and SIGUSR2 closes it; FAKE_GATE=closed starts with it closed.
"""

import os
import signal
import sys
from types import FrameType
from unittest import mock

from tests.doubles import FakeNextTokenEngine

from coldstart.apps.command import main
from coldstart.apps.wheel import NextTokenFactory
from coldstart.runtime.settings import Settings
from coldstart.runtime.timeline import StartupTimeline

_ENGINE = FakeNextTokenEngine()


def _prepare(_settings: Settings) -> NextTokenFactory:
    return lambda _path: _ENGINE


def _open(_signum: int, _frame: FrameType | None) -> None:
    _ENGINE.gate.set()


def _close(_signum: int, _frame: FrameType | None) -> None:
    _ENGINE.gate.clear()


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, _open)
    signal.signal(signal.SIGUSR2, _close)
    if os.environ.get("FAKE_GATE") == "closed":
        _ENGINE.gate.clear()
    mock.patch("coldstart.apps.wheel.NEXT_TOKEN_ENGINES", {"fake": _prepare}).start()
    # As in coldstart.__main__: an engine that hangs must not hold the end up.
    status = main(sys.argv[1:], StartupTimeline(), {**os.environ, "WHEEL_ENGINE": "fake"})
    sys.stdout.flush()
    os._exit(status)
