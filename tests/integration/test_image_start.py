"""How an image starts, where no proof asks."""

import pytest
from docker.models.containers import Container
from tests.integration.subjects import Subject, container_of, eventually, python_in, ready

from coldstart_harness.service import SESSIONS_PATH, status_of

pytestmark = pytest.mark.docker

# Every file below the only writable directory.
FILES_INSIDE = """
import os
print([os.path.join(directory, name) for directory, _, names in os.walk("/tmp") for name in names])
"""


def test_writes_nothing(subject: Subject) -> None:
    """After a start and an answer no file lies in /tmp."""
    with ready(subject) as (container, service):
        assert status_of(service.post(SESSIONS_PATH, {"prompt": "The cat sat on the"})) == 201
        status, output = python_in(container, FILES_INSIDE)
    assert (status, output.strip()) == (0, "[]")


def test_its_health_check_turns_healthy(subject: Subject) -> None:
    """The engine calls the container healthy by the image's own check."""
    second_ns = 1_000_000_000
    with container_of(subject, healthcheck={"interval": second_ns}) as container:
        inner: Container = container.get_wrapped_container()

        def is_healthy() -> bool:
            inner.reload()
            return bool(inner.attrs["State"]["Health"]["Status"] == "healthy")

        eventually(is_healthy, "the engine calls the container healthy")


def test_an_unknown_service_mode_stops_it(subject: Subject) -> None:
    """An unknown SERVICE_MODE ends the process with status 2 and a sentence with the value and those allowed."""
    with container_of(subject).with_env("SERVICE_MODE", "toaster") as container:
        assert container.wait() == 2
        log = b"".join(container.get_logs()).decode()
    assert "toaster" in log
    assert "wheel" in log
    assert "Traceback" not in log
