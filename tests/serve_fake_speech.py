"""The real command in mode `asr` with fake models: `python -m tests.serve_fake_speech`, for tests of whole processes.

SIGUSR1 opens the transcriber's gate and SIGUSR2 closes it.
"""

import os
import signal
import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any
from unittest import mock

from tests.asr_serving import FakeSpeechServing

from coldstart.apps.command import main
from coldstart.runtime.loading import TaskServing
from coldstart.runtime.settings import Settings
from coldstart.runtime.timeline import StartupTimeline

_FAKES = FakeSpeechServing()


def _tasks(_settings: Settings) -> Mapping[str, TaskServing[Any, Any, Any]]:
    return _FAKES.tasks()


def _open(_signum: int, _frame: FrameType | None) -> None:
    _FAKES.transcriber.gate.set()


def _close(_signum: int, _frame: FrameType | None) -> None:
    _FAKES.transcriber.gate.clear()


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, _open)
    signal.signal(signal.SIGUSR2, _close)
    mock.patch("coldstart.apps.asr.tasks", _tasks).start()
    mock.patch("coldstart.engines.pyav_audio.PyAvDecoder", return_value=_FAKES.decoder).start()
    # As in coldstart.__main__: an engine that hangs must not hold the end up.
    status = main(sys.argv[1:], StartupTimeline(), os.environ)
    sys.stdout.flush()
    os._exit(status)
