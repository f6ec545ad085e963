"""Whole processes: how they refuse to start, answer at once, and end."""

import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from tests.doubles import write_manifest
from tests.processes import ServerProcess, exit_of, server_process

from coldstart.apps.modes import MODES

FAKE = "tests.serve_fake"
PROMPT = {"prompt": "the cat"}
ALL_MODES = " or ".join(map(repr, MODES))


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"SERVICE_MODE": "wheel", "MODELS_MANIFEST": str(write_manifest(tmp_path, "alpha"))}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"SERVICE_MODE": ""}, f"SERVICE_MODE is not set; it must be {ALL_MODES}"),
        ({"SERVICE_MODE": "lathe"}, f"SERVICE_MODE is 'lathe'; it must be {ALL_MODES}"),
        ({"WHEEL_ENGINE": "steam"}, "WHEEL_ENGINE is 'steam'; it must be 'onnxruntime' or 'transformers'"),
        ({"PORT": "http"}, "PORT is 'http'; it must be a whole number of at least 0 and at most 65535"),
        ({"MODELS_MANIFEST": "/nowhere.json"}, "MODELS_MANIFEST names /nowhere.json, which does not exist"),
    ],
)
def test_what_cannot_start_says_so_in_one_sentence(
    environ: dict[str, str], changes: dict[str, str], sentence: str
) -> None:
    """Exit status 2, and one line that has the value met and the values allowed."""
    assert exit_of("coldstart", **{**environ, **changes}) == (2, "", f"coldstart: {sentence}\n")


def test_a_taken_port_is_named(environ: dict[str, str]) -> None:
    """Another process's port is a matter of configuration."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, _, err = exit_of("coldstart", **{**environ, "PORT": str(port)})
    assert (status, err) == (
        2,
        f"coldstart: HOST '127.0.0.1' and PORT {port} cannot be listened to: Address already in use\n",
    )


def test_help_names_modes_and_variables() -> None:
    """What can be chosen is told without a word of configuration."""
    status, out, err = exit_of("coldstart", "--help")
    assert (status, err) == (0, "")
    assert f"SERVICE_MODE is {' or '.join(MODES)}.\n" in out
    assert "SHUTDOWN_GRACE_S" in out


def test_an_unknown_argument_is_refused() -> None:
    """There is nothing to choose on the command line."""
    status, out, err = exit_of("coldstart", "--port=1")
    assert (status, out) == (2, "")
    assert err.startswith("usage:")


def test_a_model_that_cannot_load_leaves_the_process_alive(environ: dict[str, str]) -> None:
    """Alive but never ready, with the reason; then SIGTERM ends it with status 0."""
    with server_process("coldstart", **environ) as server:
        assert server.client.get("/livez").status_code == 200
        failed = server.poll("/health", lambda reply: reply.json()["status"] == "failed").json()
        assert "has no artifact for engine 'onnxruntime'" in failed["models"]["alpha"]["reason"]
        assert server.client.get("/readyz").status_code == 503
        assert list(failed["startup"]) == ["process", "imports", "listening"]
        server.signal(signal.SIGTERM)
        assert server.finish() == 0
    assert [event["event"] for event in server.log if event["level"] == "error"] == ["model_failed"]


def test_neither_torch_nor_transformers_is_imported(environ: dict[str, str]) -> None:
    """The web server and everything that composes it come without any inference library."""
    code = (
        "import sys; import coldstart.apps.command, coldstart.apps.serving, coldstart.apps.wheel as w; w.routers();"
        "print([m for m in ('torch', 'transformers', 'onnxruntime', 'tokenizers') if m in sys.modules])"
    )
    out = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": "server"}, capture_output=True, text=True
    )
    assert (out.stdout, out.stderr) == ("[]\n", "")


def test_probes_answer_while_a_model_loads_and_sigterm_need_not_wait_for_it(environ: dict[str, str]) -> None:
    """Readiness is honest from the first connection, and a model that hangs holds nothing up."""
    with server_process(FAKE, FAKE_GATE="closed", **environ) as server:
        assert server.client.get("/livez").status_code == 200
        assert server.client.get("/readyz").status_code == 503
        server.signal(signal.SIGTERM)
        assert server.finish() == 0


def test_what_has_begun_is_finished_and_new_requests_are_refused(environ: dict[str, str]) -> None:
    """After SIGTERM: readiness off, new connections get 503, the request in hand its answer, then status 0."""
    with server_process(FAKE, **environ) as server, ThreadPoolExecutor() as pool:
        held = hold_one_request(server, pool)
        server.signal(signal.SIGTERM)
        server.poll("/readyz", lambda reply: reply.json()["detail"] == "the process is shutting down")
        with httpx.Client(base_url=server.client.base_url) as new:
            refused = new.post("/api/v1/sessions", json=PROMPT)
        assert (refused.status_code, refused.headers["connection"]) == (503, "close")
        assert server.client.get("/livez").status_code == 200
        server.signal(signal.SIGUSR1)
        assert held.result().status_code == 201
        assert server.finish() == 0
    events = [str(event["event"]) for event in server.log]
    assert [event for event in events if event.startswith("shutdown")] == ["shutdown_begins", "shutdown_ends"]


def test_a_connection_made_before_shutdown_gets_its_refusal(environ: dict[str, str]) -> None:
    """Its request was on the way: it hears 503 and not a reset, while a connection that only idles is closed."""
    with server_process(FAKE, **environ) as server, ThreadPoolExecutor() as pool:
        held = hold_one_request(server, pool)
        address = (server.client.base_url.host, server.client.base_url.port)
        with (
            socket.create_connection(address, timeout=30) as early,
            socket.create_connection(address, timeout=30) as idle,
            idle.makefile("rb") as answers,
        ):
            idle.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            assert answers.readline() == b"HTTP/1.1 200 OK\r\n"
            server.signal(signal.SIGTERM)
            assert answers.read().endswith(b'{"live":true}')  # to the end of the connection
            early.sendall(b"GET /api/models HTTP/1.1\r\nHost: x\r\n\r\n")
            assert early.recv(100).startswith(b"HTTP/1.1 503")
        server.signal(signal.SIGUSR1)
        assert held.result().status_code == 201
        assert server.finish() == 0


def test_a_connection_made_before_an_idle_process_stops_gets_its_refusal(environ: dict[str, str]) -> None:
    """With nothing in hand the process still hears those whose request is on the way; then it ends."""
    with server_process(FAKE, **environ) as server:
        server.wait_ready()
        address = (server.client.base_url.host, server.client.base_url.port)
        with socket.create_connection(address, timeout=30) as early:
            server.signal(signal.SIGTERM)
            server.wait_told("shutdown_begins")
            early.sendall(b"GET /api/models HTTP/1.1\r\nHost: x\r\n\r\n")
            assert early.recv(100).startswith(b"HTTP/1.1 503")
        assert server.finish() == 0


def test_a_stream_is_finished_too(environ: dict[str, str]) -> None:
    """A completion that has begun to stream comes to its end."""
    body = {"model": "alpha", "prompt": "the cat", "max_tokens": 4, "stream": True}
    with server_process(FAKE, **environ) as server:
        server.wait_ready()
        with server.client.stream("POST", "/v1/completions", json=body) as reply:
            server.signal(signal.SIGTERM)
            assert reply.read().endswith(b"data: [DONE]\n\n")
        assert server.finish() == 0


def test_after_the_grace_what_is_left_is_refused(environ: dict[str, str]) -> None:
    """A request that outlasts the grace gets 503 and not a broken connection; the status is still 0."""
    with server_process(FAKE, SHUTDOWN_GRACE_S="0.2", **environ) as server, ThreadPoolExecutor() as pool:
        held = hold_one_request(server, pool)
        server.signal(signal.SIGTERM)
        assert held.result().status_code == 503
        assert server.finish() == 0


def test_a_second_sigterm_does_not_wait_for_the_grace(environ: dict[str, str]) -> None:
    """Whoever asks twice means it."""
    with server_process(FAKE, SHUTDOWN_GRACE_S="3600", **environ) as server, ThreadPoolExecutor() as pool:
        held = hold_one_request(server, pool)
        server.signal(signal.SIGTERM)
        server.poll("/readyz", lambda reply: reply.json()["detail"] == "the process is shutting down")
        server.signal(signal.SIGTERM)
        assert held.result().status_code == 503
        assert server.finish() == 0


def hold_one_request(server: ServerProcess, pool: ThreadPoolExecutor) -> "Future[httpx.Response]":
    """Have one request wait for the engine."""
    server.wait_ready()
    server.signal(signal.SIGUSR2)
    held = pool.submit(httpx.post, f"{server.client.base_url}/api/v1/sessions", json=PROMPT, timeout=30)
    # The metrics' own request and the held one.
    server.poll("/metrics", lambda reply: "http_requests_in_flight 2.0" in reply.text)
    return held
