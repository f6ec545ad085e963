"""What the harness makes of a service's answers, and when it stops waiting for one."""

import time
from collections.abc import Iterator
from typing import Any, cast

import pytest
from docker.models.containers import Container
from tests.unit.harness_service_doubles import StandIn, standing_in

from coldstart_harness.errors import ServiceFailed, TimedOut, UsageError
from coldstart_harness.service import Service, checked_url, failures_in, status_of
from coldstart_harness.waiting import wait_until_live, wait_until_ready


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with standing_in() as server:
        yield server


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
    stand_in.answers["/readyz"] = [(503, {}), (503, {}), (503, {}), (200, {"ready": True})]
    stand_in.answers["/health"] = [(200, {"models": {"starter": {"state": state}}}) for state in states]
    notes: list[str] = []
    wait_until_ready(Service(stand_in.url), soon(), container=container(running=True), note=notes.append)
    assert [note.partition(" after ")[0] for note in notes] == [
        "  starter: loading",
        "  starter: loading → warming",
        "  starter: warming → ready",
    ]


def test_a_failed_model_ends_the_wait_with_its_reason(stand_in: StandIn) -> None:
    """The failure has the model, the reason that /health gives, and the log's last lines."""
    stand_in.answers["/readyz"] = [(503, {})]
    failed = {"state": "failed", "reason": "model.onnx has another sha256"}
    stand_in.answers["/health"] = [(200, {"status": "failed", "models": {"starter": failed}})]
    with pytest.raises(ServiceFailed, match=r"starter failed: model\.onnx has another sha256") as failure:
        wait_until_ready(Service(stand_in.url), soon(), container=container(running=True))
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
    with pytest.raises(TimedOut, match="stand-in did not become ready within 0 s: /health says initializing"):
        wait_until_ready(Service(stand_in.url), time.monotonic(), container=container(running=True))


def test_health_of_another_shape_names_no_failure() -> None:
    """What is no table of models holds no failed one; one that is not required is no failure of the service."""
    assert failures_in({"models": "none"}) == []
    models = {"a": {"state": "failed"}, "b": "?", "c": {"state": "failed", "required": False}}
    assert failures_in({"models": models}) == ["a failed: no reason given"]


def test_an_address_loses_its_last_slash() -> None:
    """Paths begin with one."""
    assert checked_url("https://staging.example.org/", "--host") == "https://staging.example.org"
    with pytest.raises(UsageError, match="URL has no query"):
        checked_url("https://staging.example.org/?a=1", "URL")


@pytest.mark.parametrize("text", ["", "127.0.0.1:8000", "ftp://h", "http://", "http://[::1", "http://h:99999"])
def test_what_is_no_address_is_refused(text: str) -> None:
    """With what was met."""
    with pytest.raises(UsageError, match="URL is like https://"):
        checked_url(text, "URL")
