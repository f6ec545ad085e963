"""One start, and perhaps its stop, with liveness, readiness and a real request asked all the while."""

import asyncio
import time
from dataclasses import dataclass, field

from docker.errors import APIError
from docker.models.containers import Container

from coldstart_harness import container as containers
from coldstart_harness.errors import HarnessError, ServiceFailed
from coldstart_harness.proofs.proof import Trial
from coldstart_harness.proofs.running import held, start, url_or_why
from coldstart_harness.slo.document import Request
from coldstart_harness.traffic.client import Client, Exchange

# Refusals take no time at all: without a pause they would take a core from the service that is starting.
_PAUSE_S = 0.001
_LOOK_S = 0.02
# The engine is asked, which costs it milliseconds: less often than the service.
_ENGINE_LOOK_S = 0.25


@dataclass
class Watched:
    """What was seen of one start; times are seconds on `time.monotonic()`.

    Args:
        called_s: when the engine was told to start the container.
        running_s: when it said that it had, and the first questions were asked.
        liveness: every probe, in order.
        readiness: likewise.
        inference: every request, in order.
        stopped_s: when the stop signal was sent; None: it was not.
        over_s: when the last question was asked.
        failure: why it never answered rightly; empty where it did.
        log: the end of its log, where it failed.
    """

    called_s: float
    running_s: float = 0.0
    liveness: list[Exchange] = field(default_factory=list)
    readiness: list[Exchange] = field(default_factory=list)
    inference: list[Exchange] = field(default_factory=list)
    stopped_s: float | None = None
    over_s: float = 0.0
    failure: str = ""
    log: str = ""

    @property
    def askers(self) -> tuple[list[Exchange], ...]:
        return self.liveness, self.readiness, self.inference

    def first_right_s(self, exchanges: list[Exchange]) -> float | None:
        """Seconds from the start to the end of the first right answer; None: there was none."""
        done = next((exchange.done_s for exchange in exchanges if exchange.outcome == "right"), None)
        return None if done is None else done - self.called_s


def watch(trial: Trial, *, serve_s: float, to_the_end: bool) -> Watched:
    """Start a container and ask it on fresh connections without pause, until it is removed.

    A service that fails is no error here; it is what was seen.

    Args:
        trial: the image and its service.
        serve_s: for how long it is asked after each of the three questions was answered rightly.
        to_the_end: then send the image's stop signal and go on asking until the container has ended, or its grace has.

    Raises:
        ServiceFailed: the engine could not create the container.
    """
    with held(trial) as container:
        watched = Watched(called_s=time.monotonic())
        try:
            start(container)
            watched.running_s = time.monotonic()
            asyncio.run(_asked_throughout(trial, container, watched, serve_s, to_the_end))
        except ServiceFailed as error:
            watched.failure, watched.log = str(error), error.details or containers.log_tail(container)
        watched.over_s = time.monotonic()
    return watched


async def _asked_throughout(
    trial: Trial, container: Container, watched: Watched, serve_s: float, to_the_end: bool
) -> None:
    service = trial.asked
    questions = (Request(path=service.liveness), Request(path=service.readiness), service.request)
    async with Client(url_or_why(trial, container)) as client:
        asking = [
            asyncio.create_task(_ask_on(client, request, exchanges))
            for request, exchanges in zip(questions, watched.askers, strict=True)
        ]
        try:
            await _until_answered(container, watched, asking, service.start_timeout_s)
            await asyncio.sleep(serve_s)
            if to_the_end:
                await _until_ended(container, watched, service.promises.grace_s)
        finally:
            for task in asking:
                task.cancel()
            ends = await asyncio.gather(*asking, return_exceptions=True)
        for end in ends:
            if isinstance(end, HarnessError):
                raise end


async def _ask_on(client: Client, request: Request, exchanges: list[Exchange]) -> None:
    while True:
        exchange = await client.send(request)
        exchanges.append(exchange)
        if exchange.outcome != "right":
            await asyncio.sleep(_PAUSE_S)


async def _until_answered(
    container: Container, watched: Watched, asking: list["asyncio.Task[None]"], timeout_s: float
) -> None:
    deadline = watched.called_s + timeout_s
    look_at_engine = time.monotonic()
    while any(watched.first_right_s(exchanges) is None for exchanges in watched.askers):
        now = time.monotonic()
        if now >= look_at_engine:
            if not await asyncio.to_thread(containers.is_running, container):
                raise ServiceFailed(f"the container did not start: {containers.why_ended(container)}")
            look_at_engine = now + _ENGINE_LOOK_S
        if now > deadline:
            raise ServiceFailed(f"within {timeout_s:.0f} s {_missing(watched)}")
        await asyncio.wait(asking, timeout=_LOOK_S, return_when=asyncio.FIRST_EXCEPTION)
        if any(task.done() for task in asking):
            return


async def _until_ended(container: Container, watched: Watched, grace_s: float) -> None:
    signal = container.attrs["Config"].get("StopSignal") or "SIGTERM"
    watched.stopped_s = time.monotonic()
    try:
        await asyncio.to_thread(container.kill, signal)
    except APIError as error:
        raise ServiceFailed(f"the container took no {signal} while it served: {error.explanation}") from None
    await asyncio.to_thread(_wait_for_end, container, watched.stopped_s + grace_s)


def _wait_for_end(container: Container, deadline: float) -> None:
    while containers.is_running(container) and time.monotonic() < deadline:
        time.sleep(_LOOK_S)


def _missing(watched: Watched) -> str:
    """Which question was never answered rightly, and how the last try ended."""
    names = ("liveness", "readiness", "the request")
    missing = next(
        (name, exchanges)
        for name, exchanges in zip(names, watched.askers, strict=True)
        if watched.first_right_s(exchanges) is None
    )
    last = missing[1][-1].reason if missing[1] else "it is still under way"
    return f"{missing[0]} was never answered rightly; the last time: {last}"
