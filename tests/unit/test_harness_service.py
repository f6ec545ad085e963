"""What the harness makes of a service's answers, and when it stops waiting for one."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import pytest
from docker.models.containers import Container

from coldstart_harness.errors import ServiceFailed
from coldstart_harness.service import Service, failures_in, model_states, status_of
from coldstart_harness.waiting import wait_until_live, wait_until_ready


class StandIn(ThreadingHTTPServer):
    """A service of which a test says what it answers: path → a list of (status, document), the last of which stays."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, list[tuple[int, object]]] = {}
        self.connections = 0
        self.url = f"http://127.0.0.1:{self.server_port}"

    def next_answer(self, path: str) -> tuple[int, object]:
        answers = self.answers.get(path, [(404, {})])
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        status, document = cast(StandIn, self.server).next_answer(self.path)
        content = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    server = StandIn()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class StandInContainer:
    """As much of a container as waiting looks at."""

    name = "stand-in"

    def __init__(self, *, running: bool, exit_code: int = 0, out_of_memory: bool = False) -> None:
        self.attrs = {"State": {"Running": running, "ExitCode": exit_code, "OOMKilled": out_of_memory}}

    def reload(self) -> None:
        return

    def logs(self, tail: int) -> bytes:
        return b"the last words\n" * min(tail, 1)


def container(**state: Any) -> Container:
    return cast(Container, StandInContainer(**state))


def soon() -> float:
    return time.monotonic() + 5.0


def test_every_request_has_its_own_connection(stand_in: StandIn) -> None:
    """Probes never reuse a connection: a new one is what a load balancer opens."""
    stand_in.answers["/readyz"] = [(503, {}), (200, {})]
    service = Service(stand_in.url)
    assert [service.is_ready(), service.is_ready(), service.is_ready()] == [False, True, True]
    assert stand_in.connections == 3


def test_nobody_there_is_no_answer() -> None:
    """Where nobody listens there is no reply, no health and no readiness, and no error."""
    service = Service("http://127.0.0.1:9")
    assert status_of(service.get("/livez")) is None
    assert not service.is_live()
    assert service.health() == {}


def test_a_body_that_is_no_object_is_an_empty_one(stand_in: StandIn) -> None:
    """A reply of text or of a JSON list has a status and no document."""
    stand_in.answers["/health"] = [(200, b"OK"), (200, [1])]
    service = Service(stand_in.url)
    assert [service.health(), service.health()] == [{}, {}]


def test_waiting_ends_with_readiness_and_tells_each_state_once(stand_in: StandIn) -> None:
    """Each state that a model enters is noted once, in order, until readiness says 200."""
    states = ["loading", "loading", "warming", "ready"]
    stand_in.answers["/readyz"] = [(503, {}), (503, {}), (503, {}), (200, {})]
    stand_in.answers["/health"] = [(200, {"models": {"starter": {"state": state}}}) for state in states]
    notes: list[str] = []
    wait_until_ready(container(running=True), Service(stand_in.url), soon(), note=notes.append)
    assert notes == ["  starter: loading", "  starter: warming", "  starter: ready"]


def test_a_failed_model_ends_the_wait_with_its_reason(stand_in: StandIn) -> None:
    """The failure has the model, the reason that /health gives, and the log's last lines."""
    stand_in.answers["/readyz"] = [(503, {})]
    failed = {"state": "failed", "reason": "model.onnx has another sha256"}
    stand_in.answers["/health"] = [(200, {"status": "failed", "models": {"starter": failed}})]
    with pytest.raises(ServiceFailed, match=r"starter failed: model\.onnx has another sha256") as failure:
        wait_until_ready(container(running=True), Service(stand_in.url), soon())
    assert failure.value.details == "the last words"


@pytest.mark.parametrize(
    ("state", "reason"),
    [({"exit_code": 2}, "exit code 2"), ({"exit_code": 137, "out_of_memory": True}, "want of memory")],
)
def test_an_ended_container_ends_the_wait(state: dict[str, Any], reason: str) -> None:
    """A container that ends is not waited for; its exit code or the want of memory is said."""
    with pytest.raises(ServiceFailed, match=reason):
        wait_until_live(container(running=False, **state), Service("http://127.0.0.1:9"), soon())


def test_waiting_has_an_end(stand_in: StandIn) -> None:
    """A service that never becomes ready is given up at the deadline, with what it said of itself."""
    stand_in.answers["/readyz"] = [(503, {})]
    stand_in.answers["/health"] = [(200, {"status": "initializing"})]
    with pytest.raises(ServiceFailed, match="never became ready; /health says initializing"):
        wait_until_ready(container(running=True), Service(stand_in.url), time.monotonic())


def test_health_of_another_shape_names_no_model() -> None:
    """What is no table of models gives neither states nor failures."""
    assert model_states({"models": ["a"]}) == {}
    assert failures_in({"models": "none"}) == []
    assert model_states({"models": {"a": {"state": "ready"}, "b": "?"}}) == {"a": "ready"}
