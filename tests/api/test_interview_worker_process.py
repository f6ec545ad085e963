"""The interview's worker as the command runs it, with a fake recogniser."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.asr_serving import write_speech_manifest
from tests.report_ground import DEADLINE_S, Ground, until
from tests.speech_doubles import sound_file

_REPOSITORY = Path(__file__).parents[2]


@contextmanager
def worker_process(directory: Path, root: Path, **environ: str) -> Iterator["subprocess.Popen[str]"]:
    """`python -m coldstart` with SERVICE_MODE=interview-worker until the body is over."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join((str(_REPOSITORY / "server"), str(_REPOSITORY))),
        "TMPDIR": str(directory),
        "SERVICE_MODE": "interview-worker",
        "MODELS_MANIFEST": str(write_speech_manifest(directory, "whisper")),
        "INTERVIEW_ROOT": str(root),
        **environ,
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tests.serve_fake_speech"],
        env=environment,
        cwd=_REPOSITORY,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_worker_writes_down_what_was_accepted(tmp_path: Path) -> None:
    """A sound of a finished interview becomes text, a transcript beside it, and a report; SIGTERM ends it."""
    root = tmp_path / "root"
    root.joinpath("interview_data").mkdir(parents=True)
    ground = Ground(f"sqlite:///{root}/interview_data/interviews.sqlite", root)
    interview = ground.finished(sound_file(3.0, (0.5, 2.0)))
    with worker_process(tmp_path, root) as process:
        until(lambda: ground.interviews.report(interview) is not None)
        report = ground.interviews.report(interview)
        assert report is not None
        [answer] = report.interview.answers
        assert answer.text
        assert answer.duration_s == 3.0
        assert report.notes_source == "bank"
        transcript = json.loads((root / "transcriptions" / interview / "001.json").read_text())
        assert transcript["text"] == answer.text
        until(lambda: [beat.state for beat in ground.interviews.beats()] == ["ready"])
        assert ground.interviews.beats()[0].models == {"whisper": "ready", "vad": "ready"}
        assert (tmp_path / "coldstart-worker-pulse").exists()
        process.terminate()
        assert process.wait(DEADLINE_S) == 0
    ground.close()


def test_a_worker_that_cannot_keep_anything_says_so(tmp_path: Path) -> None:
    """One sentence with the directory, and the status of a wrong configuration."""
    with worker_process(tmp_path, tmp_path / "absent" / "root") as process:
        _out, told = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 2
    assert told.startswith(f"coldstart: {tmp_path}/absent/root cannot be made")


def test_a_worker_waits_for_its_database(tmp_path: Path) -> None:
    """It may be starting, too; a password is not in what is told meanwhile."""
    root = tmp_path / "root"
    url = f"postgresql://me:secret@/name?host={tmp_path}"
    with worker_process(tmp_path, root, DATABASE_URL=url) as process:
        assert process.stderr is not None
        told = [json.loads(process.stderr.readline()) for _ in range(2)]
        assert [line["event"] for line in told] == ["database_fails", "database_awaited"]
        assert "secret" not in json.dumps(told)
        process.terminate()
        assert process.wait(DEADLINE_S) == 0
