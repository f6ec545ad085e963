"""Process 1 of an interview's container: supervisord over stand-ins for the API and the worker."""

import ctypes
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.processes import exit_of

from coldstart.apps.interview_container import supervisor_environ
from coldstart.apps.interview_container.lines import LineBuffer, labelled
from coldstart.runtime.settings import load_settings

ROOT = Path(__file__).parents[2]
DEADLINE_S = 30.0
PR_SET_CHILD_SUBREAPER = 36
START_S = 123.456
# What STAND_IN_API and STAND_IN_WORKER say it does, once it has told that it runs.
STAND_IN = """
import json, os, signal, sys
mode = os.environ["SERVICE_MODE"]
conduct = os.environ.get("STAND_IN_" + mode.removeprefix("interview-").upper(), "")
def tell(event):
    line = {"event": event, "pid": os.getpid(), "since_s": os.environ.get("CONTAINER_START_S")}
    os.write(2, (json.dumps(line) + "\\n").encode())
def stop(signum, frame):
    tell("asked to stop")
    if conduct != "deaf":
        os._exit(0)
signal.signal(signal.SIGTERM, stop)
os.write(1, b"plain words\\n")
if conduct == "orphans" and os.fork() == 0:
    if os.fork() == 0:
        tell("orphaned")
    os._exit(0)
tell("runs")
if conduct.startswith("exit "):
    sys.exit(int(conduct.removeprefix("exit ")))
# It does not outlive process 1.
while os.read(0, 1):
    pass
"""


class Container:
    """A running process 1, and the lines that it has written so far."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self._readers = [
            threading.Thread(target=self._read, args=(stream,)) for stream in (process.stdout, process.stderr)
        ]
        for reader in self._readers:
            reader.start()

    def told(self, **members: object) -> list[dict[str, Any]]:
        """The lines that have these members."""
        return [line for line in list(self.lines) if members.items() <= line.items()]

    def wait(self, count: int = 1, **members: object) -> dict[str, Any]:
        """Until there are as many such lines; the last of them."""
        self.until(lambda: len(self.told(**members)) >= count)
        return self.told(**members)[count - 1]

    def until(self, condition: Callable[[], bool]) -> None:
        """Look until it holds."""
        end = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < end, self.lines
            time.sleep(0.002)

    def finish(self) -> int:
        """Its exit status."""
        status = self.process.wait(DEADLINE_S)
        for reader in self._readers:
            reader.join(DEADLINE_S)
        return status

    def _read(self, stream: Any) -> None:
        for line in stream:
            text = line.decode().rstrip("\n")
            told = json.loads(text) if text.startswith("{") else {"text": text}
            self.lines.append({**told, "at": time.monotonic()})


@contextmanager
def container(prepare: Callable[[], object] | None = None, **environ: str) -> Iterator[Container]:
    """Both stand-ins under process 1, which is asked to stop within a second."""
    command = shlex.join([sys.executable, "-S", "-c", STAND_IN])
    settings = load_settings({"SERVICE_MODE": "interview", "MODELS_MANIFEST": "/models.json", "SHUTDOWN_GRACE_S": "0"})
    with subprocess.Popen(
        [sys.executable, "-m", "coldstart.apps.interview_container.process_one"],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "server"),
            "PYTHONDONTWRITEBYTECODE": "1",
            **supervisor_environ(settings, START_S),
            "SUPERVISED_API": command,
            "SUPERVISED_WORKER": command,
            "SUPERVISED_API_STOP_S": "1",
            **environ,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=prepare,
    ) as process:
        running = Container(process)
        try:
            yield running
        finally:
            process.kill()
            running.finish()


def test_the_lines_of_both_come_out_with_the_process_that_wrote_them() -> None:
    """A JSON object gets a field, another line a prefix; supervisord's own lines are told the same way."""
    with container() as running:
        assert {running.wait(event="runs", process=name)["process"] for name in ("api", "worker")} == {"api", "worker"}
        running.wait(text="api: plain words")
        running.wait(text="worker: plain words")
        running.wait(process="supervisor", logger="supervisord", level="info")
        running.process.terminate()
        assert running.finish() == 0
    assert not [line for line in running.lines if "root" in str(line)]


def test_the_start_of_the_api_is_that_of_the_container() -> None:
    """The worker, which may be started again at any time, has its own."""
    with container() as running:
        assert running.wait(event="runs", process="api")["since_s"] == "123.46"
        assert running.wait(event="runs", process="worker")["since_s"] is None


def test_a_worker_that_is_killed_comes_back_each_time_later() -> None:
    """The API goes on; the second time the worker is waited with for at least two seconds."""
    with container() as running:
        api = running.wait(event="runs", process="api")
        waited_s = []
        for count in (1, 2):
            os.kill(running.wait(count, event="runs", process="worker")["pid"], signal.SIGKILL)
            killed = time.monotonic()
            waited_s.append(running.wait(count + 1, event="runs", process="worker")["at"] - killed)
        assert waited_s[0] >= 1
        assert waited_s[1] >= 2
        os.kill(api["pid"], 0)
        running.process.terminate()
        assert running.finish() == 0
    assert [line["event"] for line in running.told(process="api") if line["event"] == "runs"] == ["runs"]


def test_the_container_ends_when_the_api_is_killed() -> None:
    """With the status of a killed process, and after the worker was asked to stop."""
    with container() as running:
        running.wait(event="runs", process="worker")
        os.kill(running.wait(event="runs", process="api")["pid"], signal.SIGKILL)
        assert running.finish() == 128 + signal.SIGKILL
    assert running.told(event="asked to stop", process="worker")
    assert len(running.told(event="runs")) == 2


def test_an_api_that_ends_by_itself_is_a_failure_of_the_container() -> None:
    """Whatever status it ends with."""
    for status, expected in ((0, 1), (7, 7)):
        with container(STAND_IN_API=f"exit {status}") as running:
            assert running.finish() == expected


@pytest.mark.parametrize("name", ["api", "worker"])
def test_what_cannot_start_as_configured_is_not_started_again(name: str) -> None:
    """The container ends with its status, 2."""
    with container(**{f"STAND_IN_{name.upper()}": "exit 2"}) as running:
        assert running.finish() == 2
    assert len(running.told(event="runs", process=name)) == 1


def test_a_signal_to_stop_reaches_the_api_first_and_then_the_worker() -> None:
    """Each once, at once, and the container's status is 0."""
    with container() as running:
        for name in ("api", "worker"):
            running.wait(event="runs", process=name)
        running.process.terminate()
        asked = time.monotonic()
        assert running.finish() == 0
    stops = running.told(event="asked to stop")
    assert [line["process"] for line in stops] == ["api", "worker"]
    # supervisord by itself looks once a second.
    assert stops[-1]["at"] - asked < 0.9


def test_what_does_not_stop_is_killed() -> None:
    """After the time that it was given; the status says so, and the worker still is asked first."""
    with container(STAND_IN_API="deaf") as running:
        for name in ("api", "worker"):
            running.wait(event="runs", process=name)
        running.process.terminate()
        assert running.finish() == 128 + signal.SIGKILL
    assert [line["process"] for line in running.told(event="asked to stop")] == ["api", "worker"]


def test_a_signal_that_came_while_it_started_is_heard() -> None:
    """Process 1 of a container loses signals for which it has no handler; this one was held back."""

    def stopped_before() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        os.kill(os.getpid(), signal.SIGTERM)

    with container(stopped_before) as running:
        assert running.finish() == 0


def test_orphans_are_reaped() -> None:
    """What a process leaves behind becomes a child of process 1."""
    with container(lambda: ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1), STAND_IN_WORKER="orphans") as running:
        orphan = running.wait(event="orphaned")["pid"]
        running.until(lambda: not Path(f"/proc/{orphan}").exists())
        running.process.terminate()
        assert running.finish() == 0


def test_a_setting_that_is_wrong_is_told_once() -> None:
    """Before anything is started."""
    status, out, err = exit_of(
        "coldstart", SERVICE_MODE="interview", MODELS_MANIFEST="/m.json", INTERVIEW_QUESTIONS="0"
    )
    assert (status, out) == (2, "")
    assert err.startswith("coldstart: INTERVIEW_QUESTIONS is '0'; it must be ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("grace_s", [0.0, 1.0, 30.0, 3600.0])
def test_both_together_have_the_grace_of_one_service(grace_s: float) -> None:
    """The API more of it than the worker; what is added to it is less than the five seconds that hosts add."""
    settings = load_settings(
        {"SERVICE_MODE": "interview", "MODELS_MANIFEST": "/models.json", "SHUTDOWN_GRACE_S": str(grace_s)}
    )
    met = supervisor_environ(settings, START_S)
    api_s, worker_s = float(met["SUPERVISED_API_GRACE_S"]), float(met["SUPERVISED_WORKER_GRACE_S"])
    assert api_s + worker_s == pytest.approx(grace_s, abs=0.01)
    assert api_s >= worker_s
    assert int(met["SUPERVISED_API_STOP_S"]) + int(met["SUPERVISED_WORKER_STOP_S"]) <= grace_s + 5


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"event": "ready"}', b'{"process": "api", "event": "ready"}'),
        (b"Traceback (most recent call last):", b"api: Traceback (most recent call last):"),
        (b"", b"api: "),
        (b'{"event": "cut', b'api: {"event": "cut'),
        (b"{}", b"api: {}"),
    ],
)
def test_a_line_says_whose_it_is(line: bytes, expected: bytes) -> None:
    """What is an object stays one."""
    assert labelled("api", line) == expected


def test_lines_are_whole() -> None:
    """However they come; the last one needs no newline, and one without end comes in pieces."""
    buffer = LineBuffer()
    assert buffer.feed(b"on") == []
    assert buffer.feed(b"e\ntwo\nthr") == [b"one", b"two"]
    assert buffer.feed(b"ee") == []
    assert buffer.finish() == [b"three"]
    assert buffer.finish() == []
    assert sum(map(len, buffer.feed(b"x" * 1_000_000))) > 900_000
