"""A server process on loopback, as a container would run it."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

_ROOT = Path(__file__).parents[1]
_DEADLINE_S = 30.0


@dataclass
class ServerProcess:
    """A process that listens, and a client for it; `log` is what it has told so far."""

    process: "subprocess.Popen[str]"
    client: httpx.Client
    log: list[dict[str, object]]

    def signal(self, signum: int) -> None:
        """Send a signal."""
        self.process.send_signal(signum)

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

    def finish(self) -> int:
        """Wait for the end and read the rest of the log; the exit status."""
        _, rest = self.process.communicate(timeout=_DEADLINE_S)
        self.log.extend(_events(rest))
        return self.process.returncode


@contextlib.contextmanager
def server_process(module: str, **environ: str) -> Iterator[ServerProcess]:
    """Run `python -m module` on a free port until the body is over; it is listening when the body begins."""
    process = _start(module, environ)
    assert process.stderr is not None
    try:
        log: list[dict[str, object]] = []
        port = _port(process.stderr, log)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=_DEADLINE_S) as client:
            yield ServerProcess(process, client, log)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def exit_of(module: str, *arguments: str, **environ: str) -> "tuple[int, str, str]":
    """Run to the end: exit status, standard output, standard error."""
    process = _start(module, environ, *arguments)
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


def _port(stream: IO[str], log: list[dict[str, object]]) -> int:
    """Read the log up to the line that says where the server listens."""
    for line in stream:
        log.extend(_events(line))
        if log and log[-1]["event"] == "listening":
            return int(str(log[-1]["port"]))
    raise AssertionError(f"the server ended before it listened: {log}")


def _events(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]
