"""A container without a network, and a test's way into it."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from docker.models.containers import Container
from testcontainers.core.container import DockerContainer
from tests.integration.subjects import START_TIMEOUT_S, Subject, container_of, service_of

from coldstart_harness.errors import NotVisible
from coldstart_harness.network.entering import in_network_of, run_in
from coldstart_harness.service import Service
from coldstart_harness.waiting import wait_until_ready

T = TypeVar("T")


class Isolated:
    """A hardened container of an image, offering all its services, that is asked from within its own network.

    Args:
        subject: the image.
        container: started; without a network unless this process may not enter one.
    """

    def __init__(self, subject: Subject, container: DockerContainer) -> None:
        self.subject = subject
        self._container = container
        self._inner: Container = container.get_wrapped_container()

    def ask(self, work: Callable[[str], T]) -> T:
        """What `work` returns, called with the service's address in a thread that reaches it, as its own threads do."""
        if may_enter_networks():
            return in_network_of(self._inner, lambda: work(f"http://127.0.0.1:{self.subject.port}"))
        return work(service_of(self.subject, self._container).url)

    def sigterm(self) -> None:
        """Tell it to stop; it does so when it has answered what it accepted."""
        self._inner.kill(signal.SIGTERM.name)

    def exit_code(self) -> int:
        """Its exit code, once it has ended by itself."""
        return int(self._container.wait())

    def logged(self, event: str) -> dict[str, Any]:
        """The first log line of that event."""
        _stdout, stderr = self._container.get_logs()
        lines = (json.loads(line) for line in stderr.decode().splitlines())
        return next(line for line in lines if line["event"] == event)


@contextmanager
def isolated(subject: Subject, **options: Any) -> Iterator[Isolated]:
    """A container of the image that is ready; it is removed afterwards.

    Args:
        subject: the image.
        options: as those of `container_of`.
    """
    network = {"network_mode": "none"} if may_enter_networks() else {}
    with container_of(subject, **network, **options) as container:
        started = Isolated(subject, container)
        wrapped = container.get_wrapped_container()
        started.ask(lambda url: wait_until_ready(Service(url), time.monotonic() + START_TIMEOUT_S, container=wrapped))
        yield started


def may_enter_networks() -> bool:
    """Whether this process may enter a container's network, as root may; else containers publish their port."""
    try:
        run_in(Path("/proc/self/ns/net"), lambda: None)
    except NotVisible:
        return False
    return True
