"""A bounded queue before an engine, and the one thread in which the engine runs."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, InvalidStateError
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import structlog

from coldstart.domain.errors import EngineFailed, NotReady, Overloaded
from coldstart.runtime.pace import Pace
from coldstart.runtime.turns import Place, Turns

RequestT = TypeVar("RequestT")
ResultT = TypeVar("ResultT")
RequestT_contra = TypeVar("RequestT_contra", contravariant=True)
ResultT_co = TypeVar("ResultT_co", covariant=True)
CallT = TypeVar("CallT")

# Refusals come in floods, and a line costs more than a refusal.
_SECONDS_BETWEEN_WARNINGS = 1.0


class BatchEngine(Protocol[RequestT_contra, ResultT_co]):
    """What the scheduler needs of an engine."""

    @property
    def max_batch(self) -> int:
        """The most requests that one call of `advance` takes."""
        ...

    def advance(self, requests: Sequence[RequestT_contra]) -> Sequence[ResultT_co | None]:
        """One bounded unit of work: a result for each request, in order, or None when it needs another call.

        A request is in every call from its first until its result, so what an engine keeps for it may go when it is
        absent from a call: then it was cancelled. After an exception the engine must still take further calls.
        """
        ...


@dataclass(eq=False, slots=True)
class _Job(Generic[RequestT, ResultT]):
    request: RequestT
    # Never set running, so that it can be cancelled up to its result.
    future: "Future[ResultT]" = field(default_factory=Future)

    def deliver(self, outcome: "ResultT | Exception") -> None:
        try:
            if isinstance(outcome, Exception):
                self.future.set_exception(outcome)
            else:
                self.future.set_result(outcome)
        except InvalidStateError:
            pass  # cancelled in this very moment: nobody waits


class Scheduler(Generic[RequestT, ResultT]):
    """Runs requests through an engine with continuous batching: new ones join at the engine's next call.

    Thread-safe. The engine is touched by the scheduler's thread only.

    Args:
        engine: the engine; closing it is its owner's business, after `close`.
        name: of the model, for messages, logs and the thread.
        queue_limit: requests that may wait, beside those in the engine's batch.
        recover: called with each request of a batch that raised, before they are tried one by one; where an engine
            keeps something for a request, it is dropped here, for it may be half made.
    """

    def __init__(
        self,
        engine: BatchEngine[RequestT, ResultT],
        *,
        name: str,
        queue_limit: int,
        recover: Callable[[RequestT], None] | None = None,
    ) -> None:
        self._engine = engine
        self._name = name
        self._queue_limit = queue_limit
        self._recover = recover
        self._log = structlog.get_logger("coldstart.scheduler").bind(model=name)
        self._wake = threading.Condition()
        self._turns: Turns[_Job[RequestT, ResultT]] = Turns(queue_limit, engine.max_batch)
        self._active: list[_Job[RequestT, ResultT]] = []
        self._calls: deque[Callable[[], None]] = deque()
        self._refusals = 0
        self._failures = 0
        self._tell_again_at = 0.0
        self._closing = False
        self._drop = False
        self._pace = Pace()
        self._thread = threading.Thread(target=self._work, name=f"engine-{name}", daemon=True)
        self._thread.start()

    @property
    def depth(self) -> int:
        """Requests that wait for the engine's batch."""
        return len(self._turns)

    @property
    def active(self) -> int:
        """Requests in the engine's batch."""
        return len(self._active)

    @property
    def refusals(self) -> int:
        """Requests refused because the queue was full, since the start."""
        return self._refusals

    @property
    def failures(self) -> int:
        """Requests on which the engine failed, since the start."""
        return self._failures

    @property
    def has_room(self) -> bool:
        """Whether more work would be let in now."""
        return self._turns.has_room

    def check_room(self) -> None:
        """For work that would come to `submit` later: have it refused before anything is spent on it.

        Raises:
            Overloaded: the queue is full; it counts as a refusal.
        """
        with self._wake:
            self._refuse_if_full()

    @contextmanager
    def place(self) -> Iterator[Place]:
        """Room for one piece of work, however many steps it has, until the body ends.

        Raises:
            Overloaded: at once, when there is none.
        """
        with self._wake:
            self._refuse_if_full()
            place = self._turns.enter()
        try:
            yield place
        finally:
            with self._wake:
                self._turns.leave(place)
                self._wake.notify()

    async def submit(self, request: RequestT, *, place: Place | None = None, is_only_step: bool = False) -> ResultT:
        """The engine's result. Cancelling the await takes the request out of the queue or batch.

        Args:
            place: that of the work of which this is a step; a full queue does not refuse it. Without one the request
                is the whole work.
            is_only_step: no other follows at this place, so it goes in order with the steps of what has begun, instead
                of waiting until one of those is over.

        Raises:
            Overloaded: at once, when the queue is full.
            EngineFailed: the engine raised on this request.
            NotReady: the scheduler is closed, or was before the request's turn came.
        """
        if place is None:
            with self.place():
                return await self._result_of(request, None)
        return await self._result_of(request, None if is_only_step else place)

    async def _result_of(self, request: RequestT, place: Place | None) -> ResultT:
        job = self._enqueue(request, place)
        try:
            return await asyncio.wrap_future(job.future)
        except asyncio.CancelledError:
            self._withdraw(job)
            raise

    def submit_blocking(self, request: RequestT, timeout_s: float) -> ResultT:
        """As `submit`, for threads.

        Raises:
            EngineFailed: also when there is no result after `timeout_s` seconds.
        """
        with self.place():
            job = self._enqueue(request, None)
            try:
                return job.future.result(timeout_s)
            except FutureTimeoutError:
                self._withdraw(job)
                raise EngineFailed(f"model {self._name!r} gave no answer within {timeout_s:g} s") from None

    def run(self, call: Callable[[], CallT]) -> "Future[CallT]":
        """Have `call` run on the engine's thread between two of its calls, such as `lambda: engine.forget(id)`.

        Nobody need look at the future; an exception is logged. After `close` it is cancelled, and not run.
        """
        future: Future[CallT] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(call())
            except Exception as error:
                self._log.exception("engine_call_failed")
                future.set_exception(error)

        with self._wake:
            if self._closing:
                future.cancel()
            else:
                self._calls.append(work)
                self._wake.notify()
        return future

    def close(self, deadline_s: float) -> bool:
        """Take nothing new, finish what is there within `deadline_s` seconds, then refuse the rest with NotReady.

        Returns:
            True when the thread has ended, so that the engine may be closed; False when the engine hangs in a call.
        """
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join(deadline_s)
        if self._thread.is_alive():
            with self._wake:
                self._drop = True
                self._refuse_all()
                self._wake.notify()
            # The engine's current call is bounded work; waiting for its end lets the memory be freed in order.
            self._thread.join(1.0)
        return not self._thread.is_alive()

    def _enqueue(self, request: RequestT, place: Place | None) -> _Job[RequestT, ResultT]:
        job: _Job[RequestT, ResultT] = _Job(request)
        with self._wake:
            if self._closing:
                raise NotReady(f"model {self._name!r} is being closed")
            self._turns.add(job, place)
            self._wake.notify()
        return job

    def _refuse_if_full(self) -> None:
        if not self._turns.has_room:
            self._refusals += 1
            if (now := time.monotonic()) >= self._tell_again_at:
                self._tell_again_at = now + _SECONDS_BETWEEN_WARNINGS
                self._log.warning("queue_full", queue_limit=self._queue_limit, refusals=self._refusals)
            raise Overloaded(
                f"the queue of model {self._name!r} is full: {self._queue_limit} requests wait",
                retry_after_s=self._pace.seconds_for(len(self._turns) + len(self._active)),
            )

    def _withdraw(self, job: _Job[RequestT, ResultT]) -> None:
        with self._wake:
            job.future.cancel()
            self._turns.remove(job)

    def _refuse_all(self) -> None:
        for job in (*self._active, *self._turns.clear()):
            job.deliver(NotReady(f"model {self._name!r} was closed before the request was done"))

    def _work(self) -> None:
        while (calls := self._next_turn()) is not None:
            for call in calls:
                call()
            if self._active:
                self._pace.begin()
                outcomes = self._advance(self._active)
                self._settle(outcomes)

    def _next_turn(self) -> list[Callable[[], None]] | None:
        """Wait for something to do and fill the batch; the calls to make first, or None when it is over."""
        with self._wake:
            while True:
                self._active = [job for job in self._active if not job.future.cancelled()]
                while len(self._active) < self._engine.max_batch:
                    job = self._turns.take(is_idle=not self._active)
                    if job is None:
                        break
                    if not job.future.cancelled():
                        self._active.append(job)
                calls = list(self._calls)
                self._calls.clear()
                if self._drop or (self._closing and not self._active and not calls):
                    return None
                if self._active or calls:
                    return calls
                self._pace.idle()
                self._wake.wait()

    def _settle(self, outcomes: "Sequence[ResultT | Exception | None]") -> None:
        pairs = list(zip(self._active, outcomes, strict=True))
        with self._wake:
            self._active = [job for job, outcome in pairs if outcome is None]
        done = [(job, outcome) for job, outcome in pairs if outcome is not None]
        self._pace.end(len(done))
        for job, outcome in done:
            job.deliver(outcome)

    def _advance(self, jobs: "Sequence[_Job[RequestT, ResultT]]") -> "Sequence[ResultT | Exception | None]":
        """One engine call; when it raises, one call for each request, so that only the guilty fail."""
        try:
            return self._call_engine([job.request for job in jobs])
        except Exception as error:
            self._log.exception("engine_failed", batch=len(jobs))
            try:
                for job in jobs:
                    if self._recover is not None:
                        self._recover(job.request)
            except Exception:
                self._log.exception("engine_recovery_failed")
            if len(jobs) == 1:
                return [self._failure(error)]
        return [outcome for job in jobs for outcome in self._advance([job])]

    def _call_engine(self, requests: list[RequestT]) -> "Sequence[ResultT | None]":
        results = self._engine.advance(requests)
        if len(results) != len(requests):
            raise EngineFailed(f"the engine gave {len(results)} results for {len(requests)} requests")
        return results

    def _failure(self, error: Exception) -> EngineFailed:
        self._failures += 1
        failure = EngineFailed(f"the engine of model {self._name!r} failed on this request")
        failure.__cause__ = error
        return failure
