"""A bare engine in a process of its own, which stays and is asked again and again, as a server's is."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from coldstart_harness.errors import BuildFailed
from coldstart_harness.testing.host import TREE

_PROGRAM = TREE / "bench" / "bare_voice.py"
# The images have NumPy's library on one thread.
_ENVIRONMENT = {"PYTHONPATH": str(TREE / "server"), "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1"}


class BareVoice:
    """`bench/bare_voice.py` with its engine loaded."""

    def __init__(self, process: "subprocess.Popen[str]", stderr: IO[str]) -> None:
        self._process = process
        self._stderr = stderr

    def listen_to(self, sound: Path) -> Mapping[str, Any]:
        """What it tells of one run over a sound file: `seconds`, and what it found.

        Raises:
            BuildFailed: it ended.
        """
        assert self._process.stdin is not None  # noqa: S101 - both were asked for
        assert self._process.stdout is not None  # noqa: S101
        # Of a program that has ended the pipe is broken, which the missing answer tells as well.
        with suppress(BrokenPipeError):
            self._process.stdin.write(f"{sound}\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            self._stderr.seek(0)
            status = self._process.wait()
            raise BuildFailed(f"{_PROGRAM.name} ended with exit status {status}", details=self._stderr.read())
        figures: dict[str, Any] = json.loads(line)
        return figures


@contextmanager
def bare_voice(task: str, artifact: Path) -> Iterator[BareVoice]:
    """Start the program on the thread count that the server takes; it ends with the block."""
    threads = len(os.sched_getaffinity(0))
    command = [sys.executable, str(_PROGRAM), task, str(artifact), "--threads", str(threads)]
    with (
        tempfile.TemporaryFile("w+") as stderr,
        subprocess.Popen(  # noqa: S603 - no shell, arguments are ours
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**os.environ, **_ENVIRONMENT},
        ) as process,
    ):
        try:
            yield BareVoice(process, stderr)
        finally:
            process.kill()
