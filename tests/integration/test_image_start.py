"""How an image starts, where no proof asks."""

import json
from pathlib import Path

import pytest
from docker.models.containers import Container
from tests.integration.subjects import Subject, container_of, eventually, python_in, ready

from coldstart_harness.proofs.running import ask
from coldstart_harness.slo.loading import load_slo

pytestmark = pytest.mark.docker

SLO = load_slo(Path(__file__).parents[2] / "slo.toml")
# Every file below the only writable directory.
FILES_INSIDE = """
import json, os
print(json.dumps([os.path.join(directory, name) for directory, _, names in os.walk("/tmp") for name in names]))
"""
# Of a process without a port: its health check looks how old the file is.
PULSE = {"/tmp/coldstart-worker-pulse"}  # noqa: S108 - inside the container


def test_writes_nothing(subject: Subject) -> None:
    """After a start and an answer to every request of the file of promises none lies in /tmp but a worker's pulse."""
    promised = SLO.target_of(subject.reference).services
    requests = [request for service in promised.values() for request in service.requests.values()]
    with ready(subject) as (container, service):
        assert [ask(service.url, request).reason for request in requests] == [""] * len(requests)
        status, output = python_in(container, FILES_INSIDE)
    assert status == 0, output
    assert set(json.loads(output)) == (PULSE if "interview" in promised else set())


def modes_of(subject: Subject) -> list[str]:
    """Every SERVICE_MODE that the image can be started in."""
    return [*SLO.target_of(subject.reference).services, *({"all"} & set(subject.environment.values()))]


def test_its_health_check_turns_healthy(subject: Subject) -> None:
    """The engine calls the container healthy by the image's own check, in each mode."""
    for mode in modes_of(subject):
        assert_turns_healthy(subject, mode)


def assert_turns_healthy(subject: Subject, mode: str) -> None:
    second_ns = 1_000_000_000
    with container_of(subject, healthcheck={"interval": second_ns}).with_env("SERVICE_MODE", mode) as container:
        inner: Container = container.get_wrapped_container()

        def is_healthy() -> bool:
            inner.reload()
            return bool(inner.attrs["State"]["Health"]["Status"] == "healthy")

        eventually(is_healthy, f"the engine calls the container healthy in mode {mode}")


def test_an_unknown_service_mode_stops_it(subject: Subject) -> None:
    """An unknown SERVICE_MODE ends the process with status 2 and a sentence with the value and those allowed."""
    log = last_words(subject, "toaster")
    assert "SERVICE_MODE is 'toaster'; it must be " in log
    assert "'wheel'" in log


def test_it_serves_one_thing_or_asks_what_to_serve(subject: Subject) -> None:
    """Without SERVICE_MODE an image of several services stops with a sentence; one of a single service starts."""
    if not subject.environment:
        with ready(subject):
            return
    assert "SERVICE_MODE is not set; it must be " in last_words(subject, "")


def last_words(subject: Subject, mode: str) -> str:
    """What a container says that stops at once, as configured wrongly, and without a traceback."""
    with container_of(subject).with_env("SERVICE_MODE", mode) as container:
        assert container.wait() == 2
        log = b"".join(container.get_logs()).decode()
    assert "Traceback" not in log
    return log
