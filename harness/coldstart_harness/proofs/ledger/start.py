"""One start, watched from before the container exists until the first answers, and the phases that it is made of."""

import asyncio
import os
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from docker.errors import APIError
from docker.models.containers import Container

from coldstart_harness import container as containers
from coldstart_harness.errors import ServiceFailed
from coldstart_harness.phases import OwnStart, own_start
from coldstart_harness.proofs.proof import Trial
from coldstart_harness.proofs.running import created, url_of
from coldstart_harness.service import Service
from coldstart_harness.slo.document import Request
from coldstart_harness.traffic.client import Client, Exchange

# Between two questions: 0.2 % of the shortest start that there is to measure, and no load on a machine that starts.
_PAUSE_S = 0.001
_CONNECT_TIMEOUT_S = 1.0
_STATE_POLL_S = 0.5
# How far a time that the engine or the kernel tells may lie outside of the call that it belongs to: the kernel counts
# in ticks of 10 ms, and the engine's clock is this machine's, read elsewhere.
_CLOCKS_AGREE_S = 0.02


@dataclass(frozen=True, slots=True)
class Stretch:
    """From one event to another, in seconds on `time.monotonic()`."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen of one start; all times are seconds on `time.monotonic()`.

    Args:
        wall: around everything, by readings of its own.
        load: from the first byte of the image sent to the engine until it said that it has it; None: it had it before.
        create: from the call to its return.
        start: likewise.
        process: when the container's process began.
        process_exact: it is the kernel's account, which a service can read too; else the engine's, which is later.
        running: when the engine says that the container was started (`State.StartedAt`); None: by another clock.
        port_open: when the first connection was accepted.
        live: from the first question for liveness to the first 200.
        live_asked: when the last question was sent that got another answer; where there was none, the first.
        ready: from the first question for readiness to the first 200.
        ready_asked: likewise of readiness: the service became ready, and this was seen, only after this moment.
        tried: when the first real request was sent.
        answer: the first request that was answered rightly: from when it was sent until its whole answer was there.
        token: the first streaming request: from when it was sent to its first event; None: there is none.
        own: what the service itself says of its start.
    """

    wall: Stretch
    load: Stretch | None
    create: Stretch
    start: Stretch
    process: float
    process_exact: bool
    running: float | None
    port_open: float
    live: Stretch
    live_asked: float
    ready: Stretch
    ready_asked: float
    tried: float
    answer: Stretch
    token: Stretch | None
    own: OwnStart


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that was repeated until it was answered rightly.

    Args:
        tried: when it was first sent.
        before: when it was sent for the last time before the right answer's; where it was sent only once, `tried`.
        right: the exchange with the right answer.
    """

    tried: float
    before: float
    right: Exchange

    @property
    def whole(self) -> Stretch:
        return Stretch(self.tried, self.right.done_s)

    @property
    def last(self) -> Stretch:
        return Stretch(self.right.sent_s, self.right.done_s)


@dataclass(frozen=True, slots=True)
class _Answers:
    port_open: float
    live: _Asked
    ready: _Asked
    answer: _Asked
    token: Stretch | None
    over: float


def watch_start(trial: Trial, load: Callable[[], None] | None = None) -> Watched:
    """Create a container, start it, and ask it until it has answered rightly; it is removed afterwards.

    Args:
        trial: the image and its service.
        load: called first: gives the image to the engine.

    Raises:
        ServiceFailed: it could not be created or started, or did not answer within its `start_timeout_s`.
    """
    begun = time.monotonic()
    loaded = _timed(load) if load else None
    create_begun = time.monotonic()
    container = created(trial)
    create = Stretch(create_begun, time.monotonic())
    try:
        start = _timed(lambda: _start(container))
        url = url_of(trial, container)
        answers = asyncio.run(_Asking(trial, container, url).answers())
        kernel, running = _process_start(trial, container, start)
        return Watched(
            wall=Stretch(begun, answers.over),
            load=loaded,
            create=create,
            start=start,
            process=kernel or running or start.end,
            process_exact=kernel is not None,
            running=running,
            port_open=answers.port_open,
            live=answers.live.whole,
            live_asked=answers.live.before,
            ready=answers.ready.whole,
            ready_asked=answers.ready.before,
            tried=answers.answer.tried,
            answer=answers.answer.last,
            token=answers.token,
            own=_own(trial, url),
        )
    finally:
        container.remove(force=True, v=True)


def _timed(call: Callable[[], None]) -> Stretch:
    begun = time.monotonic()
    call()
    return Stretch(begun, time.monotonic())


def _start(container: Container) -> None:
    try:
        container.start()
    except APIError as error:
        raise ServiceFailed(f"the container engine could not start it: {error.explanation}") from None


def _own(trial: Trial, url: str) -> OwnStart:
    reply = Service(url).get(trial.asked.health) if trial.asked.health else None
    return own_start(reply.document if reply is not None and reply.status == 200 else {})


class _Asking:
    """Asks one thing after the other, each without pause until it is right."""

    def __init__(self, trial: Trial, container: Container, url: str) -> None:
        self._service = trial.asked
        self._container = container
        self._url = url
        self._next_look = time.monotonic() + _STATE_POLL_S
        self._deadline = time.monotonic() + self._service.start_timeout_s

    async def answers(self) -> _Answers:
        port_open = self._port_open()
        async with Client(self._url) as client:
            live = await self._until_right(client, Request(path=self._service.liveness))
            ready = await self._until_right(client, Request(path=self._service.readiness))
            answer = await self._until_right(client, self._service.request)
            over = time.monotonic()
            token = _token_of(answer.right)
            streaming = next((request for request in self._service.requests.values() if request.stream), None)
            if token is None and streaming is not None:
                token = _token_of(await client.send(streaming))
                over = token.end if token else over
            return _Answers(port_open, live, ready, answer, token, over)

    def _port_open(self) -> float:
        address = urlsplit(self._url)
        while True:
            try:
                with socket.create_connection((address.hostname, address.port), timeout=_CONNECT_TIMEOUT_S):
                    return time.monotonic()
            except OSError as error:
                self._look(f"nobody accepts connections on port {address.port}: {error}")
            time.sleep(_PAUSE_S)

    async def _until_right(self, client: Client, request: Request) -> _Asked:
        sent: list[float] = []
        while True:
            exchange = await client.send(request)
            sent.append(exchange.sent_s)
            if exchange.outcome == "right":
                return _Asked(sent[0], sent[-2:][0], exchange)
            self._look(f"{request.path} was not answered rightly: {exchange.reason}")
            await asyncio.sleep(_PAUSE_S)

    def _look(self, complaint: str) -> None:
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + _STATE_POLL_S
            if not containers.is_running(self._container):
                complaint = f"the container did not start: {containers.why_ended(self._container)}"
                raise ServiceFailed(complaint, details=containers.log_tail(self._container))
        if now > self._deadline:
            complaint = f"within {self._service.start_timeout_s:.0f} s {complaint}"
            raise ServiceFailed(complaint, details=containers.log_tail(self._container))


def _token_of(exchange: Exchange) -> Stretch | None:
    return None if exchange.first_event_s is None else Stretch(exchange.sent_s, exchange.first_event_s)


def _process_start(trial: Trial, container: Container, start: Stretch) -> tuple[float | None, float | None]:
    """When the container's process began as the kernel tells, and as the engine tells.

    The kernel's begin is what the process itself can read, and lies some 0.1 s before the engine's `StartedAt`: the
    process is made first and waits until its network is there. Each is believed only where it falls into the call that
    started it: of an engine elsewhere neither the processes nor the clock are this machine's.
    """
    container.reload()
    state = container.attrs["State"]
    kernel = _kernel_start(int(state.get("Pid") or 0)) if trial.engine.host.startswith("unix://") else None
    return _within(start, kernel), _within(start, _engine_start(str(state.get("StartedAt", ""))))


def _within(call: Stretch, moment: float | None) -> float | None:
    if moment is None or not call.start - _CLOCKS_AGREE_S <= moment <= call.end + _CLOCKS_AGREE_S:
        return None
    return moment


def _kernel_start(pid: int) -> float | None:
    """Source: proc_pid_stat(5), field 22, in ticks since boot; the second field may hold blanks and parentheses."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        since_boot = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return None
    return since_boot + time.monotonic() - time.clock_gettime(time.CLOCK_BOOTTIME)


def _engine_start(text: str) -> float | None:
    """RFC 3339 with nanoseconds, of which Python reads six digits."""
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d*", r"\1", text)).astimezone(UTC)
    except ValueError:
        return None
    return moment.timestamp() + time.monotonic() - time.time()
