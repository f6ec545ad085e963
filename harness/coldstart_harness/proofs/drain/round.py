"""One drain: a container under load is told to stop, and everything that became of its requests."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from docker.errors import APIError
from docker.models.containers import Container

from coldstart_harness import container as containers
from coldstart_harness.errors import ServiceFailed
from coldstart_harness.proofs.proof import Trial
from coldstart_harness.proofs.running import Running, serving
from coldstart_harness.slo.document import Request, Service
from coldstart_harness.traffic.client import Client, Exchange
from coldstart_harness.traffic.loops import Until, closed_loop
from coldstart_harness.traffic.summary import evidence_of

_MOST_CALLERS = 8
# Callers of whom nobody has been accepted yet when the signal comes.
_NEWCOMERS = 2
# How long a caller that was not answered rightly waits: failures are quick, and are not to become a flood.
_PAUSE_S = 0.02
_POLL_S = 0.01
# When a container has ended, nobody says that its address is gone.
_CONNECT_TIMEOUT_S = 2.0
# What is left to a container beyond its grace before it is killed, so that the time it takes can be told.
_MARGIN_S = 5.0


@dataclass(frozen=True)
class Drain:
    """What was seen; all times are seconds on `time.monotonic()`.

    Args:
        requests: of all callers, in the order in which they ended.
        probes: of readiness, one after the other.
        signalled_s: just before the stop signal was sent: whatever was sent earlier, was sent before the signal.
        ended_s: when the container was seen to have ended; None: it had to be killed.
        exit_code: the container's.
        log: its last lines.
    """

    requests: list[Exchange]
    probes: list[Exchange]
    signalled_s: float
    ended_s: float | None
    exit_code: int
    log: str = ""

    @property
    def in_flight(self) -> list[Exchange]:
        """Requests that were under way when the signal was sent."""
        return [r for r in self.requests if r.sent_s < self.signalled_s < r.done_s]


def load_of(service: Service) -> Request:
    """A stream where the service has one, for streams are under way for longest; else what load is made of."""
    return next((request for request in service.requests.values() if request.stream), service.request)


def drained(trial: Trial, requests: int, callers: int | None) -> tuple[Drain, int]:
    """Start a container, put it under load, and stop it once that many requests were answered.

    Args:
        trial: the service.
        requests: how many before the signal.
        callers: how many at a time; None: as many as the service lets in, up to eight.

    Returns:
        What was seen, and the number of callers.

    Raises:
        ServiceFailed: it does not start, or lets not even one caller in.
    """
    service = trial.asked
    with serving(trial) as running:
        callers = callers or asyncio.run(callers_let_in(running.url, load_of(service)))
        stop = _Stop(running, service.promises.grace_s)
        drain = asyncio.run(watched(running.url, service, requests, callers, stop.send, stop.wait))
        return stop.completed(drain), callers


async def callers_let_in(url: str, request: Request) -> int:
    """The most callers, halved from eight, of whom none is turned away: the load must be one that it can bear.

    Raises:
        ServiceFailed: it lets not even one in.
    """
    callers = _MOST_CALLERS
    async with Client(url) as client:
        while True:
            met = await closed_loop(client, request, concurrency=callers, until=_at_least(2 * callers))
            if all(exchange.outcome == "right" for exchange in met):
                return callers
            if callers == 1:
                details = evidence_of(met, met[0].sent_s)
                raise ServiceFailed("it does not answer even one caller at a time", details=details)
            callers //= 2


def _at_least(count: int) -> Until:
    return lambda exchanges: len(exchanges) >= count


async def watched(
    url: str, service: Service, requests: int, callers: int, send: Callable[[], None], wait: Callable[[], float | None]
) -> Drain:
    """Load and probes until the container has ended.

    Args:
        url: of the service.
        service: how it is asked.
        requests: how many are over before the signal, unless one fails before.
        callers: at a time; after the signal newcomers join them.
        send: sends the stop signal; it may block.
        wait: blocks until the container has ended; when that was, or None where it had to be killed.
    """
    reached, over = asyncio.Event(), asyncio.Event()

    def until_over(exchanges: list[Exchange]) -> bool:
        if len(exchanges) >= requests or (exchanges and exchanges[-1].outcome != "right"):
            reached.set()
        return over.is_set()

    def loop(request: Request, concurrency: int, until: Until) -> "asyncio.Task[list[Exchange]]":
        return asyncio.create_task(closed_loop(client, request, concurrency=concurrency, until=until, pause_s=_PAUSE_S))

    timeout_s = service.promises.grace_s + 2 * _MARGIN_S
    async with Client(url, timeout_s=timeout_s, connect_timeout_s=_CONNECT_TIMEOUT_S) as client:
        probes = loop(Request(path=service.readiness), 1, lambda _: over.is_set())
        load = [loop(load_of(service), callers, until_over)]
        await reached.wait()
        signalled_s = time.monotonic()
        load.append(loop(load_of(service), _NEWCOMERS, lambda _: over.is_set()))
        await asyncio.to_thread(send)
        ended_s = await asyncio.to_thread(wait)
        over.set()
        asked = [exchange for exchanges in await asyncio.gather(*load) for exchange in exchanges]
        return Drain(sorted(asked, key=lambda e: e.done_s), await probes, signalled_s, ended_s, exit_code=-1)


class _Stop:
    """Stops one container the way that engines do: its own stop signal, and the end only after the grace."""

    def __init__(self, running: Running, grace_s: float) -> None:
        self._container = cast(Container, running.container)
        self._deadline_s = grace_s + _MARGIN_S

    def send(self) -> None:
        signal = self._container.attrs["Config"].get("StopSignal") or "SIGTERM"
        try:
            self._container.kill(signal=signal)
        except APIError as error:
            why = containers.why_ended(self._container)
            log = containers.log_tail(self._container)
            raise ServiceFailed(f"it could not be sent {signal}: {why} ({error.explanation})", details=log) from None

    def wait(self) -> float | None:
        deadline = time.monotonic() + self._deadline_s
        while containers.is_running(self._container):
            if time.monotonic() > deadline:
                self._container.kill()
                return None
            time.sleep(_POLL_S)
        return time.monotonic()

    def completed(self, drain: Drain) -> Drain:
        """With what the engine says of the end."""
        self._container.wait()
        self._container.reload()
        return Drain(
            drain.requests,
            drain.probes,
            drain.signalled_s,
            drain.ended_s,
            exit_code=int(self._container.attrs["State"]["ExitCode"]),
            log=containers.log_tail(self._container),
        )
