"""`wait`: what it says on the way, and the exit status it ends with."""

import io
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from rich.console import Console
from tests.unit.harness_service_doubles import StandIn, standing_in

from coldstart_harness import waiting
from coldstart_harness.cli import main
from coldstart_harness.errors import ServiceFailed, TimedOut
from coldstart_harness.progress import Progress
from coldstart_harness.service import Service
from coldstart_harness.waiting import wait, wait_until_ready

READY = (200, {"ready": True})
NOT_YET = (503, {"detail": "model 'starter' is loading"})


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with standing_in() as server:
        yield server


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is foreign for a tenth of a second stays so, and looks follow fast."""
    monkeypatch.setattr(waiting, "_FOREIGN_S", 0.1)
    monkeypatch.setattr(waiting, "_POLL_ELSEWHERE_S", 0.01)
    monkeypatch.setenv("CI", "true")


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The command's exit status."""
    monkeypatch.setattr(sys, "argv", ["coldstart_harness", "wait", *arguments])
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit) as left:
        main()
    assert isinstance(left.value.code, int)
    return left.value.code


def health(state: str, **more: Any) -> tuple[int, object]:
    return 200, {"status": "initializing", "models": {"starter": {"state": state, **more}}}


def closed_port() -> int:
    """A port where nobody listens, until somebody else takes it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def speaking(greeting: bytes) -> Iterator[str]:
    """The address of somebody who says the same to all and does not listen."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            while True:
                try:
                    caller, _ = listener.accept()
                except OSError:
                    return
                with caller:
                    caller.recv(65536)
                    caller.sendall(greeting)

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_every_state_is_a_line_with_its_seconds(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 0, without colours where nobody watches; a ready model's line has the phases that it took."""
    stand_in.answers["/readyz"] = [NOT_YET, NOT_YET, NOT_YET, READY]
    phases = {"read_s": 0.012, "build_s": 0.31}
    stand_in.answers["/health"] = [
        health("loading"),
        health("loading"),
        health("warming"),
        health("ready", phases=phases),
    ]
    assert run(monkeypatch, stand_in.url, "10") == 0
    first, loading, warming, ready, done, last = capsys.readouterr().out.splitlines()
    assert (first, loading) == (f"waiting for {stand_in.url} …", "  starter: loading")
    assert warming.startswith("  starter: loading → warming after ")
    assert ready.startswith("  starter: warming → ready after ")
    assert ready.endswith(" (read 12.0 ms, build 0.31 s)")
    assert done.startswith(f"waiting for {stand_in.url}: done in ")
    assert last == f"{stand_in.url} is ready"


def test_a_required_model_that_failed_ends_it_at_once(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 1 and the reason that /health gives."""
    stand_in.answers["/readyz"] = [NOT_YET]
    stand_in.answers["/health"] = [health("failed", reason="model.onnx has another sha256")]
    assert run(monkeypatch, stand_in.url, "1h") == 1
    assert "coldstart: starter failed: model.onnx has another sha256" in capsys.readouterr().err


def test_a_service_without_models_is_not_waited_for(stand_in: StandIn) -> None:
    """Where /health says failed and names nothing, it is final all the same."""
    stand_in.answers["/readyz"] = [(503, {})]
    stand_in.answers["/health"] = [(200, {"status": "failed"})]
    with pytest.raises(ServiceFailed, match="/health says failed"):
        wait_until_ready(Service(stand_in.url), time.monotonic() + 5)


def test_a_model_that_is_not_required_may_fail(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither its failure nor a silent worker ends the wait; the last line names them."""
    voice = {"state": "failed", "required": False, "reason": "no such file"}
    worker = {"state": "silent", "beat_age_s": 16.0, "models": {"starter": "ready"}}
    models = {"starter": {"state": "ready"}, "voice": voice}
    document = {"status": "degraded", "models": models, "worker": worker, "degraded": ["the worker is silent"]}
    stand_in.answers["/readyz"] = [(503, {"detail": "model 'starter' is loading"}), READY]
    stand_in.answers["/health"] = [(200, document)]
    assert run(monkeypatch, stand_in.url) == 0
    said = capsys.readouterr().out
    assert "  voice: failed (not required, no such file)\n" in said
    assert "  worker starter: ready\n" in said
    assert "is ready, but voice failed (not required, no such file); the worker is silent\n" in said


def test_nobody_there_is_said_once_and_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 124 when the time is over, with what was met last."""
    url = f"http://127.0.0.1:{closed_port()}"
    assert run(monkeypatch, url, "1") == 124
    said = capsys.readouterr()
    assert said.out.count("  not reachable: Connection refused\n") == 1
    assert f"coldstart: {url} did not become ready within 1 s: not reachable: Connection refused" in said.err


def test_who_comes_late_is_met() -> None:
    """A port that is closed at first is asked again until a service listens there."""
    port = closed_port()
    come = threading.Event()
    notes: list[str] = []

    def note(line: str) -> None:
        notes.append(line)
        come.set()

    def wait_for_it() -> None:
        wait_until_ready(Service(f"http://127.0.0.1:{port}"), time.monotonic() + 10, note=note)

    waiter = threading.Thread(target=wait_for_it)
    waiter.start()
    assert come.wait(10)
    with standing_in(port) as server:
        server.answers = {"/readyz": [READY], "/health": [health("ready")]}
        waiter.join(10)
    assert not waiter.is_alive()
    assert notes == ["  not reachable: Connection refused", "  starter: ready"]


@pytest.mark.parametrize(
    ("answer", "met"),
    [
        ((200, b"<html>welcome</html>"), "status 200, text/html"),
        ((200, b"x" * 5_000_000), "status 200, text/html"),
        ((404, {}), "status 404, application/json"),
        ((401, b""), "status 401, text/html"),
        ((200, {"ready": "perhaps"}), "status 200, application/json"),
    ],
)
def test_what_is_no_service_of_ours_is_told(stand_in: StandIn, answer: tuple[int, object], met: str) -> None:
    """A page that says 200 to everything is not ready, however large."""
    stand_in.answers["/readyz"] = [answer]
    with pytest.raises(ServiceFailed, match=f"/readyz is no readiness of ours: {met}") as failure:
        wait_until_ready(Service(stand_in.url), time.monotonic() + 10)
    assert not isinstance(failure.value, TimedOut)


def test_a_redirect_is_told_with_where_it_leads(stand_in: StandIn) -> None:
    """It is not followed: whoever waits should wait for what is really there."""
    stand_in.answers["/readyz"] = [(307, {})]
    stand_in.headers["Location"] = "https://elsewhere.example.org/readyz"
    with pytest.raises(ServiceFailed, match=r"status 307, to https://elsewhere\.example\.org/readyz"):
        wait_until_ready(Service(stand_in.url), time.monotonic() + 10)


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"500 what?\r\n\r\n"])
def test_a_port_without_http_is_waited_for(greeting: bytes) -> None:
    """A container engine's proxy accepts and closes before the service listens, and looks like another protocol."""
    with speaking(greeting) as url, pytest.raises(TimedOut, match="not reachable: no HTTP answer: "):
        wait_until_ready(Service(url), time.monotonic() + 0.3)


@pytest.mark.parametrize("line", [b"X-More: to come\r\n", b"\r\n" + b" " * 64])
def test_an_answer_that_comes_in_drops_does_not_stretch_the_time(line: bytes) -> None:
    """Neither its headers nor its body; the connection is not left open."""
    dropped, pause = threading.Event(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            caller, _ = listener.accept()
            with caller, suppress(OSError):
                caller.recv(65536)
                caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n")
                for _ in range(100):
                    caller.sendall(line)
                    pause.wait(0.05)
            dropped.set()

        threading.Thread(target=drip, daemon=True).start()
        begun = time.monotonic()
        with pytest.raises(TimedOut, match=r"not reachable: no answer within 0\.5 s"):
            wait_until_ready(Service(f"http://127.0.0.1:{listener.getsockname()[1]}"), begun + 0.3)
        assert time.monotonic() - begun < 2.0
        assert dropped.wait(2.0)


def test_https_of_a_server_without_it_is_told(stand_in: StandIn) -> None:
    """The certificate and what TLS itself refuses are no matter of waiting."""
    with pytest.raises(ServiceFailed, match=r"not reachable: .*wrong version number"):
        wait_until_ready(Service(stand_in.url.replace("http:", "https:")), time.monotonic() + 10)


def test_a_gateway_before_the_service_is_waited_through(stand_in: StandIn) -> None:
    """Its errors, also a short while of pages of its own, are not the service's."""
    stand_in.answers["/readyz"] = [(502, b"<html>"), (404, b"<html>"), (503, b"<html>"), READY]
    notes: list[str] = []
    wait_until_ready(Service(stand_in.url), time.monotonic() + 10, note=notes.append)
    assert notes == [
        "  /readyz says 502 and no reason",
        f"  {stand_in.url}/readyz is no readiness of ours: status 404, text/html",
        "  /readyz says 503 and no reason",
    ]


def test_a_service_that_shuts_down_says_so(stand_in: StandIn) -> None:
    """What no model's line tells has a line of its own."""
    stand_in.answers["/readyz"] = [(503, {"detail": "the process is shutting down"})] * 2 + [READY]
    stand_in.answers["/health"] = [health("ready")]
    notes: list[str] = []
    wait_until_ready(Service(stand_in.url), time.monotonic() + 10, note=notes.append)
    assert notes == ["  starter: ready", "  the process is shutting down"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["localhost:8000"], "URL is like"),
        (["http://me:secret@h"], "URL holds a user or a password"),
        (["http://h", "soon"], "a duration is like"),
        (["http://h", "0"], "a duration is like"),
        ([], "Missing argument"),
    ],
)
def test_wrong_use_is_status_2(
    arguments: list[str],
    complaint: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With one sentence, and without the secret."""
    assert run(monkeypatch, *arguments) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert "secret" not in said


def test_what_a_service_says_does_not_steer_the_terminal(stand_in: StandIn) -> None:
    """Its texts are shown without control characters, and cut."""
    stand_in.answers["/readyz"] = [NOT_YET]
    stand_in.answers["/health"] = [health("failed", reason="\x1b[2J\n" + "x" * 1000)]
    notes: list[str] = []
    with pytest.raises(ServiceFailed) as failure:
        wait_until_ready(Service(stand_in.url), time.monotonic() + 10, note=notes.append)
    assert "\x1b" not in str(failure.value) + notes[0]
    assert max(len(str(failure.value)), len(notes[0])) < 600


def test_a_terminal_has_a_line_that_moves(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes when the wait is over; the lines of states stay."""
    stand_in.answers["/readyz"] = [NOT_YET, READY]
    stand_in.answers["/health"] = [health("loading"), health("ready")]
    screen = io.StringIO()
    wait(stand_in.url, 10, Progress(Console(file=screen, force_terminal=True, width=100, color_system=None)))
    assert "  starter: loading → ready after " in screen.getvalue()
    assert "\x1b[2K" in screen.getvalue()
