"""Waiting for a service: until it listens, until every model is ready, or until it is clear that it never will be."""

import time
from collections.abc import Callable

from docker.models.containers import Container

from coldstart_harness import container as containers
from coldstart_harness.errors import ServiceFailed, TimedOut
from coldstart_harness.progress import Progress
from coldstart_harness.service import Service, checked_url
from coldstart_harness.standing import Changes, Standing, standing_of

_POLL_S = 0.01
# Somebody else's machine is not asked a hundred times a second.
_POLL_ELSEWHERE_S = 0.2
# The container's own state is asked of the engine, which costs milliseconds: less often than the service.
_STATE_POLL_S = 0.5
# What stands before a service may answer in its place while it is put there.
_FOREIGN_S = 5.0

Say = Callable[[str], None]


def _ignore(_line: str) -> None:
    return


def wait(url: str, timeout_s: float, progress: Progress) -> None:
    """Return when the service at `url` is ready, and show on the way how it becomes so.

    Args:
        url: its address.
        timeout_s: how long it may take.
        progress: what a person watches.

    Raises:
        ServiceFailed: it will never be ready.
        TimedOut: it was not within the time.
        UsageError: that is no address.
    """
    address = checked_url(url, "URL")
    with progress.phase(f"waiting for {address}") as phase:
        deadline = time.monotonic() + timeout_s
        service = Service(address)
        standing = wait_until_ready(service, deadline, poll_s=_POLL_ELSEWHERE_S, say=phase.say, note=progress.note)
    progress.note(f"{address} is ready{f', but {standing.reason}' if standing.reason else ''}")


def wait_until_live(container: Container, service: Service, deadline: float) -> None:
    """Return when `/livez` says 200.

    Args:
        container: what was started.
        service: its address.
        deadline: on `time.monotonic()`.

    Raises:
        ServiceFailed: the container ended; the details are its last log lines.
        TimedOut: the deadline passed; likewise.
    """
    watch = _Watch(service, container, deadline)
    while not service.is_live():
        watch.look("did not answer /livez")
        time.sleep(_POLL_S)


def wait_until_ready(
    service: Service,
    deadline: float,
    *,
    container: Container | None = None,
    poll_s: float = _POLL_S,
    say: Say = _ignore,
    note: Say = _ignore,
) -> Standing:
    """Return when `/readyz` says that it is ready, with what was met then.

    Args:
        service: its address.
        deadline: on `time.monotonic()`.
        container: what was started, where the harness started it.
        poll_s: between two looks.
        say: called with how it stands at every look.
        note: called once for each state that a model enters, and for what else is met on the way.

    Raises:
        ServiceFailed: the container ended, a required model failed, or for 5 s what answers was no service of ours; the
            message has the reason that `/health` gives, the details the container's last log lines.
        TimedOut: the deadline passed.
    """
    watch, changes = _Watch(service, container, deadline), Changes()
    ours_at = time.monotonic()
    while True:
        standing = standing_of(service, deadline)
        for line in changes.since_last(standing):
            note(line)
        say(standing.summary)
        if standing.kind == "ready":
            return standing
        now = time.monotonic()
        ours_at = ours_at if standing.kind == "foreign" else now
        if standing.kind == "failed" or now - ours_at >= _FOREIGN_S:
            raise ServiceFailed(standing.reason, details=watch.log_tail())
        watch.look("did not become ready", standing.reason)
        time.sleep(min(poll_s, max(0.0, deadline - now)))


class _Watch:
    """Looks at the clock, and now and then at the container, where there is one."""

    def __init__(self, service: Service, container: Container | None, deadline: float) -> None:
        self._url = service.url
        self._container = container
        self._started = time.monotonic()
        self._deadline = deadline
        self._next_look = self._started

    def look(self, complaint: str, reason: str = "") -> None:
        now = time.monotonic()
        if self._container is not None and now >= self._next_look:
            self._next_look = now + _STATE_POLL_S
            if not containers.is_running(self._container):
                why = containers.why_ended(self._container)
                message = f"the container {self._container.name} did not start: {why}"
                raise ServiceFailed(message, details=self.log_tail())
        if now > self._deadline:
            what = self._url if self._container is None else f"the container {self._container.name}"
            message = f"{what} {complaint} within {now - self._started:.0f} s"
            raise TimedOut(f"{message}: {reason}" if reason else message, details=self.log_tail())

    def log_tail(self) -> str:
        return "" if self._container is None else containers.log_tail(self._container)
