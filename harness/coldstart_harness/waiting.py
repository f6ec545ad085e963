"""Waiting for a started container: until it listens, until every model is ready, or until it is clear that it fails."""

import time
from collections.abc import Callable

from docker.models.containers import Container

from coldstart_harness import container as containers
from coldstart_harness.errors import ServiceFailed
from coldstart_harness.service import Service, failures_in, model_states

_POLL_S = 0.01
# The container's own state is asked of the engine, which costs milliseconds: less often than the service.
_STATE_POLL_S = 0.5

Say = Callable[[str], None]


def _ignore(_line: str) -> None:
    return


def wait_until_live(container: Container, service: Service, deadline: float) -> None:
    """Return when `/livez` says 200.

    Args:
        container: what was started.
        service: its address.
        deadline: on `time.monotonic()`.

    Raises:
        ServiceFailed: the container ended, or the deadline passed; the details are its last log lines.
    """
    watch = _Watch(container, deadline)
    while not service.is_live():
        watch.look("never answered /livez")
        time.sleep(_POLL_S)


def wait_until_ready(
    container: Container, service: Service, deadline: float, *, say: Say = _ignore, note: Say = _ignore
) -> None:
    """Return when `/readyz` says 200.

    Args:
        container: what was started.
        service: its address.
        deadline: on `time.monotonic()`.
        say: called with the models' states whenever they were asked for.
        note: called once for each state that a model enters.

    Raises:
        ServiceFailed: the container ended, a model failed, or the deadline passed; the message has the reason that
            `/health` gives, the details the last log lines.
    """
    watch = _Watch(container, deadline)
    seen: dict[str, str] = {}
    while True:
        ready = service.is_ready()
        health = service.health()
        states = model_states(health)
        for model, state in states.items():
            if seen.get(model) != state:
                note(f"  {model}: {state}")
        seen = states
        say(", ".join(f"{model} {state}" for model, state in states.items()))
        if ready:
            return
        if failures := failures_in(health):
            raise ServiceFailed("; ".join(failures), details=containers.log_tail(container))
        watch.look(f"never became ready; /health says {health.get('status', 'nothing')}")
        time.sleep(_POLL_S)


class _Watch:
    """Looks at the clock, and now and then at the container."""

    def __init__(self, container: Container, deadline: float) -> None:
        self._container = container
        self._started = time.monotonic()
        self._deadline = deadline
        self._next_look = self._started

    def look(self, complaint: str) -> None:
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + _STATE_POLL_S
            if not containers.is_running(self._container):
                raise self._failure(containers.why_ended(self._container))
        if now > self._deadline:
            raise self._failure(f"within {now - self._started:.0f} s it {complaint}")

    def _failure(self, reason: str) -> ServiceFailed:
        message = f"the container {self._container.name} did not start: {reason}"
        return ServiceFailed(message, details=containers.log_tail(self._container))
