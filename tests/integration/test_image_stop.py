"""How an image stops: by its stop signal, with nothing lost that it had accepted."""

import threading
import time
from dataclasses import dataclass, field
from typing import Literal

import httpx
import pytest
from tests.integration.subjects import Subject, eventually, ready

pytestmark = pytest.mark.docker

GRACE_S = 30.0
STREAMS = 8
STREAM = {"prompt": "The cat sat on the", "max_tokens": 48, "temperature": 1.0, "stream": True}

Outcome = Literal["complete", "cut", "refused", "unavailable"]


def test_ends_with_zero_at_sigterm(subject: Subject) -> None:
    """An idle container ends with exit code 0 well within its grace."""
    with ready(subject) as (container, _service):
        started = time.monotonic()
        container.get_wrapped_container().kill("SIGTERM")
        assert container.wait() == 0
        assert time.monotonic() - started < GRACE_S / 2


def test_finishes_what_is_in_flight(subject: Subject) -> None:
    """At SIGTERM every stream that had begun goes on to its end, new ones are refused, and the exit code is 0."""
    with ready(subject) as (container, service):
        load = Load(service.url)
        load.start()
        eventually(lambda: load.count("complete") >= STREAMS, "streams complete")
        eventually(lambda: load.open_streams() > 0, "a stream is open")
        load.signalled.set()
        begun = load.open_streams()
        container.get_wrapped_container().kill("SIGTERM")
        status = container.wait()
        load.join()
    assert begun > 0
    assert status == 0
    assert load.count("cut") == 0, load.outcomes
    assert load.refused_too_early == 0


@dataclass
class Load:
    """Clients that stream completions one after another until they are refused after the signal."""

    url: str
    outcomes: list[Outcome] = field(default_factory=list)
    refused_too_early: int = 0
    signalled: threading.Event = field(default_factory=threading.Event)
    _open: set[int] = field(default_factory=set)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        self._threads = [threading.Thread(target=self._client, args=(i,), daemon=True) for i in range(STREAMS)]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(GRACE_S)

    def count(self, outcome: Outcome) -> int:
        return self.outcomes.count(outcome)

    def open_streams(self) -> int:
        return len(self._open)

    def _client(self, number: int) -> None:
        deadline = time.monotonic() + 2 * GRACE_S
        while time.monotonic() < deadline:
            signalled_before = self.signalled.is_set()
            outcome = self._stream(number)
            self.outcomes.append(outcome)
            if outcome in ("refused", "unavailable"):
                self.refused_too_early += not self.signalled.is_set()
                if signalled_before:
                    return

    def _stream(self, number: int) -> Outcome:
        """One stream on a connection of its own; a connection that never got a status was not accepted."""
        status = None
        last = ""
        try:
            with (
                httpx.Client(trust_env=False, timeout=GRACE_S) as client,
                client.stream("POST", f"{self.url}/v1/completions", json=STREAM) as response,
            ):
                status = response.status_code
                if status == 503:
                    return "unavailable"
                assert status == 200, response.read()
                self._open.add(number)
                for line in response.iter_lines():
                    last = line or last
        except httpx.TransportError:
            return "refused" if status is None else "cut"
        finally:
            self._open.discard(number)
        return "complete" if last == "data: [DONE]" else "cut"
