"""A server process on loopback, as a container would run it."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

_ROOT = Path(__file__).parents[1]
_DEADLINE_S = 30.0


class ServerProcess:
    """A process that is to listen, and a client for it; `log` is what it has told so far."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.log: list[dict[str, object]] = []
        self._listening = threading.Event()
        # Read all the time, for a process whose log nobody reads stands still when the pipe is full.
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        assert self._listening.wait(_DEADLINE_S), "the server neither listened nor ended"
        port = next((event["port"] for event in self.log if event["event"] == "listening"), None)
        assert port, f"the server ended before it listened: {self.log}"
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=_DEADLINE_S)

    def signal(self, signum: int) -> None:
        """Send a signal."""
        self._process.send_signal(signum)

    def children(self) -> list[int]:
        """The ids of the processes that it has started and that live."""
        others = [path for path in Path("/proc").iterdir() if path.name.isdecimal()]
        return [int(path.name) for path in others if _parent_of(path) == self._process.pid]

    def wait_ready(self) -> None:
        """Until /readyz is 200."""
        self.poll("/readyz", lambda reply: reply.status_code == 200)

    def poll(self, path: str, condition: Callable[[httpx.Response], bool]) -> httpx.Response:
        """Ask for `path` until the reply is as wanted."""
        end = time.monotonic() + _DEADLINE_S
        while not condition(reply := self.client.get(path)):
            assert time.monotonic() < end, reply.text
            time.sleep(0.005)
        return reply

    def wait_told(self, event: str) -> None:
        """Until the log has that event."""
        end = time.monotonic() + _DEADLINE_S
        while not any(line["event"] == event for line in self.log):
            assert time.monotonic() < end, self.log
            time.sleep(0.001)

    def finish(self) -> int:
        """Wait for the end and the rest of the log; the exit status."""
        status = self._process.wait(_DEADLINE_S)
        self._reader.join(_DEADLINE_S)
        return status

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.log.append(json.loads(line))
            if self.log[-1]["event"] == "listening":
                self._listening.set()
        self._listening.set()


def _parent_of(process: Path) -> int | None:
    """Source: proc_pid_stat(5), field 4; the second may hold blanks and parentheses."""
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None  # it has ended meanwhile


@contextlib.contextmanager
def server_process(module: str, **environ: str) -> Iterator[ServerProcess]:
    """Run `python -m module` on a free port until the body is over; it is listening when the body begins."""
    with _start(module, environ) as process:
        try:
            server = ServerProcess(process)
            with server.client:
                yield server
        finally:
            process.kill()


def exit_of(module: str, *arguments: str, **environ: str) -> tuple[int, str, str]:
    """Run to the end: exit status, standard output, standard error."""
    with _start(module, environ, *arguments) as process:
        out, err = process.communicate(timeout=_DEADLINE_S)
    return process.returncode, out, err


def _start(module: str, environ: dict[str, str], *arguments: str) -> "subprocess.Popen[str]":
    path = os.pathsep.join((str(_ROOT / "server"), str(_ROOT)))
    return subprocess.Popen(  # noqa: S603  the interpreter that runs the tests
        [sys.executable, "-m", module, *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path, "HOST": "127.0.0.1", "PORT": "0", **environ},
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
