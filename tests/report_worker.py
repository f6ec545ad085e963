"""The agent worker with a recogniser that does as it is told: `python -m tests.report_worker ROOT`.

A sound's bytes are what is to be done, one word, and what is then said: `say` it; `wait` for the file `gate` in ROOT;
`break` as an engine breaks, unless there is the file `mended`; `refuse` it for ever; `die` as the kernel kills;
`leak` what is said into an error. Whoever it calls is told as `calls_out`.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from coldstart.apps.interview_worker import hold_signals, open_interviews, work
from coldstart.domain.errors import EngineFailed, InvalidInput
from coldstart.domain.interview import AnswerReport, Interview, SpokenSegment
from coldstart.runtime.logs import configure_logs
from coldstart.runtime.settings import load_settings
from coldstart.services.answer_writing import WrittenSound
from coldstart.services.interview_reporting import Reporting
from coldstart.storage.answer_files import AnswerFiles
from coldstart.storage.job_worker import JobPolicy

POLICY = JobPolicy(attempts=3, first_pause_s=0.05, takings=1, poll_s=0.05, sweep_s=0.5)
# A step takes long enough to be met in the middle of it.
_STEP_S = 0.05
_POLL_S = 0.01


def written(root: Path, data: bytes) -> WrittenSound:
    """What `write` of Reporting is to do, without a recogniser."""
    task, _, said = data.decode().partition(" ")
    time.sleep(_STEP_S)
    while task == "wait" and not (root / "gate").exists():
        time.sleep(_POLL_S)
    if task == "break" and not (root / "mended").exists():
        raise EngineFailed("the engine broke")
    if task == "refuse":
        raise InvalidInput("this is no sound")
    if task == "leak":
        raise ValueError(f"somebody said {said}")
    if task == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    return WrittenSound(said, (SpokenSegment(0.0, 1.0, said),), 1.0)


def _notes(_interview: Interview, answers: Sequence[AnswerReport]) -> tuple[Sequence[str], str, str | None]:
    return [f"{len(answers)} answers."], "bank", None


def _tell_calls(event: str, _arguments: tuple[object, ...]) -> None:
    """Whatever in this process connects to something, or looks a name up; but for Postgres's driver, which is in C."""
    if event in ("socket.connect", "socket.getaddrinfo"):
        sys.stderr.write(json.dumps({"event": "calls_out", "logger": "audit"}) + "\n")


def main(root: Path) -> None:
    """Work until SIGTERM."""
    settings = load_settings({"INTERVIEW_ROOT": str(root), "MODELS_MANIFEST": "none", **os.environ})
    configure_logs(settings)
    files = AnswerFiles(root, min_free_bytes=0)
    interviews = open_interviews(settings)
    hold_signals()
    reporting = Reporting(interviews, files, write=lambda data, _language: written(root, data), take_notes=_notes)
    work(settings, interviews, reporting, models=dict, policy=POLICY)


if __name__ == "__main__":
    sys.addaudithook(_tell_calls)
    main(Path(sys.argv[1]))
    sys.stderr.flush()
    # As in coldstart.__main__: a step under way is not waited for.
    os._exit(0)
